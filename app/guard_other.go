//go:build !linux

package app

// judgesFiles: on Windows a folder below ProgramData, as earlier versions made
// theirs, lets every user add files; that is told and does not stop a start.
const judgesFiles = false
