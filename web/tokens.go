package web

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"fmt"
	"net/http"
	"strings"
	"time"

	"dswatch/setting"
	"dswatch/words"
)

// NamedToken lets somebody in with a role, beside the token that is made for
// the commands.
type NamedToken struct {
	Name    string         `yaml:"name" doc:"who has the token; it stands beside what is done with it"`
	Role    Role           `yaml:"role" doc:"viewer looks; operator also acknowledges, silences, replays and tests sinks; admin does everything"`
	Token   setting.Secret `yaml:"token" doc:"the token, at least 16 printable characters without blanks"`
	Expires string         `yaml:"expires" doc:"last day on which it counts, such as 2027-03-31, in UTC; default: it does not end"`
}

// builtIn is the name of the token that is made for the commands.
const builtIn = "admin"

// validTokens refuses tokens that let nobody in, or the wrong one.
func validTokens(all []NamedToken) error {
	for i, t := range all {
		at := func(key string) string { return fmt.Sprintf("tokens[%d].%s", i, key) }
		if strings.TrimSpace(t.Name) != t.Name || t.Name == "" || t.Name == builtIn || len(t.Name) > 64 {
			return words.Bad(at("name"), words.TokenName.With(builtIn))
		}
		for _, other := range all[:i] {
			if other.Name == t.Name || other.Token == t.Token {
				return words.Bad(at("name"), words.TokenTwice.With(words.Inner(t.Name)))
			}
		}
		if rank[t.Role] == 0 {
			return words.Bad(at("role"), words.TokenRole.With(words.Inner(string(t.Role))))
		}
		if !fitToken(t.Token.Reveal()) {
			return words.Bad(at("token"), words.TokenUnfit.With())
		}
		if _, err := t.ends(); err != nil {
			return words.Bad(at("expires"), words.TokenExpires.With(words.Inner(t.Expires)))
		}
	}
	return nil
}

// ends is when a token counts no more; zero: never.
func (t NamedToken) ends() (time.Time, error) {
	if t.Expires == "" {
		return time.Time{}, nil
	}
	day, err := time.Parse(time.DateOnly, t.Expires)
	return day.AddDate(0, 0, 1), err
}

// Person is who holds a token.
type Person struct {
	Name string
	Role Role
	// Mark changes with the token, and tells nothing of it.
	Mark string
}

// BuiltIn reports whether it is the token that is made for the commands, which says
// nothing of who holds it.
func (p Person) BuiltIn() bool { return p.Name == builtIn }

// People are those who may come in.
type People struct {
	own   setting.Secret
	named []NamedToken
}

// NewPeople returns the holders of the token for the commands, and of those of the
// configuration.
func NewPeople(own setting.Secret, c Config) People { return People{own, c.Tokens} }

// Find says who holds the token. It takes as long for a wrong one as for a right one.
func (p People) Find(token string, now time.Time) (found Person, ok bool) {
	each := func(secret setting.Secret, who Person, ends time.Time) {
		if secret != "" && subtle.ConstantTimeCompare([]byte(token), []byte(secret.Reveal())) == 1 && (ends.IsZero() || now.Before(ends)) {
			found, ok = who, true
		}
	}
	each(p.own, Person{builtIn, Admin, markOf(p.own)}, time.Time{})
	for _, t := range p.named {
		ends, _ := t.ends() // it was validated
		each(t.Token, Person{t.Name, t.Role, markOf(t.Token)}, ends)
	}
	return found, ok
}

// Still reports whether somebody who came in may stay.
func (p People) Still(who Person, now time.Time) bool {
	if who.Name == builtIn {
		return p.own != "" && who == Person{builtIn, Admin, markOf(p.own)}
	}
	for _, t := range p.named {
		ends, _ := t.ends()
		if who == (Person{t.Name, t.Role, markOf(t.Token)}) {
			return ends.IsZero() || now.Before(ends)
		}
	}
	return false
}

func markOf(s setting.Secret) string {
	h := sha256.Sum256([]byte("dswatch token mark\x00" + s.Reveal()))
	return hex.EncodeToString(h[:8])
}

// actions are what the routes of the API do beside looking.
var actions = map[string]Action{
	"POST /api/v1/deadletters":              ActSee,
	"POST /api/v1/deadletters/replay":       ActReplay,
	"POST /api/v1/deadletters/drop":         ActDrop,
	"POST /api/v1/sinks/test":               ActTest,
	"POST /api/v1/sinks/{name}/resync":      ActReplay,
	"POST /api/v1/silences":                 ActSilence,
	"POST /api/v1/silences/{id}":            ActSilence,
	"POST /api/v1/silences/{id}/expire":     ActSilence,
	"POST /api/v1/alerts/{id}/ack":          ActAck,
	"POST /api/v1/alerts/{id}/ack/withdraw": ActAck,
}

// actionOf is what a request does. What is not listed and more than looking needs
// most.
func actionOf(r *http.Request) Action {
	if a, ok := actions[r.Pattern]; ok {
		return a
	}
	if r.Method == http.MethodGet {
		return ActSee
	}
	return ActChange
}
