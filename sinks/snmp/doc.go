// Package snmp tells a network management station about alerts: SNMPv1 and
// v2c traps, v3 traps with the User-based Security Model, and informs.
//
// It promises:
//
//   - Every notification is defined in DSWATCH-MIB (see MIB) and carries the
//     same objects in the same order; sysUpTime.0 and snmpTrapOID.0 come first.
//   - A message is never larger than max_size: the longest texts are cut
//     first, at a character boundary and with a mark; an alert's id never is.
//   - An inform counts as delivered only when its response came. With v3 the
//     response must be authentic.
//   - A v3 trap is sent with an engine id that stays and with engine boots
//     that were raised and written to the disk before, and that do not fall
//     behind when the state directory is lost or restored from a copy, as
//     long as the clock of the host is not set back as well.
//   - No password, community or key is in an error or a log.
//
// It does not promise that a trap arrives: UDP tells at most that nobody
// listened to an earlier one. It answers no requests, and it does not pass on
// traps of others.
//
// gosnmp derives the keys and reads and checks what comes back. Messages are
// written by this package, byte for byte as gosnmp would (FuzzEncode,
// FuzzSeal), because gosnmp's SendTrap takes about seven times as long for a
// notification of thirty objects and one goroutine at a time (BenchmarkSend).
package snmp
