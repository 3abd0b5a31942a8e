package event

import "slices"

// Technique is what MITRE ATT&CK calls an attacker's way of doing something. Its
// numbers are those of a range of ATT&CK's versions, because it renames.
type Technique struct {
	ID     string `json:"id"`
	Tactic string `json:"tactic"`
	From   int    `json:"from,omitempty"` // first version of ATT&CK that has the id, 0: it has long been there
	To     int    `json:"to,omitempty"`   // last version that has it, 0: the newest has it
}

// disarming is to impair a security tool: Impair Defenses, Disable or Modify
// Tools (https://attack.mitre.org/techniques/T1562/001/) until version 18, and
// T1685 of tactic TA0112 (https://attack.mitre.org/techniques/T1685/) from
// version 19 on. A receiver of either version knows one of them.
var disarming = []Technique{
	{ID: "T1562.001", Tactic: "TA0005", To: 18},
	{ID: "T1685", Tactic: "TA0112", From: 19},
}

// Techniques are those of which the loss of the item is a sign, none for most:
// what was disarmed, or wiped.
func (k Key) Techniques() []Technique {
	if k.Kind == Tamper || k.Kind == Installation && k.Name == "installed" {
		return slices.Clone(disarming)
	}
	return nil
}
