package main

import (
	"bytes"
	"context"
	_ "embed"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"dswatch/app"
	"dswatch/guard"
	"dswatch/web"
	"dswatch/words"
)

// The units are also in deploy/, for those who install by hand. Their ExecStart
// is the one line that install changes.
var (
	//go:embed dswatch.service
	unitTemplate string
	//go:embed dswatch-helper.service
	helperTemplate string
	//go:embed dswatch-helper.socket
	socketUnit string
	// rootDropIn makes the service root's.
	//go:embed root.conf
	rootDropIn string
)

const (
	unitExec   = "ExecStart=/usr/local/bin/dswatch run -c /etc/dswatch/dswatch.yaml\n"
	unitFile   = serviceName + ".service"
	helperExec = "ExecStart=/usr/local/bin/dswatch helper\n"
	helperFile = serviceName + "-helper.service"
	socketFile = serviceName + "-helper.socket"
	dropInFile = unitFile + ".d/root.conf"
)

// unitDir is where the administrator's own units are, see systemd.unit(5).
const unitDir = "/etc/systemd/system"

// controlTime outlasts TimeoutStopSec of the unit.
const controlTime = 90 * time.Second

// oldestSystemd gives a service state directories and capabilities of its own
// user: StateDirectory came with 235, AmbientCapabilities with 229.
const oldestSystemd = 235

// units installs and controls the units.
type units struct {
	dir    string
	asRoot func(exe, config string) error // why the service cannot run as its own user; nil: it can
}

func system() units { return units{unitDir, needsRoot} }

func installService(exe, config string) (root, err error) { return system().install(exe, config) }
func uninstallService() error                             { return system().uninstall() }
func startService() error                                 { return system().control("start") }
func stopService() error                                  { return system().control("stop") }

// serviceRunCommand: systemd runs the ordinary command.
func serviceRunCommand() *cobra.Command { return nil }

// needsRoot says why the service has to be root's, and makes its user where it
// need not.
func needsRoot(exe, config string) error {
	version, err := systemdVersion()
	if err != nil {
		return err
	}
	if version < oldestSystemd {
		return words.Fail(words.SystemdTooOld.With(version, oldestSystemd))
	}
	if info, err := os.Stat(exe); err != nil || info.Mode().Perm()&0o001 == 0 {
		return words.Fail(words.OnlyRootRuns.With(exe))
	}
	l, err := load(config)
	if err != nil {
		return err
	}
	b, usual := l.Config.Bus, app.Defaults().Bus
	for _, dir := range []string{b.Dir, b.OpenPath()} {
		if b.URL == "" && dir != usual.Dir && dir != usual.OpenPath() {
			return words.Fail(words.StateElsewhere.With(dir))
		}
	}
	if s := l.Config.Web.Socket; s != "" && s != web.Off && s != web.SystemSocket {
		return words.Fail(words.StateElsewhere.With(s))
	}
	return makeUser(app.HelperUser)
}

// systemdVersion is the number in the first line of systemctl --version.
func systemdVersion() (int, error) {
	out, err := systemctl("--version")
	if err != nil {
		return 0, err
	}
	f := strings.Fields(out)
	if len(f) < 2 {
		return 0, words.Fail(words.SystemdTooOld.With(0, oldestSystemd))
	}
	number, _, _ := strings.Cut(f[1], ".")
	n, _ := strconv.Atoi(number) // what is no number is too old
	return n, nil
}

// makeUser makes a system user with a group of the same name, which may be there
// already for those who may ask without root.
func makeUser(name string) error {
	if _, err := user.Lookup(name); err == nil {
		return nil
	}
	args := []string{"--system", "--no-create-home", "--home-dir", app.Defaults().Bus.Dir, "--shell", "/usr/sbin/nologin"}
	if _, err := user.LookupGroup(name); err == nil {
		args = append(args, "--gid", name)
	} else {
		args = append(args, "--user-group")
	}
	if out, err := tool("useradd", append(args, name)...); err != nil {
		return words.FailWith(err, words.NoUserMade.With(name, err, out))
	}
	return nil
}

// unit returns the text of the unit.
func unit(exe, config string) (string, error) {
	const plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._-+@"
	for _, path := range []string{exe, config} {
		if strings.ContainsFunc(path, func(r rune) bool { return !strings.ContainsRune(plain, r) }) {
			return "", words.Fail(words.PathInUnit.With(words.Inner(path)))
		}
	}
	return strings.Replace(unitTemplate, unitExec, "ExecStart="+exe+" run -c "+config+"\n", 1), nil
}

// install also returns why the service runs as root; nil: as its own user.
func (u units) install(exe, config string) (why, err error) {
	if _, err := os.Stat(filepath.Join(u.dir, unitFile)); err == nil {
		return nil, words.Fail(words.UnitExists.With(filepath.Join(u.dir, unitFile)))
	}
	text, err := unit(exe, config)
	if err != nil {
		return nil, err
	}
	type file struct{ name, text string }
	files := []file{{unitFile, text}}
	if why = u.asRoot(exe, config); why == nil {
		files = append(files, file{helperFile, strings.Replace(helperTemplate, helperExec, "ExecStart="+exe+" helper\n", 1)}, file{socketFile, socketUnit})
	} else {
		files = append(files, file{dropInFile, rootDropIn})
	}
	var made []string
	for _, f := range files {
		path := filepath.Join(u.dir, f.name)
		if err = writeNew(path, f.text); err != nil {
			break
		}
		made = append(made, path)
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		err = words.FailWith(err, words.NoSystemd.With(err, config))
	case errors.Is(err, fs.ErrExist):
		err = words.FailWith(err, words.UnitExists.With(filepath.Join(u.dir, files[len(made)].name)))
	case err != nil:
		err = words.FailWith(err, words.RunAsRoot.With(err))
	}
	if err == nil {
		_, err = systemctl("daemon-reload")
	}
	if err == nil {
		_, err = systemctl("enable", unitFile)
	}
	if err == nil && why == nil {
		_, err = systemctl("enable", "--now", socketFile)
	}
	if err != nil {
		for _, path := range made { // half an installation would block the next
			err = errors.Join(err, os.Remove(path))
		}
	}
	return why, err
}

// writeNew writes a file that is not there, in the folder of drop-ins if need be.
func writeNew(path, text string) error {
	if dir := filepath.Dir(path); strings.HasSuffix(dir, ".d") {
		if err := os.Mkdir(dir, 0o755); err != nil && !errors.Is(err, fs.ErrExist) {
			return err
		}
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	return errors.Join(err, f.Close())
}

func (u units) uninstall() error {
	if err := u.installed(); err != nil {
		return err
	}
	for _, name := range []string{unitFile, socketFile, helperFile} {
		path := filepath.Join(u.dir, name)
		if _, err := os.Stat(path); err != nil {
			continue // of an older version, or for root
		}
		if name != helperFile { // it is stopped below, and was never enabled
			if _, err := systemctl("disable", "--now", name); err != nil {
				return err
			}
		} else if _, err := systemctl("stop", name); err != nil {
			return err
		}
		if err := os.Remove(path); err != nil {
			return words.FailWith(err, words.RunAsRoot.With(err))
		}
	}
	dropIn := filepath.Join(u.dir, dropInFile)
	if err := os.Remove(dropIn); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return words.FailWith(err, words.RunAsRoot.With(err))
	}
	_ = os.Remove(filepath.Dir(dropIn)) // drop-ins of the administrator's own stay
	_, err := systemctl("daemon-reload")
	return err
}

func (u units) control(verb string) error {
	if err := u.installed(); err != nil {
		return err
	}
	_, err := systemctl(verb, unitFile)
	return err
}

func (u units) installed() error {
	if _, err := os.Stat(filepath.Join(u.dir, unitFile)); err != nil {
		return words.FailWith(err, words.ServiceNotInstalled.With(err))
	}
	return nil
}

// systemctl runs systemd's own command, which asks for what rights it needs, and
// returns what it says.
func systemctl(args ...string) (string, error) {
	said, err := tool("systemctl", args...)
	switch {
	case errors.Is(err, exec.ErrNotFound):
		return "", words.FailWith(err, words.NoSystemctl.With(err))
	case err != nil:
		return "", words.FailWith(err, words.SystemctlFailed.With(strings.Join(args, " "), err, said, unitFile))
	}
	return said, nil
}

// tool runs a program of the system and returns the first of what it says.
func tool(name string, args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), controlTime)
	defer cancel()
	var out bytes.Buffer
	path, err := exec.LookPath(name)
	if err == nil {
		err = guard.Program{Path: path, Args: args, Stdout: &out, Stderr: &out, Terminal: true}.Run(ctx)
	}
	return strings.TrimSpace(string(out.Next(2000))), err
}
