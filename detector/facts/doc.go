// Package facts finds out what a host can tell of itself: its operating
// system and kernel, which components of Deep Security are installed and in
// which version, which features are on, and whose manager it has.
//
// Each way of finding out is a Source. A source tells what it knows with its
// origin and the time, and keeps quiet about what it does not know: an absent
// fact is an unknown one.
//
//   - Kernel, Installed, Dpkg and Registry read files, the kernel's own words
//     and the registry, and run nothing. RPM asks rpm.
//   - Query asks the agent through its dsa_query, rarely and only while the
//     agent is up.
//   - Learned takes what the detectors saw: port 4122 makes a relay, a process
//     of TLS inspection shows that it is on.
//
// It promises that a source that fails takes nothing away from the others,
// and that what the operator has declared is never overruled: the caller puts
// it over what was discovered, and where the host disagrees, Contradictions
// says so. The two programs it runs get fixed arguments and no shell, terminal
// or standard input; they end within their timeout, with everything they
// started, and no more than 1 MiB of their answer is kept. A program that
// others may change is not run, see package guard. A password is never given, and a refusal never
// means that a feature is off.
//
// It does not promise that a component whose folder exists is complete, or
// that none is installed where none is found: an installation elsewhere is not
// seen. It cannot see that a relay or TLS inspection was switched off on
// purpose while intrusion prevention stays on; that is declared. An answer of
// dsa_query may be as old as a day when the agent has not answered since; each
// fact carries its time.
package facts
