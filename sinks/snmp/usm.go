package snmp

import (
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"sync/atomic"

	"github.com/gosnmp/gosnmp"
)

// user is the v3 user and what it takes to seal messages in its name for one
// authoritative engine. Keys are derived once; sealing needs no lock.
type user struct {
	cfg     V3
	engine  string // id of the authoritative engine, as on the wire
	auth    []byte // key localised to engine
	privacy []byte
	salt    *atomic.Uint64
}

// newSalt begins at a random number (RFC 3826 section 3.1.4.1). One user has
// one salt, whatever the engine.
func newSalt() (*atomic.Uint64, error) {
	var b [8]byte
	if _, err := rand.Read(b[:]); err != nil {
		return nil, fmt.Errorf("make salt: %w", err)
	}
	salt := new(atomic.Uint64)
	salt.Store(binary.BigEndian.Uint64(b[:]))
	return salt, nil
}

// newUser derives the keys for engine. The passwords take milliseconds;
// gosnmp remembers that part, so that another engine costs little.
func newUser(cfg V3, engine string, salt *atomic.Uint64) (*user, error) {
	u := &user{cfg: cfg, engine: engine, salt: salt}
	p := u.parameters(0, 0)
	p.AuthenticationPassphrase = cfg.AuthPassword.Reveal()
	p.PrivacyPassphrase = cfg.PrivPassword.Reveal()
	if err := p.InitSecurityKeys(); err != nil {
		return nil, fmt.Errorf("derive v3 keys: %w", err)
	}
	u.auth, u.privacy = p.SecretKey, p.PrivacyKey
	return u, nil
}

func (u *user) parameters(boots, time uint32) *gosnmp.UsmSecurityParameters {
	p := &gosnmp.UsmSecurityParameters{
		AuthoritativeEngineID: u.engine, AuthoritativeEngineBoots: boots, AuthoritativeEngineTime: time,
		UserName:               u.cfg.User,
		AuthenticationProtocol: gosnmp.NoAuth, PrivacyProtocol: gosnmp.NoPriv,
		SecretKey: u.auth, PrivacyKey: u.privacy,
	}
	if a, ok := authProtocols[canonical(u.cfg.AuthProtocol)]; ok {
		p.AuthenticationProtocol = a
	}
	if a, ok := privProtocols[canonical(u.cfg.PrivProtocol)]; ok {
		p.PrivacyProtocol = a
	}
	return p
}

// envelope is what a v3 message holds beside its bindings.
type envelope struct {
	pdu         gosnmp.PDUType
	id          uint32 // of the message and of the request
	boots, time uint32 // of the authoritative engine
	context     string // engine id of the context: of whoever the bindings are about
}

// seal writes the message, authenticated and encrypted as the user's level is.
func (u *user) seal(e envelope, bindings []gosnmp.SnmpPDU) ([]byte, error) {
	p := u.parameters(e.boots, e.time)
	if p.PrivacyProtocol != gosnmp.NoPriv {
		// With AES the salt alone keeps apart the messages of one second,
		// with DES (RFC 3414 section 8.1.1.1) the boots are half of it.
		salt := u.salt.Add(1)
		if p.PrivacyProtocol == gosnmp.DES {
			salt = uint64(e.boots)<<32 | salt&0xffffffff
		}
		p.PrivacyParameters = binary.BigEndian.AppendUint64(nil, salt)
	}
	flags := u.cfg.level()
	if e.pdu == gosnmp.InformRequest {
		flags |= gosnmp.Reportable // and never with a trap (RFC 3412 section 6.4)
	}
	packet := gosnmp.SnmpPacket{
		Version: gosnmp.Version3, MsgFlags: flags, SecurityModel: gosnmp.UserSecurityModel, SecurityParameters: p,
		ContextEngineID: e.context, ContextName: u.cfg.Context,
		PDUType: e.pdu, MsgID: e.id, RequestID: e.id, Variables: bindings,
	}
	b, err := packet.MarshalMsg()
	if err != nil {
		return nil, fmt.Errorf("encode v3 message: %w", err)
	}
	return b, nil
}

// open checks and decrypts a message that the authoritative engine sent.
func (u *user) open(b []byte) (*gosnmp.SnmpPacket, error) {
	g := gosnmp.GoSNMP{
		Version: gosnmp.Version3, SecurityModel: gosnmp.UserSecurityModel,
		MsgFlags: u.cfg.level(), SecurityParameters: u.parameters(0, 0),
	}
	p, err := decode(&g, b)
	if err != nil {
		return nil, err
	}
	// For any other engine gosnmp would have looked for the passwords, which
	// are not there, and gone on with an empty key.
	if usm, ok := p.SecurityParameters.(*gosnmp.UsmSecurityParameters); !ok || p.Version != gosnmp.Version3 || usm.AuthoritativeEngineID != u.engine {
		return nil, fmt.Errorf("decode message: it is not from the engine that was asked")
	}
	return p, nil
}

// overhead bounds what a v3 message takes beside its bindings.
func (u *user) overhead() int {
	const headers = 64 // tags, lengths and numbers, every one at its largest
	const digest, salt, padding = 48, 8, 8
	return headers + len(u.engine)*2 + len(u.cfg.User) + len(u.cfg.Context) + digest + salt + padding
}

// decode reads a message with gosnmp, which has panicked on damaged ones
// before; a datagram from anywhere must not end the program. b is changed.
func decode(g *gosnmp.GoSNMP, b []byte) (p *gosnmp.SnmpPacket, err error) {
	defer func() {
		if recover() != nil {
			p, err = nil, fmt.Errorf("decode message: it is damaged")
		}
	}()
	return g.UnmarshalTrap(b, false)
}
