// Package driver sees which of the wanted kernel drivers are loaded.
//
// On Linux it reads /proc/modules, not modinfo, which can fail for a module
// that is loaded. '-' and '_' in a name are the same, as they are to the
// kernel. On Windows it asks the service control manager, see package scm.
//
// On Linux it promises:
//
//   - Only a module in state Live is up. One that is Loading or Unloading is
//     down, and the detail says so.
//   - A module that is not listed is looked for a second time: the kernel hands
//     out the list in pieces, and an entry can slip between two of them while
//     another module unloads.
//   - A kernel that was built without modules has no driver: down, not unknown.
//   - A list that cannot be read, or not be understood, is an error.
//
// It does not promise to see a driver that is built into the kernel, and it
// does not know whether a driver that is loaded does its work.
package driver
