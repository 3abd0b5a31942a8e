package snmp

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/des"
	"crypto/hmac"
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"strings"
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
	block   cipher.Block // of privacy; nil without encryption
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
	var err error
	switch p.PrivacyProtocol {
	case gosnmp.NoPriv:
	case gosnmp.DES:
		u.block, err = des.NewCipher(u.privacy[:8]) // the rest is for the initial vector
	default:
		u.block, err = aes.NewCipher(u.privacy)
	}
	if err != nil {
		return nil, fmt.Errorf("derive v3 keys: %w", err)
	}
	return u, nil
}

func (u *user) parameters(boots, time uint32) *gosnmp.UsmSecurityParameters {
	p := &gosnmp.UsmSecurityParameters{
		AuthoritativeEngineID: u.engine, AuthoritativeEngineBoots: boots, AuthoritativeEngineTime: time,
		UserName:               u.cfg.User,
		AuthenticationProtocol: gosnmp.NoAuth, PrivacyProtocol: gosnmp.NoPriv,
		SecretKey: u.auth, PrivacyKey: u.privacy,
	}
	if a := u.authProtocol(); a != 0 {
		p.AuthenticationProtocol = a
	}
	if a := u.privProtocol(); a != 0 {
		p.PrivacyProtocol = a
	}
	return p
}

// envelope is what a v3 message says about the authoritative engine, and
// whose context the notification is about.
type envelope struct {
	boots, time uint32
	context     string // an engine id
}

// seal writes an SNMPv3 message (RFC 3412, RFC 3414), authenticated and
// encrypted as the user's level is.
func (u *user) seal(f *form, n *notice, h header, e envelope) []byte {
	level := u.cfg.level()
	var salt string
	if level == gosnmp.AuthPriv {
		salt = u.nextSalt(e.boots)
	}
	digest := strings.Repeat("\x00", u.digestSize()) // filled in at the end
	flags := level
	if h.pdu == gosnmp.InformRequest {
		flags |= gosnmp.Reportable // and never with a trap (RFC 3412 section 6.4)
	}
	scoped := tlvSize(len(e.context)) + tlvSize(len(u.cfg.Context)) + f.pduSize(n, h)
	data, padding := tlvSize(scoped), 0
	if level == gosnmp.AuthPriv {
		if u.privProtocol() == gosnmp.DES {
			padding = des.BlockSize - data%des.BlockSize
		}
		data = tlvSize(data + padding)
	}
	head := tlvSize(intSize(uint64(h.request))) + tlvSize(intSize(maxSize)) + 3 + 3
	security := tlvSize(len(u.engine)) + tlvSize(intSize(uint64(e.boots))) + tlvSize(intSize(uint64(e.time))) +
		tlvSize(len(u.cfg.User)) + tlvSize(len(digest)) + tlvSize(len(salt))
	msg := 3 + tlvSize(head) + tlvSize(tlvSize(security)) + data

	const sequence = gosnmp.Asn1BER(gosnmp.Sequence)
	b := make([]byte, 0, tlvSize(msg))
	b = appendHeader(b, sequence, msg)
	b = appendInt(b, gosnmp.Integer, uint64(gosnmp.Version3))
	b = appendHeader(b, sequence, head)
	b = appendInt(b, gosnmp.Integer, uint64(h.request))
	b = appendInt(b, gosnmp.Integer, maxSize)
	b = appendString(b, gosnmp.OctetString, string([]byte{byte(flags)}))
	b = appendInt(b, gosnmp.Integer, uint64(gosnmp.UserSecurityModel))
	b = appendHeader(b, gosnmp.OctetString, tlvSize(security))
	b = appendHeader(b, sequence, security)
	b = appendString(b, gosnmp.OctetString, u.engine)
	b = appendInt(b, gosnmp.Integer, uint64(e.boots))
	b = appendInt(b, gosnmp.Integer, uint64(e.time))
	b = appendString(b, gosnmp.OctetString, u.cfg.User)
	b = appendString(b, gosnmp.OctetString, digest)
	at := len(b) - len(digest)
	b = appendString(b, gosnmp.OctetString, salt)
	if level == gosnmp.AuthPriv {
		b = appendHeader(b, gosnmp.OctetString, tlvSize(scoped)+padding)
	}
	plain := len(b)
	b = appendHeader(b, sequence, scoped)
	b = appendString(b, gosnmp.OctetString, e.context)
	b = appendString(b, gosnmp.OctetString, u.cfg.Context)
	b = f.appendPDU(b, n, h)
	b = append(b, make([]byte, padding)...)
	if level == gosnmp.AuthPriv {
		u.encrypt(b[plain:], e, salt)
	}
	if level != gosnmp.NoAuthNoPriv {
		mac := hmac.New(u.authProtocol().HashType().New, u.auth)
		mac.Write(b)
		copy(b[at:at+len(digest)], mac.Sum(nil))
	}
	return b
}

// nextSalt returns a salt that this user has not had. With AES it keeps apart
// the messages of one second (RFC 3826 section 3.1.2.1), with DES the boots
// are half of it (RFC 3414 section 8.1.1.1).
func (u *user) nextSalt(boots uint32) string {
	salt := u.salt.Add(1)
	if u.privProtocol() == gosnmp.DES {
		salt = uint64(boots)<<32 | salt&0xffffffff
	}
	return string(binary.BigEndian.AppendUint64(nil, salt))
}

// encrypt encrypts b in place.
func (u *user) encrypt(b []byte, e envelope, salt string) {
	if u.privProtocol() == gosnmp.DES {
		iv := []byte(salt)
		for i := range iv {
			iv[i] ^= u.privacy[8+i]
		}
		cipher.NewCBCEncrypter(u.block, iv).CryptBlocks(b, b)
		return
	}
	iv := make([]byte, 0, 16)
	iv = binary.BigEndian.AppendUint32(iv, e.boots)
	iv = binary.BigEndian.AppendUint32(iv, e.time)
	iv = append(iv, salt...)
	// RFC 3826 has this mode and no other; the digest covers what it leaves open.
	//lint:ignore SA1019 see above
	cipher.NewCFBEncrypter(u.block, iv).XORKeyStream(b, b)
}

func (u *user) authProtocol() gosnmp.SnmpV3AuthProtocol {
	return authProtocols[canonical(u.cfg.AuthProtocol)]
}

func (u *user) privProtocol() gosnmp.SnmpV3PrivProtocol {
	return privProtocols[canonical(u.cfg.PrivProtocol)]
}

// digestSize is how much of the digest goes with a message (RFC 3414, RFC 7860).
func (u *user) digestSize() int {
	switch u.authProtocol() {
	case gosnmp.MD5, gosnmp.SHA:
		return 12
	case gosnmp.SHA224:
		return 16
	case gosnmp.SHA256:
		return 24
	case gosnmp.SHA384:
		return 32
	case gosnmp.SHA512:
		return 48
	}
	return 0
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
	// Tags, lengths and numbers, every one at its largest: message 4, version
	// 3, header 19, security 30, data 4, scoped 4, contexts 4, PDU 20.
	const headers = 88
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
