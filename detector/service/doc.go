// Package service sees which of the wanted services run.
//
// On Linux it asks systemd over D-Bus for the state of units, as any user may.
// On Windows it asks the service control manager, see package scm.
//
// On Linux it promises:
//
//   - active, reloading and refreshing are up. Every other state is down, with
//     the unit's own words (sub-state, result, load state) as detail: also
//     activating, because a service that never gets further is not up, and
//     failed, masked or not found.
//   - No D-Bus, or no systemd on it, is an error that says what to do, never
//     down. So is a state that this package has never heard of.
//   - One connection is kept, and made anew after it broke; a look does not
//     fail because the bus was restarted since the last one.
//   - Looking reads properties and nothing else. systemd loads the file of a
//     unit it has not loaded yet, as systemctl status makes it do.
//
// It does not promise to know what a service does: a unit of Type=forking may
// be active while its main process hangs.
package service
