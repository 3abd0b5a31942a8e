package mksys

import (
	"bytes"
	"debug/pe"
	"testing"
)

// TestDriver reads the file with the library's reader; that Windows' loader
// takes it is for the driver detector's test to show.
func TestDriver(t *testing.T) {
	f, err := pe.NewFile(bytes.NewReader(Driver()))
	if err != nil {
		t.Fatal(err)
	}
	o, ok := f.OptionalHeader.(*pe.OptionalHeader64)
	if !ok || f.Machine != pe.IMAGE_FILE_MACHINE_AMD64 || o.Subsystem != pe.IMAGE_SUBSYSTEM_NATIVE {
		t.Fatalf("not an x64 driver: %+v", f.FileHeader)
	}
	text := f.Section(".text")
	if text == nil || o.AddressOfEntryPoint != text.VirtualAddress {
		t.Fatalf("the entry point %#x is not the beginning of .text: %+v", o.AddressOfEntryPoint, text)
	}
	if b, err := text.Data(); err != nil || !bytes.HasPrefix(b, code) {
		t.Errorf("the code is %x, %v", b, err)
	}
}
