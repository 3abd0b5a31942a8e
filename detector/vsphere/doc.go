// Package vsphere looks at the kernel modules of ESXi hosts through the
// vSphere API of a vCenter or of one ESXi, where SSH is switched off.
//
// # Promises
//
//   - It only reads: log in, list hosts, HostKernelModuleSystem.QueryModules,
//     log out when the program ends. One session is kept and taken up again.
//   - The certificate is verified by authorities, by fingerprint or by both,
//     and redirects are not followed, so the password reaches nobody else. The
//     password is in no error and no detail.
//   - A module is down only when the host was asked and its list lacks it, or
//     has it as not loaded. A refused login, an error, a host that is not in the
//     inventory or is not connected, and a list without any module make the
//     items unknown, with what to do about it.
//   - A host in maintenance mode is not asked, and its items are unknown without
//     an alert (behind the server's own item): nothing runs there.
//   - Where the server cannot be asked at all, the items are behind its own; where
//     its inventory lacks three of the hosts or more, and a tenth of all, theirs are.
//   - A password that was refused is read again, if it stands in a file.
//   - At most MaxAnswer bytes of an answer are read; hosts are asked side by
//     side, and a host that does not answer delays no other.
package vsphere
