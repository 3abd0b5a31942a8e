// Package scm asks the Windows service control manager about services and
// kernel drivers, which it keeps in one list, and says what its answer means.
//
// It promises:
//
//   - The least rights: SC_MANAGER_CONNECT, and SERVICE_QUERY_STATUS with, where
//     it is given, SERVICE_QUERY_CONFIG. Nothing is started, stopped or changed.
//   - Only SERVICE_RUNNING is up. Starting, stopping, pausing, paused, resuming,
//     stopped and disabled are down and told apart, a stop with its exit code.
//   - What does not exist is down. What may not be asked is unknown, and so is
//     a state that this package has never heard of.
//   - A service does not count as a driver, nor a driver as a service.
//   - A name is the name of `sc.exe query`, or else the name that the list of
//     services shows, in any script. Case does not matter, as it does not to
//     Windows.
//
// It does not promise that what runs does its work, and a call that the
// manager leaves unanswered cannot be broken off.
package scm
