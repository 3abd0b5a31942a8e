// Package app puts the parts together: it reads the configuration, maps rows
// of the watch list onto detectors, carries bytes between them and the bus,
// and starts and stops everything in order. It is the only package that
// knows every other one, and tests embed the whole program through it.
//
// components.go is the only list of kinds: one more detector or sink is one
// folder and one line there.
package app
