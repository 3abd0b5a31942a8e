// Package manager tells what the manager of Deep Security says of its
// computers, through its REST API: whether it hears from each agent, and how
// each protection module is. It also looks whether the manager itself answers.
//
// # Items
//
//	HOST/agent/heartbeat/agent     the manager hears from the agent
//	HOST/agent/module/MODULE       anti_malware, web_reputation, firewall, intrusion_prevention
//	MANAGER/manager/heartbeat/manager   the manager answers its status page
//	MANAGER/manager/heartbeat/api       its API tells of the computers
//	MANAGER/manager/heartbeat/listing   it lists the computers that it had
//
// None of the kinds of the vendor's list fits: a heartbeat is neither a
// process nor a port of the host, and a module error is not the loss of one
// process. A key of an existing kind would also make the manager's word and
// that of a dswatch on the host itself contradict each other about one item.
// Hence the kinds event.Heartbeat and event.Module. HOST is the host name that the
// manager has for the computer; where several computers share one, all but
// that with the lowest ID get "#ID" behind it.
//
// # How states come about
//
// The manager's enumerations decide, its messages are only shown.
//
//	computer   active, warning: up; error: down if the last communication is older
//	           than `late` or not known, else up (something else is wrong, which a
//	           module's item or the detail tells); inactive (not activated): down;
//	           anything else: unknown
//	module     active: up; warning: degraded; error, inactive, not-supported: down; anything else: unknown
//
// Facts are told for each computer before its items: components and edition,
// the agent's version, and features. A feature is on when the module's state
// says so, or is inherited and the module is at work; off when the state says
// so, the computer does not support it, or it is inherited and idle on an
// agent that is in contact. An item whose feature is off is still observed, as
// down; whether that counts is decided from the facts, as for every row. A
// computer that is not activated has no component agent. That keeps the
// hundreds of computers quiet that a cloud connector imports, and those that
// are switched off.
//
// One that was activated, by its ID and also before a restart, and then is
// inactive without a fingerprint, was deactivated: it keeps the component
// agent, and nothing else is known of its modules, so that its heartbeat is a
// loss until it is activated again or no longer listed.
//
// A computer that a whole listing leaves out is missing: its items stay as they
// were listed last. When the next whole listing leaves it out too, it is gone: its items are no longer reported, and it has no facts. If more
// than a tenth of all (and three at least) are missing, listing is degraded
// and none of them goes before that has lasted for a day, or Forget says so: a
// narrowed role, a node that lags behind and a listing that ends early look
// like this. What was listed more than 15 minutes ago is unknown then, and
// behind listing.
//
// # Promises
//
//   - An answer that is no answer (no connection, a certificate that does not
//     fit, HTML, a refused key, an answer without end, one that comes too late)
//     makes the item api unknown, with the reason, and after 15 minutes without a
//     listing the computers' items too; never down. Until then what was listed
//     counts, so that one failed page is not half a million changes. A page that
//     failed or is empty is asked for once more; what was told until a page
//     failed counts, and the next look goes on from there. The item api stands
//     for all of them (Observation.Behind), and itself behind the manager's
//     own heartbeat where that is not up, so that one trouble is told once. The
//     manager's own heartbeat is down when it cannot be reached, does not answer within 10
//     seconds, or answers with a status that no other cause explains.
//   - A listing without any computer, where there were some, is taken for a key
//     that may see nothing any more.
//   - What one computer's record lacks, or what it has that cannot be read,
//     makes that computer's items unknown and no other's, and leaves the facts
//     that were told of them.
//   - After 429 nothing is asked before Retry-After, or 61 seconds, have passed;
//     meanwhile api is up if the last listing is no older than 15 minutes.
//   - At most MaxAnswer bytes of a page are read, 1 MiB of one record, and
//     MaxComputers computers; of a text at most 300 bytes are kept.
//   - The certificate is always verified, by authorities, by fingerprint or by
//     both, and redirects are not followed, so the key reaches nobody else. The
//     key is in no error and no detail.
//
// It does not promise that the manager is right: what it says of an agent out
// of contact is what it heard last. It asks nothing that changes anything.
package manager
