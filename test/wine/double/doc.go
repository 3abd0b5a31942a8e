// Package double makes stand-ins on Windows for what dswatch watches: programs
// of any name, services that take any state when told to, and kernel drivers.
// The test binary plays the programs and the services itself.
//
// Everything is removed when the test ends. The package is empty on other
// systems.
package double
