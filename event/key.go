package event

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"strings"

	"dswatch/setting"
)

// Key names one watched item in the whole fleet. Two items are the same item
// exactly when their keys are equal.
type Key struct {
	Host      string `json:"host"`      // the host the item is on, which need not be the host that looked
	Component string `json:"component"` // manager, agent, appliance, or the operator's own word
	Kind      Kind   `json:"kind"`
	Name      string `json:"name"` // as in the watch list: "ds_agent", "4118/tcp", "/opt/dsm/jre/bin/java"
}

// String is the form people read and commands accept:
// host/component/kind/name. The name may itself hold slashes.
func (k Key) String() string {
	return k.Host + "/" + k.Component + "/" + string(k.Kind) + "/" + k.Name
}

// Row is the form that `watch.ignore` uses: kind/name.
func (k Key) Row() string { return string(k.Kind) + "/" + k.Name }

// ParseKey reads what String wrote.
func ParseKey(s string) (Key, error) {
	p := strings.SplitN(s, "/", 4)
	if len(p) != 4 {
		return Key{}, fmt.Errorf("parse key %q: want host/component/kind/name", setting.Clip(s))
	}
	k := Key{Host: p[0], Component: p[1], Kind: Kind(p[2]), Name: p[3]}
	if err := k.Validate(); err != nil {
		return Key{}, err
	}
	return k, nil
}

// MaxName is the longest host, component or name in bytes. Linux host names
// end at 64, DNS names at 253, Windows paths as process names at 260; the
// bound is there so that no packet can grow without limit.
const MaxName = 512

// Validate rejects keys that no detector makes. Keys arrive from other hosts
// too, so every field is looked at.
func (k Key) Validate() error {
	for _, f := range []struct{ what, v string }{
		{"host", k.Host}, {"component", k.Component}, {"name", k.Name},
	} {
		switch {
		case f.v == "":
			return fmt.Errorf("key: %s is empty", f.what)
		case len(f.v) > MaxName:
			return fmt.Errorf("key: %s is %d bytes long, at most %d are allowed", f.what, len(f.v), MaxName)
		case f.what != "name" && strings.Contains(f.v, "/"):
			return fmt.Errorf("key: %s %q holds a slash", f.what, setting.Clip(f.v))
		}
	}
	if !k.Kind.Valid() {
		return fmt.Errorf("key: kind %q is none of %s", setting.Clip(string(k.Kind)), kindNames())
	}
	return nil
}

// Hash is a short stable name for the key, safe as one token of a bus
// subject or of a bucket key: 24 hexadecimal digits of SHA-256.
func (k Key) Hash() string {
	return digest(k.Host, k.Component, string(k.Kind), k.Name)
}

// Token turns a host name into one token of a bus subject or of a bucket key:
// letters, digits, '-' and '_' stay, everything else becomes '_'. Case is
// folded, because host names have none. What is not written as it is ends with a
// part of the digest of the name; so does a name that looks like such a token, so
// that no name is the token of another.
func Token(host string) string {
	lower := strings.ToLower(host)
	var b strings.Builder
	changed := false
	for _, r := range lower {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9', r == '-', r == '_':
			b.WriteRune(r)
		default:
			b.WriteByte('_')
			changed = true
		}
	}
	t := b.String()
	switch {
	case t == "":
		t = "_" // marked, and so not the host "_"
	case !changed && len(t) <= maxToken && !looksMarked(t):
		return t
	}
	return t[:min(len(t), maxMarked)] + "-" + digest(lower)[:markSize]
}

const (
	maxToken  = 63
	markSize  = 8 // hexadecimal digits of a digest
	maxMarked = maxToken - 1 - markSize
)

// looksMarked reports whether Token may have made t of another name: such a
// token has a '_' in place of what was changed, or was cut.
func looksMarked(t string) bool {
	at := len(t) - markSize - 1
	if at < 1 || t[at] != '-' {
		return false
	}
	return strings.Trim(t[at+1:], "0123456789abcdef") == "" && (at == maxMarked || strings.Contains(t[:at], "_"))
}

// digest joins parts unambiguously (each is preceded by its length) and
// returns the first 24 hexadecimal digits of their SHA-256.
func digest(parts ...string) string {
	var room [512]byte
	b := room[:0]
	for _, p := range parts {
		b = append(binary.BigEndian.AppendUint32(b, uint32(len(p))), p...)
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:12])
}
