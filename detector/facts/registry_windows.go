package facts

import (
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"unsafe"

	"golang.org/x/sys/windows"
	"golang.org/x/sys/windows/registry"
)

const (
	agentKey     = `SOFTWARE\TrendMicro\Deep Security Agent`
	uninstallKey = `SOFTWARE\Microsoft\Windows\CurrentVersion\Uninstall`
	// maxPrograms bounds the list of installed programs.
	maxPrograms = 10_000
)

// views are the two halves of the registry: programs of either width count.
var views = []uint32{registry.WOW64_64KEY, registry.WOW64_32KEY}

// installed asks the registry. What cannot be read is left out.
func installed() (installation, error) {
	folder, err := installationFolder()
	i := installation{folder: folder}
	if folder != "" {
		for _, path := range mainPrograms(folder) {
			if v, verr := versionOf(path); verr == nil {
				i.fileVersion = v
				break
			}
		}
	}
	for _, view := range views {
		found, perr := programsIn(view)
		err = errors.Join(err, perr)
		i.programs = append(i.programs, found...)
	}
	return i, err
}

// mainPrograms are the agent's, of which one is there; the second is that of
// old agents.
func mainPrograms(folder string) []string {
	return []string{filepath.Join(folder, "dsa.exe"), filepath.Join(folder, "ds_agent.exe")}
}

// programs are the vendor's whose version is read from the file.
func programs() []string {
	folder, err := installationFolder()
	if err != nil || folder == "" {
		return nil
	}
	return mainPrograms(folder)
}

// installationFolder returns where the agent is installed, or nothing.
func installationFolder() (string, error) {
	for _, view := range views {
		k, err := registry.OpenKey(registry.LOCAL_MACHINE, agentKey, registry.QUERY_VALUE|view)
		if errors.Is(err, registry.ErrNotExist) {
			continue
		}
		if err != nil {
			return "", fmt.Errorf("open %s: %w", agentKey, err)
		}
		folder, _, err := k.GetStringValue("InstallationFolder")
		k.Close()
		if errors.Is(err, registry.ErrNotExist) {
			continue
		}
		return folder, err
	}
	return "", nil
}

// programsIn returns the installed programs of one view.
func programsIn(view uint32) ([]program, error) {
	k, err := registry.OpenKey(registry.LOCAL_MACHINE, uninstallKey, registry.ENUMERATE_SUB_KEYS|view)
	if errors.Is(err, registry.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", uninstallKey, err)
	}
	defer k.Close()
	names, err := k.ReadSubKeyNames(maxPrograms)
	if err != nil && !errors.Is(err, io.EOF) { // EOF: there are fewer than asked for
		return nil, fmt.Errorf("list %s: %w", uninstallKey, err)
	}
	var found []program
	for _, name := range names {
		e, err := registry.OpenKey(k, name, registry.QUERY_VALUE|view)
		if err != nil {
			continue // another program's business
		}
		p := program{}
		p.name, _, _ = e.GetStringValue("DisplayName")
		p.version, _, _ = e.GetStringValue("DisplayVersion")
		p.location, _, _ = e.GetStringValue("InstallLocation")
		e.Close()
		if p.name != "" {
			found = append(found, p)
		}
	}
	return found, nil
}

// versionOf reads the version resource of a program.
func versionOf(path string) (string, error) {
	size, err := windows.GetFileVersionInfoSize(path, nil)
	if err != nil {
		return "", fmt.Errorf("read the version of %s: %w", path, err)
	}
	if size == 0 || size > 1<<20 {
		return "", fmt.Errorf("read the version of %s: a resource of %d bytes", path, size)
	}
	buf := make([]byte, size)
	if err := windows.GetFileVersionInfo(path, 0, size, unsafe.Pointer(&buf[0])); err != nil {
		return "", fmt.Errorf("read the version of %s: %w", path, err)
	}
	var fixed *windows.VS_FIXEDFILEINFO
	n := uint32(unsafe.Sizeof(*fixed))
	if err := windows.VerQueryValue(unsafe.Pointer(&buf[0]), `\`, unsafe.Pointer(&fixed), &n); err != nil {
		return "", fmt.Errorf("read the version of %s: %w", path, err)
	}
	return fileVersion(fixed.FileVersionMS, fixed.FileVersionLS), nil
}

// queryPath returns where dsa_query is, or nothing.
func queryPath() string {
	folder, err := installationFolder()
	if err != nil || folder == "" {
		return ""
	}
	return filepath.Join(folder, "dsa_query.cmd")
}
