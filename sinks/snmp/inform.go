package snmp

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"dswatch/sinks"

	"dswatch/words"
	"github.com/gosnmp/gosnmp"
)

// asker sends requests and hands each answer to the one who waits for it.
// Any number of requests may be in flight on the link.
type asker struct {
	link *sinks.Datagram
	// read decodes a datagram. It returns an error for what must not be
	// believed.
	read func([]byte) (*gosnmp.SnmpPacket, error)

	mu      sync.Mutex
	waiting map[uint32]chan answer
}

type answer struct {
	packet *gosnmp.SnmpPacket
	err    error
}

func newAsker(address string, read func([]byte) (*gosnmp.SnmpPacket, error)) *asker {
	k := &asker{read: read, waiting: map[uint32]chan answer{}}
	k.link = sinks.NewDatagram("udp", address, k.hear)
	return k
}

// errSilent: no answer came in time. It counts as a timeout.
var errSilent = words.FailWith(os.ErrDeadlineExceeded, words.NoAnswerYet.With(os.ErrDeadlineExceeded))

// ask sends b, whose message or request id is id, and waits for its answer.
func (k *asker) ask(ctx context.Context, id uint32, b []byte, wait time.Duration) (*gosnmp.SnmpPacket, error) {
	c := make(chan answer, 1)
	k.mu.Lock()
	k.waiting[id] = c
	k.mu.Unlock()
	defer func() {
		k.mu.Lock()
		delete(k.waiting, id)
		k.mu.Unlock()
	}()
	if err := k.link.Write(ctx, b); err != nil {
		return nil, err
	}
	t := time.NewTimer(wait)
	defer t.Stop()
	select {
	case a := <-c:
		return a.packet, a.err
	case <-t.C:
		return nil, errSilent
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// hear reads from one socket until it is closed.
func (k *asker) hear(c net.Conn) {
	buf := make([]byte, maxSize)
	for {
		n, err := c.Read(buf)
		if err != nil {
			// The error names no request: all that wait have no receiver.
			k.fail(err)
			if errors.Is(err, syscall.ECONNREFUSED) {
				continue // the socket is good for the next one
			}
			k.link.Drop(c)
			return
		}
		p, err := k.read(append([]byte(nil), buf[:n]...))
		if err != nil {
			continue // noise, or forged: the one who waits goes on waiting
		}
		id := p.RequestID
		if p.Version == gosnmp.Version3 {
			id = p.MsgID
		}
		k.mu.Lock()
		if w, ok := k.waiting[id]; ok {
			w <- answer{packet: p}
			delete(k.waiting, id)
		}
		k.mu.Unlock()
	}
}

func (k *asker) fail(err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for id, w := range k.waiting {
		w <- answer{err: err}
		delete(k.waiting, id)
	}
}

// readV2c decodes the answer to a v2c inform.
func readV2c(b []byte) (*gosnmp.SnmpPacket, error) {
	p, err := decode(&gosnmp.GoSNMP{Version: gosnmp.Version2c}, b)
	if err != nil {
		return nil, err
	}
	if p.Version != gosnmp.Version2c || p.PDUType != gosnmp.GetResponse {
		return nil, errors.New("decode message: it is not a response of version 2c")
	}
	return p, nil
}

// remote is the receiver of v3 informs, which is the authority for them: its
// engine id, boots and time are learned from it, the keys follow.
type remote struct {
	cfg  V3
	salt *atomic.Uint64
	*asker

	mu    sync.Mutex
	user  *user // nil until the engine is known
	boots uint32
	time  uint32    // the engine's time when it was
	at    time.Time // by our monotonic clock
}

func newRemote(address string, cfg V3, salt *atomic.Uint64) *remote {
	r := &remote{cfg: cfg, salt: salt}
	r.asker = newAsker(address, r.read)
	return r
}

// engine returns what is known, nil when nothing is.
func (r *remote) engine() (u *user, boots, now uint32) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.user, r.boots, r.time + uint32(time.Since(r.at)/time.Second)
}

// learn takes over what an answer says about the engine, and derives the
// keys when it is a new one.
func (r *remote) learn(p *gosnmp.SnmpPacket) error {
	usm, ok := p.SecurityParameters.(*gosnmp.UsmSecurityParameters)
	if !ok || len(usm.AuthoritativeEngineID) < 5 || len(usm.AuthoritativeEngineID) > 32 {
		return errors.New("learn engine: the answer holds no engine id")
	}
	u, _, _ := r.engine()
	if u == nil || u.engine != usm.AuthoritativeEngineID {
		var err error
		if u, err = newUser(r.cfg, usm.AuthoritativeEngineID, r.salt); err != nil {
			return err
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.user, r.boots, r.time, r.at = u, usm.AuthoritativeEngineBoots, usm.AuthoritativeEngineTime, time.Now()
	return nil
}

func (r *remote) forget() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.user = nil
}

// read decodes an answer. One that is not authentic is believed only where
// RFC 3414 has none but such: a report that the engine id, the user or the
// keys are not known there.
func (r *remote) read(b []byte) (*gosnmp.SnmpPacket, error) {
	if u, _, _ := r.engine(); u != nil {
		if p, err := u.open(bytes.Clone(b)); err == nil {
			return p, nil
		}
	}
	g := gosnmp.GoSNMP{
		Version: gosnmp.Version3, SecurityModel: gosnmp.UserSecurityModel,
		SecurityParameters: &gosnmp.UsmSecurityParameters{AuthenticationProtocol: gosnmp.NoAuth, PrivacyProtocol: gosnmp.NoPriv},
	}
	p, err := decode(&g, b)
	if err != nil {
		return nil, err
	}
	if p.Version != gosnmp.Version3 || p.MsgFlags&gosnmp.AuthPriv != 0 || reported(p) == "" || reported(p) == notInTimeWindows {
		return nil, errors.New("decode message: it is not authentic")
	}
	return p, nil
}

// The counters that a report names (RFC 3414 and RFC 3412), without ".0".
const (
	unsupportedSecLevels = ".1.3.6.1.6.3.15.1.1.1"
	notInTimeWindows     = ".1.3.6.1.6.3.15.1.1.2"
	unknownUserNames     = ".1.3.6.1.6.3.15.1.1.3"
	unknownEngineIDs     = ".1.3.6.1.6.3.15.1.1.4"
	wrongDigests         = ".1.3.6.1.6.3.15.1.1.5"
	decryptionErrors     = ".1.3.6.1.6.3.15.1.1.6"
)

// reported returns the counter that p reports, "" when p is no report.
func reported(p *gosnmp.SnmpPacket) string {
	if p.PDUType != gosnmp.Report || len(p.Variables) == 0 {
		return ""
	}
	return strings.TrimSuffix(p.Variables[0].Name, ".0")
}

// discover asks for the engine's id, boots and time (RFC 3414 section 4).
func (r *remote) discover(ctx context.Context, id uint32, wait time.Duration) error {
	probe := gosnmp.SnmpPacket{
		Version: gosnmp.Version3, MsgFlags: gosnmp.Reportable, SecurityModel: gosnmp.UserSecurityModel,
		SecurityParameters: &gosnmp.UsmSecurityParameters{AuthenticationProtocol: gosnmp.NoAuth, PrivacyProtocol: gosnmp.NoPriv},
		PDUType:            gosnmp.GetRequest, MsgID: id, RequestID: id,
	}
	b, err := probe.MarshalMsg()
	if err != nil {
		return fmt.Errorf("encode probe: %w", err)
	}
	p, err := r.ask(ctx, id, b, wait)
	if err != nil {
		return err
	}
	return r.learn(p)
}

// tell sends one inform, as seal writes it, and waits for its response, after
// it has learned the engine or its time where the receiver says that it must.
func (r *remote) tell(ctx context.Context, wait time.Duration, ids func() uint32, seal func(*user, uint32, envelope) []byte) error {
	var last string
	for range 3 { // discover, then find that the time is another, then send
		u, boots, now := r.engine()
		if u == nil {
			if err := r.discover(ctx, ids(), wait); err != nil {
				return err
			}
			u, boots, now = r.engine()
		}
		id := ids()
		p, err := r.ask(ctx, id, seal(u, id, envelope{boots: boots, time: now, context: u.engine}), wait)
		if err != nil {
			return err
		}
		last = reported(p)
		switch last {
		case "":
			return refusal(p)
		case notInTimeWindows:
			if err := r.learn(p); err != nil {
				return err
			}
		case unknownEngineIDs:
			r.forget()
		default:
			return reportError(last)
		}
	}
	return reportError(last)
}

// reportError says what a report means for the operator.
func reportError(counter string) error {
	why := map[string]words.Phrase{
		unsupportedSecLevels: words.InformLevel.Phrase(),
		notInTimeWindows:     words.InformTime.Phrase(),
		unknownUserNames:     words.InformUser.Phrase(),
		unknownEngineIDs:     words.InformEngine.Phrase(),
		wrongDigests:         words.InformDigest.Phrase(),
		decryptionErrors:     words.InformDecrypt.Phrase(),
	}[counter]
	if why == "" {
		why = words.InformReport.Phrase(counter)
	}
	err := words.Fail(words.InformRefused.With(why))
	switch counter {
	case unknownUserNames, wrongDigests, decryptionErrors:
		return sinks.Refused(err)
	}
	return err
}

// refusal reads the error status of a response; nil is acceptance.
func refusal(p *gosnmp.SnmpPacket) error {
	switch {
	case p.PDUType != gosnmp.GetResponse:
		return words.Fail(words.InformRefused.With(words.InformOther.Phrase(p.PDUType.String())))
	case p.Error == gosnmp.NoError:
		return nil
	case p.Error == gosnmp.TooBig:
		return sinks.Permanent(words.Fail(words.InformRefused.With(words.InformTooBig.Phrase())))
	}
	return words.Fail(words.InformRefused.With(words.InformStatus.Phrase(p.Error.String())))
}
