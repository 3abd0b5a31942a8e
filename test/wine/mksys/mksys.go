// Package mksys makes a kernel driver that does nothing, for tests under Wine:
// a driver service of any name that really runs and stops.
package mksys

import (
	"bytes"
	"encoding/binary"
)

// code is DriverEntry and, at offset 16, DriverUnload. Nothing is imported.
var code = []byte{
	0x48, 0x8D, 0x05, 9, 0, 0, 0, // lea rax, [rip+9], which is DriverUnload
	0x48, 0x89, 0x41, 0x68, // mov [rcx+0x68], rax: DRIVER_OBJECT.DriverUnload, without which it cannot be stopped
	0x31, 0xC0, // xor eax, eax: STATUS_SUCCESS
	0xC3, 0x90, 0x90, // ret
	0xC3, // DriverUnload: ret
}

const (
	page  = 0x1000 // where the code is in memory
	block = 0x200  // file alignment: the headers fill one block, the code another
)

// Driver returns the file of the driver, for x64. See the PE format, sections
// "COFF File Header" and "Optional Header".
func Driver() []byte {
	var h bytes.Buffer
	put := func(values ...any) {
		for _, v := range values {
			_ = binary.Write(&h, binary.LittleEndian, v) // a buffer takes everything
		}
	}
	dos := make([]byte, 64)
	copy(dos, "MZ")
	binary.LittleEndian.PutUint32(dos[60:], 64) // where the PE header is
	put(dos, []byte("PE\x00\x00"))
	put(uint16(0x8664), uint16(1), uint32(0), uint32(0), uint32(0), uint16(240), uint16(0x22)) // x64, one section, executable
	put(uint16(0x20b), uint8(14), uint8(0), uint32(block), uint32(0), uint32(0), uint32(page), uint32(page))
	put(uint64(0x140000000), uint32(page), uint32(block))
	put(uint16(10), uint16(0), uint16(10), uint16(0), uint16(10), uint16(0), uint32(0)) // for Windows 10
	put(uint32(2*page), uint32(block), uint32(0), uint16(1), uint16(0x0140))            // subsystem native
	put(uint64(0x100000), uint64(page), uint64(0x100000), uint64(page), uint32(0), uint32(16))
	put(make([]byte, 16*8)) // no data directories
	put([]byte(".text\x00\x00\x00"))
	put(uint32(len(code)), uint32(page), uint32(block), uint32(block), uint32(0), uint32(0), uint16(0), uint16(0), uint32(0x60000020))
	out := make([]byte, 2*block)
	copy(out, h.Bytes())
	copy(out[block:], code)
	return out
}
