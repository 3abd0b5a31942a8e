package manager

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode"

	"dswatch/event"
)

// computer is the part of a computer's record that is used. Any field may be
// absent.
type computer struct {
	ID                     int64   `json:"ID"`
	HostName               string  `json:"hostName"`
	DisplayName            string  `json:"displayName"`
	AgentVersion           string  `json:"agentVersion"`
	FingerPrint            *string `json:"agentFingerPrint"`       // of the agent that was activated
	LastAgentCommunication int64   `json:"lastAgentCommunication"` // milliseconds since 1970
	Status                 *struct {
		Agent    string   `json:"agentStatus"`
		Messages []string `json:"agentStatusMessages"`
	} `json:"computerStatus"`
	AntiMalware         *module `json:"antiMalware"`
	WebReputation       *module `json:"webReputation"`
	Firewall            *module `json:"firewall"`
	IntrusionPrevention *module `json:"intrusionPrevention"`

	fault string // why the record could not be read; only ID and names are set
}

// module is one protection module of a computer.
type module struct {
	State  string `json:"state"`
	Status *struct {
		Agent   string `json:"agentStatus"`
		Message string `json:"agentStatusMessage"`
	} `json:"moduleStatus"`
}

// The manager's words.
const (
	active       = "active"
	warning      = "warning"
	failing      = "error"
	inactive     = "inactive"
	notSupported = "not-supported"

	stateInherited = "inherited"
	stateOff       = "off"
)

// modules are a computer's modules, by the names of the facts.
func (c computer) modules() [len(parts) - 1]namedModule {
	return [...]namedModule{
		{event.AntiMalware, c.AntiMalware}, {event.WebReputation, c.WebReputation},
		{event.Firewall, c.Firewall}, {event.IntrusionPrevention, c.IntrusionPrevention},
	}
}

type namedModule struct {
	feature event.Name
	*module
}

// status is the manager's word for how the module is, or nothing.
func (m namedModule) status() string {
	if m.module == nil || m.Status == nil {
		return ""
	}
	return m.Status.Agent
}

// status is the manager's word for how the agent is, or nothing.
func (c computer) status() string {
	if c.Status == nil {
		return ""
	}
	return c.Status.Agent
}

// lapsed reports whether the computer is one that waits for activation, which
// an activated one becomes by being deactivated. The manager keeps the
// fingerprint of one that is merely switched off.
func (c computer) lapsed() bool {
	if c.status() != inactive || c.FingerPrint != nil && *c.FingerPrint != "" {
		return false
	}
	says := strings.ToLower(strings.Join(c.Status.Messages, " "))
	for _, off := range []string{"offline", "stopped", "powered off"} {
		if strings.Contains(says, off) {
			return false
		}
	}
	return c.FingerPrint != nil || strings.Contains(says, "activation required")
}

// activated reports whether the record shows that the agent was activated.
func (c computer) activated() bool {
	switch c.status() {
	case active, warning:
		return true
	case failing: // of the activation, too
		return c.LastAgentCommunication > 0
	}
	return false
}

// budget reads until one of its bounds is used up, or ctx has ended.
type budget struct {
	ctx   context.Context // of one call, which lasts no longer than this reader
	r     io.Reader
	total int // bytes left of the page
	part  int // bytes left of the record
}

var (
	errPage   = errors.New("the page is too long")
	errRecord = fmt.Errorf("one record is longer than %d bytes", maxRecord)
)

func (b *budget) Read(p []byte) (int, error) {
	switch {
	case b.ctx.Err() != nil:
		return 0, b.ctx.Err()
	case b.total <= 0:
		return 0, errPage
	case b.part <= 0:
		return 0, errRecord
	}
	n, err := b.r.Read(p[:min(len(p), b.total, b.part)])
	b.total -= n
	b.part -= n
	return n, err
}

// decode reads one page of at most most computers as a stream, so that
// neither a long page nor an endless one fills the memory. A computer whose
// record has values of another kind than the API's is taken with its fault; a
// page without the list of computers is an error.
//
// The computers are kept in room, which may be used again when nobody needs them.
func decode(r *budget, most int, room []computer) ([]computer, error) {
	d := json.NewDecoder(r)
	r.part = maxRecord
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return nil, unlike("an object", t, err)
	}
	var list []computer
	found := false
	for others := 0; d.More(); {
		r.part = maxRecord
		key, err := d.Token()
		if err != nil {
			return nil, err
		}
		if key != "computers" {
			if others++; others > maxOthers {
				return nil, errors.New("it is about other things than computers")
			}
			var skipped json.RawMessage
			if err := d.Decode(&skipped); err != nil {
				return nil, err
			}
			continue
		}
		if found {
			return nil, errors.New("it has two lists of computers")
		}
		found = true
		if list, err = decodeList(d, r, most, room[:0]); err != nil {
			return nil, err
		}
	}
	if _, err := d.Token(); err != nil {
		return nil, err
	}
	if !found {
		return nil, errors.New("it has no list of computers")
	}
	return list, nil
}

func decodeList(d *json.Decoder, r *budget, most int, list []computer) ([]computer, error) {
	if t, err := d.Token(); err != nil || t != json.Delim('[') {
		return nil, unlike("a list of computers", t, err)
	}
	var raw json.RawMessage // of one after the other
	for d.More() {
		if len(list) == most {
			return nil, errors.New("it has more computers than were asked for")
		}
		r.part = r.total // a long record is one that cannot be read, and hides no other
		if err := d.Decode(&raw); err != nil {
			return nil, err
		}
		list = append(list, computer{})
		list[len(list)-1].read(raw)
		if len(raw) > maxRecord {
			raw = nil
		}
	}
	_, err := d.Token()
	return list, err
}

func unlike(want string, got any, err error) error {
	if err != nil {
		return fmt.Errorf("where %s should begin: %w", want, err)
	}
	return fmt.Errorf("%v stands where %s should begin", got, want)
}

// read takes one record into the empty c, or of one that cannot be read what
// names it.
func (c *computer) read(raw []byte) {
	if bytes.Equal(raw, []byte("null")) {
		c.fault = "it is null"
		return
	}
	var err error
	if len(raw) > maxRecord {
		err = errRecord
	} else {
		err = json.Unmarshal(raw, c)
	}
	if err != nil {
		*c = computer{fault: err.Error()}
		var fields map[string]json.RawMessage
		if json.Unmarshal(raw, &fields) == nil { // each for itself: one that is torn must not take the others along
			_ = json.Unmarshal(fields["ID"], &c.ID)
			_ = json.Unmarshal(fields["hostName"], &c.HostName)
			_ = json.Unmarshal(fields["displayName"], &c.DisplayName)
		}
	}
	c.shorten()
}

// shorten keeps no more of each text than is ever shown: the records of a whole
// fleet are held at once.
func (c *computer) shorten() {
	for _, s := range [...]*string{&c.HostName, &c.DisplayName, &c.AgentVersion, &c.fault} {
		*s = line(*s)
	}
	if c.Status != nil {
		c.Status.Agent = line(c.Status.Agent)
		says := line(strings.Join(c.Status.Messages[:min(len(c.Status.Messages), 10)], "; "))
		c.Status.Messages = append(c.Status.Messages[:0], says)
	}
	for _, m := range c.modules() {
		if m.module == nil {
			continue
		}
		m.State = line(m.State)
		if m.Status != nil {
			m.Status.Agent, m.Status.Message = line(m.Status.Agent), line(m.Status.Message)
		}
	}
}

// line makes text from afar safe to show: one line of valid UTF-8, without
// control characters and those that reorder what follows, not long.
func line(s string) string {
	if len(s) > maxMessage {
		s = s[:maxMessage] + "..." // a copy: the rest can be freed
	}
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n', r == '\r', r == '\t', r == '\u2028', r == '\u2029':
			return ' '
		case unicode.IsControl(r), unicode.Is(unicode.Bidi_Control, r):
			return unicode.ReplacementChar
		}
		return r
	}, strings.ToValidUTF8(s, ""))
}
