package web

// Role is what somebody may do, from little to all.
type Role string

// The roles.
const (
	Viewer   Role = "viewer"   // looks
	Operator Role = "operator" // and answers alerts
	Admin    Role = "admin"    // and changes what is kept
)

// Action is something that is done and not only looked at.
type Action string

// The actions.
const (
	ActSee     Action = "see"     // look at all that there is
	ActAck     Action = "ack"     // acknowledge an alert, or take that back
	ActSilence Action = "silence" // add, change or end a silence
	ActReplay  Action = "replay"  // put dead letters, or open alerts, into the outbox again
	ActTest    Action = "test"    // send a sink a marked test
	ActDrop    Action = "drop"    // throw dead letters away
	ActChange  Action = "change"  // reload, hosts, names of sinks
)

// leastRole is who may do an action, and everyone above.
var leastRole = map[Action]Role{
	ActSee: Viewer, ActAck: Operator, ActSilence: Operator, ActReplay: Operator, ActTest: Operator, ActDrop: Admin, ActChange: Admin,
}

var rank = map[Role]int{Viewer: 1, Operator: 2, Admin: 3}

// May reports whether the role allows the action. It is asked wherever something
// is done, and wherever something is offered.
func May(r Role, a Action) bool {
	least, known := leastRole[a]
	return known && rank[r] >= rank[least]
}
