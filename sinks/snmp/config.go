package snmp

import (
	"net"
	"slices"
	"strconv"
	"strings"

	"dswatch/event"
	"dswatch/sinks"

	"github.com/gosnmp/gosnmp"

	"dswatch/setting"
	"dswatch/words"
)

// Config is the section of one snmp sink.
type Config struct {
	sinks.Settings `yaml:",inline"`

	Address    string         `yaml:"address" doc:"receiver as host:port; without a port 162; no default"`
	Version    string         `yaml:"version" doc:"1, 2c or 3; default 2c"`
	Community  setting.Secret `yaml:"community" doc:"community of versions 1 and 2c, at most 127 bytes; no default"`
	Inform     bool           `yaml:"inform" doc:"ask the receiver to confirm (versions 2c and 3), so that a lost message is sent again; default false"`
	Retries    int            `yaml:"retries" doc:"how often an inform is sent again within one attempt, 0 to 10; each waits for timeout / (retries + 1); default 2"`
	Enterprise string         `yaml:"enterprise" doc:"object identifier that DSWATCH-MIB hangs under, below 1.3.6.1.4.1; default 1.3.6.1.4.1.8072.9999.9999.4118"`
	MaxSize    setting.Size   `yaml:"max_size" doc:"largest message; longer texts are cut; 1400B to 65507B, default 1472B, which fits one Ethernet frame over IPv4"`
	Varbinds   string         `yaml:"varbinds" doc:"full, or short for receivers that take few: at most 10 and none that is empty; default full"`
	Charset    string         `yaml:"charset" doc:"of texts: utf-8, or shift_jis for receivers that know no other; default utf-8"`
	V3         V3             `yaml:"v3" doc:"user of version 3"`
}

// V3 is the user of SNMPv3. A password without its protocol, or the other
// way round, is refused.
type V3 struct {
	User         string         `yaml:"user" doc:"user name, at most 32 bytes; no default"`
	AuthProtocol string         `yaml:"auth_protocol" doc:"MD5, SHA, SHA-224, SHA-256, SHA-384 or SHA-512; default none"`
	AuthPassword setting.Secret `yaml:"auth_password" doc:"password for auth_protocol, at least 8 bytes"`
	PrivProtocol string         `yaml:"priv_protocol" doc:"DES, AES, AES-192, AES-256 (as net-snmp), AES-192-C or AES-256-C (as Cisco); default none"`
	PrivPassword setting.Secret `yaml:"priv_password" doc:"password for priv_protocol, at least 8 bytes"`
	Context      string         `yaml:"context" doc:"context name, at most 32 bytes; default empty"`
	EngineID     string         `yaml:"engine_id" doc:"engine id of the traps, 5 to 32 bytes in hexadecimal; two sinks with one receiver need two; default one that is made at the first start and kept"`
}

// Defaults returns the Config of an empty section.
func Defaults() Config {
	return Config{Settings: sinks.Defaults(4), Version: "2c", Retries: 2, Enterprise: DefaultEnterprise, MaxSize: 1472, Varbinds: "full", Charset: "utf-8"}
}

// minSize holds a message whose every text was cut away, in the worst case
// of each setting; maxSize is the largest UDP payload over IPv4.
const (
	minSize = 1400
	maxSize = 65507
)

// Validate says which key is wrong and what to write instead.
func (c Config) Validate() error {
	if err := c.Settings.Validate(); err != nil {
		return err
	}
	if err := validAddress(c.Address); err != nil {
		return err
	}
	if _, err := parseEnterprise(c.Enterprise); err != nil {
		return &setting.Error{Key: "enterprise", Err: err}
	}
	switch {
	case c.Version != "1" && c.Version != "2c" && c.Version != "3":
		return words.Bad("version", words.NotAnSNMPVersion.With(words.Inner(setting.Clip(c.Version))))
	case c.Version != "3" && c.Community == "":
		return words.Bad("community", words.CommunityEmpty.With())
	case c.Version == "3" && c.Community != "":
		return words.Bad("community", words.NotInVersion3.With())
	case len(c.Community) > 127:
		return words.Bad("community", words.CommunityTooLong.With())
	case c.Inform && c.Version == "1":
		return words.Bad("inform", words.NoInforms.With())
	case c.Retries < 0 || c.Retries > 10:
		return words.Bad("retries", words.RetriesRange.With(c.Retries))
	case c.MaxSize < minSize || c.MaxSize > maxSize:
		return words.Bad("max_size", words.SNMPSize.With(c.MaxSize.String(), minSize, maxSize))
	case c.Varbinds != "full" && c.Varbinds != "short":
		return words.Bad("varbinds", words.NotFullOrShort.With(words.Inner(setting.Clip(c.Varbinds))))
	case !isCharset(c.Charset):
		return words.Bad("charset", words.NotACharset.With(words.Inner(setting.Clip(c.Charset))))
	case c.Version != "3" && c.V3 != V3{}:
		return words.Bad("v3", words.OnlyVersion3.With())
	case c.Version == "3":
		return c.V3.validate()
	}
	return nil
}

func isCharset(name string) bool { _, ok := charsets[name]; return ok }

// Conflict refuses two sinks that send traps as one engine to one receiver:
// each counts boots and time for itself, and the receiver drops what comes
// from the one that is behind.
func (c Config) Conflict(other any) error {
	o, ok := other.(*Config)
	if !ok || c.Version != "3" || o.Version != "3" || c.Inform || o.Inform || c.V3.EngineID == "" || withPort(c.Address) != withPort(o.Address) {
		return nil
	}
	mine, err := parseEngineID(c.V3.EngineID)
	theirs, oerr := parseEngineID(o.V3.EngineID)
	if err != nil || oerr != nil || mine != theirs {
		return nil
	}
	return words.Bad("v3.engine_id", words.SameEngine.With(o.Name))
}

func (v V3) validate() error {
	auth, authOK := authProtocols[canonical(v.AuthProtocol)]
	_, privOK := privProtocols[canonical(v.PrivProtocol)]
	switch {
	case v.User == "" || len(v.User) > 32:
		return words.Bad("v3.user", words.BadV3User.With())
	case v.AuthProtocol != "" && !authOK:
		return words.Bad("v3.auth_protocol", words.UnknownProtocol.With(words.Inner(setting.Clip(v.AuthProtocol)), known(authProtocols)))
	case v.PrivProtocol != "" && !privOK:
		return words.Bad("v3.priv_protocol", words.UnknownProtocol.With(words.Inner(setting.Clip(v.PrivProtocol)), known(privProtocols)))
	case v.PrivProtocol != "" && auth == 0:
		return words.Bad("v3.priv_protocol", words.NeedsAuth.With())
	case len(v.Context) > 32:
		return words.Bad("v3.context", words.Over32Bytes.With())
	}
	for _, p := range []struct {
		key, protocol string
		password      setting.Secret
	}{
		{"v3.auth_password", v.AuthProtocol, v.AuthPassword},
		{"v3.priv_password", v.PrivProtocol, v.PrivPassword},
	} {
		switch {
		case p.protocol == "" && p.password != "":
			return words.Bad(p.key, words.PasswordNoProtocol.With())
		case p.protocol != "" && len(p.password) < 8: // RFC 3414 section 11.2
			return words.Bad(p.key, words.PasswordShort.With())
		}
	}
	if v.EngineID != "" {
		if _, err := parseEngineID(v.EngineID); err != nil {
			return &setting.Error{Key: "v3.engine_id", Err: err}
		}
	}
	return nil
}

// level is the security level that the protocols add up to.
func (v V3) level() gosnmp.SnmpV3MsgFlags {
	switch {
	case v.PrivProtocol != "":
		return gosnmp.AuthPriv
	case v.AuthProtocol != "":
		return gosnmp.AuthNoPriv
	}
	return gosnmp.NoAuthNoPriv
}

func validAddress(address string) error {
	host, port, err := net.SplitHostPort(withPort(address))
	if err != nil || host == "" || strings.ContainsAny(host, " /") {
		return words.Bad("address", words.NotASNMPReceiver.With(words.Inner(setting.Clip(address))))
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
		return words.Bad("address", words.NotASNMPPort.With(words.Inner(setting.Clip(port))))
	}
	return nil
}

// withPort adds the port of SNMP notifications to a bare host or IP address.
func withPort(address string) string {
	const port = "162"
	if address == "" {
		return ""
	}
	bare := strings.TrimSuffix(strings.TrimPrefix(address, "["), "]")
	if net.ParseIP(bare) != nil {
		return net.JoinHostPort(bare, port)
	}
	if !strings.Contains(address, ":") {
		return net.JoinHostPort(address, port)
	}
	return address
}

// The protocols by the names that net-snmp's tools use, as canonical writes them.
var authProtocols = map[string]gosnmp.SnmpV3AuthProtocol{
	"MD5": gosnmp.MD5, "SHA": gosnmp.SHA, "SHA224": gosnmp.SHA224,
	"SHA256": gosnmp.SHA256, "SHA384": gosnmp.SHA384, "SHA512": gosnmp.SHA512,
}

var privProtocols = map[string]gosnmp.SnmpV3PrivProtocol{
	"DES": gosnmp.DES, "AES": gosnmp.AES, "AES192": gosnmp.AES192, "AES256": gosnmp.AES256,
	"AES192C": gosnmp.AES192C, "AES256C": gosnmp.AES256C,
}

// canonical folds the spellings in use: aes-128 and AES128 are AES, SHA-1 is SHA.
func canonical(s string) string {
	s = strings.ToUpper(strings.ReplaceAll(s, "-", ""))
	switch s {
	case "AES128":
		return "AES"
	case "SHA1":
		return "SHA"
	}
	return s
}

func known[V any](m map[string]V) string {
	var names []string
	for n := range m {
		for _, long := range []string{"SHA", "AES"} { // SHA256 reads better as SHA-256
			if rest, ok := strings.CutPrefix(n, long); ok && rest != "" {
				n = long + "-" + strings.Replace(rest, "C", "-C", 1)
			}
		}
		names = append(names, n)
	}
	slices.Sort(names)
	return strings.Join(names, ", ")
}

// Weak names what a reader on the way could see or forge.
func (c Config) Weak() []error {
	if setting.Here(c.Address) || c.Version != "3" && setting.Public(c.Community.Reveal()) {
		return nil // a community that everybody knows is no credential
	}
	if c.Version != "3" {
		return []error{words.Bad("version", words.WeakSNMP.With(c.Version))}
	}
	var out []error
	bad := func(key string, s event.Said) { out = append(out, words.Bad("v3."+key, s)) }
	switch canonical(c.V3.AuthProtocol) {
	case "":
		bad("auth_protocol", words.WeakNoAuth.With())
	case canonical("MD5"):
		bad("auth_protocol", words.WeakMD5.With())
	}
	switch canonical(c.V3.PrivProtocol) {
	case "":
		bad("priv_protocol", words.WeakNoPriv.With())
	case canonical("DES"):
		bad("priv_protocol", words.WeakDES.With())
	}
	for _, p := range []struct {
		key    string
		secret setting.Secret
	}{{"auth_password", c.V3.AuthPassword}, {"priv_password", c.V3.PrivPassword}} {
		if n := len(p.secret); n > 0 && n < strongPassword {
			bad(p.key, words.WeakPassword.With(strongPassword))
		}
	}
	return out
}

// strongPassword is the length from which guessing is no longer practical. RFC
// 3414 section 11.2 allows 8.
const strongPassword = 12
