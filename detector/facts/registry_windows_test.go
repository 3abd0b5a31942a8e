package facts

import (
	"encoding/binary"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf16"
	"unsafe"

	"golang.org/x/sys/windows"
	"golang.org/x/sys/windows/registry"

	"dswatch/event"
)

// set writes a value below HKLM, in one half of the registry, and removes the
// key when the test ends.
func set(t *testing.T, view uint32, path, name string, value any) {
	t.Helper()
	k, existed, err := registry.CreateKey(registry.LOCAL_MACHINE, path, registry.SET_VALUE|view)
	if err != nil {
		t.Fatal(err)
	}
	defer k.Close()
	if !existed {
		t.Cleanup(func() {
			if k, err := registry.OpenKey(registry.LOCAL_MACHINE, path, registry.QUERY_VALUE|view); err == nil {
				k.Close()
				remove(t, view, path)
			}
		})
	}
	switch v := value.(type) {
	case string:
		err = k.SetStringValue(name, v)
	case uint32:
		err = k.SetDWordValue(name, v)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func remove(t *testing.T, view uint32, path string) {
	t.Helper()
	parent, name := path[:strings.LastIndex(path, `\`)], path[strings.LastIndex(path, `\`)+1:]
	p, err := registry.OpenKey(registry.LOCAL_MACHINE, parent, registry.WRITE|view)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	if err := registry.DeleteKey(p, name); err != nil {
		t.Errorf("remove %s: %v", path, err)
	}
}

// writeProgram writes a real program with this version in its resources.
func writeProgram(t *testing.T, path string, version [4]uint16) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(self)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, b, 0o755); err != nil {
		t.Fatal(err)
	}
	// VS_VERSIONINFO: lengths, type, key, padding, VS_FIXEDFILEINFO.
	var r []byte
	le := binary.LittleEndian
	r = le.AppendUint16(r, 0) // the length, later
	r = le.AppendUint16(r, 52)
	r = le.AppendUint16(r, 0)
	for _, c := range utf16.Encode([]rune("VS_VERSION_INFO\x00")) {
		r = le.AppendUint16(r, c)
	}
	for len(r)%4 != 0 {
		r = append(r, 0)
	}
	high, low := uint32(version[0])<<16|uint32(version[1]), uint32(version[2])<<16|uint32(version[3])
	for _, v := range []uint32{0xFEEF04BD, 0x00010000, high, low, high, low, 0x3f, 0, 0x00040004, 1, 0, 0, 0} {
		r = le.AppendUint32(r, v)
	}
	le.PutUint16(r, uint16(len(r)))

	dll := windows.NewLazySystemDLL("kernel32.dll")
	name, err := windows.UTF16PtrFromString(path)
	if err != nil {
		t.Fatal(err)
	}
	h, _, err := dll.NewProc("BeginUpdateResourceW").Call(uintptr(unsafe.Pointer(name)), 0)
	if h == 0 {
		t.Fatal(err)
	}
	const versionType, id, neutral = 16, 1, 0
	if ok, _, err := dll.NewProc("UpdateResourceW").Call(h, versionType, id, neutral, uintptr(unsafe.Pointer(&r[0])), uintptr(len(r))); ok == 0 {
		t.Fatal(err)
	}
	if ok, _, err := dll.NewProc("EndUpdateResourceW").Call(h, 0); ok == 0 {
		t.Fatal(err)
	}
}

// TestRegistry asks the real registry of Windows, or of Wine.
func TestRegistry(t *testing.T) {
	presence := NewPresence("h", "", nil)
	ask := func() event.Facts {
		t.Helper()
		f, err := Discover(t.Context(), presence, Registry{})
		if err != nil {
			t.Error(err)
		}
		return f
	}
	if f := ask(); len(f) != 0 {
		t.Fatalf("before anything is installed: %v", f)
	}
	if p := queryPath(); p != "" {
		t.Errorf("dsa_query is at %q", p)
	}
	wants := func(what string, f event.Facts, components, version, origin string) {
		t.Helper()
		if f[event.Components].Value != components || f[event.AgentVersion].Value != version || f[event.AgentVersion].Origin != origin {
			t.Errorf("%s: %v", what, f)
		}
	}
	const entry = uninstallKey + `\{5B3D1C9A-0000-4000-8000-0000D5A00001}`
	set(t, registry.WOW64_64KEY, entry, "DisplayName", agentProgram)
	set(t, registry.WOW64_64KEY, entry, "DisplayVersion", "20.0.0.7118")
	wants("from the list of programs", ask(), "agent", "20.0.0.7118", "registry (DisplayVersion)")

	dir := filepath.Join(t.TempDir(), "セキュリティ Agent")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	set(t, registry.WOW64_64KEY, agentKey, "InstallationFolder", dir)
	if p := queryPath(); p != filepath.Join(dir, "dsa_query.cmd") {
		t.Errorf("dsa_query is at %q", p)
	}
	for _, v := range [][4]uint16{{20, 0, 0, 8437}, {20, 0, 0, 8438}} { // an upgrade
		before := Stamp(`C:\`)
		time.Sleep(20 * time.Millisecond) // the clock of files
		writeProgram(t, filepath.Join(dir, "dsa.exe"), v)
		if Stamp(`C:\`) == before {
			t.Error("the stamp is the same after a new program")
		}
		wants("from the file", ask(), "agent", fileVersion(uint32(v[0])<<16|uint32(v[1]), uint32(v[2])<<16|uint32(v[3])), "file version (dsa.exe)")
	}
	const manager = uninstallKey + `\Deep Security Manager`
	set(t, registry.WOW64_32KEY, manager, "DisplayName", managerProgram)
	wants("a manager in the other half", ask(), "agent,manager", "20.0.0.8438", "file version (dsa.exe)")

	if err := os.WriteFile(filepath.Join(dir, "dsa.exe"), []byte("no program"), 0o755); err != nil {
		t.Fatal(err)
	}
	wants("a torn program", ask(), "agent,manager", "20.0.0.7118", "registry (DisplayVersion)")

	set(t, registry.WOW64_64KEY, agentKey, "InstallationFolder", uint32(7))
	f, err := Discover(t.Context(), presence, Registry{})
	if err == nil || !strings.Contains(err.Error(), "watch.facts") {
		t.Errorf("a value of another type: %v", err)
	}
	wants("a value of another type", f, "agent,manager", "20.0.0.7118", "registry (DisplayVersion)")

	set(t, registry.WOW64_64KEY, entry, "DisplayVersion", "soon")
	f, err = Discover(t.Context(), presence, Registry{})
	if err == nil || f[event.AgentVersion].Value != "" || f[event.Components].Value != "agent,manager" {
		t.Errorf("a version that is none: %v, %v", f, err)
	}

	// Wiped: the folder, its key and the entries. A missing entry proves nothing.
	present := presence.Keys()[0]
	state := func() event.State {
		t.Helper()
		all, err := presence.Detect(t.Context())
		if err != nil || all[0].Key != present {
			t.Fatal(all, err)
		}
		return all[0].State
	}
	if s := state(); s != event.Up {
		t.Errorf("the agent is %s", s)
	}
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	if s := state(); s != event.Down {
		t.Errorf("after the folder was deleted the agent is %s", s)
	}
	remove(t, registry.WOW64_64KEY, agentKey)
	remove(t, registry.WOW64_64KEY, entry)
	f, err = Discover(t.Context(), presence, Registry{})
	if s := state(); s != event.Down || err != nil || f[event.Components].Value != "agent,manager" || !strings.Contains(f[event.Components].Origin, "remembered (registry") {
		t.Errorf("after the registry was wiped too the agent is %s: %v, %v", s, f, err)
	}
}
