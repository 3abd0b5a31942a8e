package main

import (
	"os"

	"golang.org/x/sys/windows"
)

// understandsColor lets the console read escape sequences, which it shows as
// they are otherwise.
func understandsColor(f *os.File) bool {
	var mode uint32
	console := windows.Handle(f.Fd())
	return windows.GetConsoleMode(console, &mode) == nil &&
		windows.SetConsoleMode(console, mode|windows.ENABLE_VIRTUAL_TERMINAL_PROCESSING) == nil
}
