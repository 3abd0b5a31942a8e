package snmp

import (
	"context"
	"errors"
	"net"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"dswatch/event"
	"dswatch/machine"
	"dswatch/sinks"

	"dswatch/words"
	"github.com/gosnmp/gosnmp"
)

// Kind describes the sink for the configuration.
func Kind() sinks.Kind {
	return sinks.NewKind("snmp",
		"Sends traps or informs of DSWATCH-MIB (`dswatch mib` prints it) to one receiver, with SNMP version 1, 2c or 3.",
		Defaults(), func(c Config, env sinks.Env) (sinks.Sink, error) { return New(c, env) })
}

// Sink sends notifications to one receiver.
type Sink struct {
	cfg   Config
	env   sinks.Env
	form  *form
	clock *clock
	salt  *atomic.Uint64

	sequence atomic.Uint64 // dswatchSequence
	requests atomic.Uint32 // request and message ids

	traps  *sinks.Datagram // for traps
	rooms  sync.Pool       // of *[]byte, where traps are written
	asker  *asker          // for v2c informs
	remote *remote         // for v3 informs

	mu     sync.Mutex
	engine engine // for v3 traps; empty until the first one
	user   *user
}

// New returns a sink. It opens nothing: the first Send does.
func New(c Config, env sinks.Env) (*Sink, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	f, err := newForm(c.Enterprise)
	if err != nil {
		return nil, err
	}
	if c.Varbinds == "short" {
		f.short()
	}
	salt, err := newSalt()
	if err != nil {
		return nil, err
	}
	s := &Sink{cfg: c, env: env, form: f, clock: newClock(), salt: salt}
	s.requests.Store(uint32(salt.Load())) // so that two runs have different ones
	address := withPort(c.Address)
	switch {
	case !c.Inform:
		s.traps = sinks.NewDatagram("udp", address, nil)
	case c.Version == "3":
		s.remote = newRemote(address, c.V3, salt)
	default:
		s.asker = newAsker(address, readV2c)
	}
	return s, nil
}

// Close closes the socket. A later Send opens it again.
func (s *Sink) Close() error {
	switch {
	case s.remote != nil:
		return s.remote.link.Close()
	case s.asker != nil:
		return s.asker.link.Close()
	}
	return s.traps.Close()
}

// Send tells a. A trap is accepted when the socket took it and holds no
// error; an inform when its response came.
func (s *Sink) Send(ctx context.Context, a event.Alert) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if d, ok := ctx.Deadline(); !ok || time.Until(d) > s.cfg.Timeout {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, s.cfg.Timeout)
		defer cancel()
	}
	var err error
	if s.cfg.Inform {
		err = s.inform(ctx, a)
	} else {
		err = s.trap(ctx, a)
	}
	if err != nil {
		return words.FailWith(err, words.SNMPFailed.With(s.cfg.Address, err))
	}
	return nil
}

func (s *Sink) trap(ctx context.Context, a event.Alert) error {
	n := &notice{chars: charsets[s.cfg.Charset]}
	n.fill(&a, s.sequence.Add(1))
	h := header{
		pdu: gosnmp.SNMPv2Trap, community: s.cfg.Community.Reveal(),
		request: s.nextID(), uptime: s.clock.ticks(), which: notification(a),
	}
	switch s.cfg.Version {
	case "1":
		c, err := s.traps.Conn(ctx)
		if err != nil {
			return err
		}
		if from, ok := c.LocalAddr().(*net.UDPAddr); ok {
			copy(h.agent[:], from.IP.To4()) // over IPv6 it stays 0.0.0.0
		}
		n.fit(s.form, s.budget(nil))
		return s.traps.Write(ctx, s.form.encodeV1(n, h))
	case "2c":
		n.fit(s.form, s.budget(nil))
		room, ok := s.rooms.Get().(*[]byte)
		if !ok {
			room = new([]byte)
		}
		defer s.rooms.Put(room)
		*room = s.form.writeV2c(*room, n, h)
		return s.traps.Write(ctx, *room)
	}
	u, e, err := s.self()
	if err != nil {
		return err
	}
	n.fit(s.form, s.budget(u))
	b := u.seal(s.form, n, h, envelope{boots: e.boots, time: s.clock.seconds(), context: e.id})
	return s.traps.Write(ctx, b)
}

// inform sends the same request again until the response comes.
func (s *Sink) inform(ctx context.Context, a event.Alert) error {
	n := &notice{chars: charsets[s.cfg.Charset]}
	n.fill(&a, s.sequence.Add(1))
	h := header{
		pdu: gosnmp.InformRequest, community: s.cfg.Community.Reveal(),
		request: s.nextID(), uptime: s.clock.ticks(), which: notification(a),
	}
	tries := s.cfg.Retries + 1
	wait := s.cfg.Timeout / time.Duration(tries)
	var once func() error
	if s.remote != nil {
		// The engine id of the receiver may be of any length.
		n.fit(s.form, s.budget(&user{cfg: s.cfg.V3, engine: longestEngineID}))
		once = func() error {
			return s.remote.tell(ctx, wait, s.nextID, func(u *user, id uint32, e envelope) []byte {
				h.request = id
				return u.seal(s.form, n, h, e)
			})
		}
	} else {
		n.fit(s.form, s.budget(nil))
		b := s.form.encodeV2c(n, h)
		once = func() error {
			p, err := s.asker.ask(ctx, h.request, b, wait)
			if err != nil {
				return err
			}
			return refusal(p)
		}
	}
	var err error
	sent := 0
	for range tries {
		sent++
		if err = once(); !errors.Is(err, errSilent) {
			break
		}
	}
	if errors.Is(err, errSilent) || errors.Is(err, context.DeadlineExceeded) {
		return words.FailWith(err, words.NoResponse.With(sent, err))
	}
	return err
}

// longestEngineID stands for one that is not known yet.
var longestEngineID = string(make([]byte, 32))

// self returns this sink as an engine, with its boots safely on the disk.
func (s *Sink) self() (*user, engine, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.user != nil {
		return s.user, s.engine, nil
	}
	configured := ""
	if s.cfg.V3.EngineID != "" {
		var err error
		if configured, err = parseEngineID(s.cfg.V3.EngineID); err != nil {
			return nil, engine{}, err
		}
	}
	e, err := openEngine(s.env.StateDir, configured, machine.Here(), time.Now(), s.env.Log)
	if err != nil {
		return nil, engine{}, err
	}
	u, err := newUser(s.cfg.V3, e.id, s.salt)
	if err != nil {
		return nil, engine{}, err
	}
	s.engine, s.user = e, u
	return u, e, nil
}

// Inherit implements sinks.Heir: the receivers of v3 traps know the other sink
// by its engine id, which this one takes unless its own is configured, and have
// seen its boots, so the next are higher.
func (s *Sink) Inherit(dir string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	path := filepath.Join(s.env.StateDir, engineFile)
	other, err := readEngine(filepath.Join(dir, engineFile))
	if err != nil || other.ID == "" {
		return err
	}
	own, err := readEngine(path)
	if err != nil {
		return err
	}
	other.Boots = max(other.Boots, own.Boots)
	if s.cfg.V3.EngineID != "" {
		if other.ID, err = parseEngineID(s.cfg.V3.EngineID); err != nil {
			return err
		}
	}
	if err := writeEngine(path, other); err != nil {
		return err
	}
	s.user = nil // the next trap begins with what is stored
	return nil
}

// budget is how many bytes the objects may take. The headers are reckoned at
// their largest, so a message may end a few bytes below max_size.
func (s *Sink) budget(u *user) int {
	const headers = 48 // tags, lengths and numbers of v1 and v2c
	most := int(s.cfg.MaxSize) - bindSize(s.form.uptime, value{tag: gosnmp.TimeTicks, num: 1<<32 - 1}) -
		bindSize(s.form.trapID, value{tag: gosnmp.ObjectIdentifier, text: s.form.rootWire + "\x00\x01"})
	if u != nil {
		return most - u.overhead()
	}
	return most - headers - len(s.cfg.Community) - len(s.form.rootWire)
}

// nextID returns a request id, which is positive and 31 bits long.
func (s *Sink) nextID() uint32 { return s.requests.Add(1) & 0x7fffffff }
