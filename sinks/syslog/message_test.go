package syslog

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"dswatch/event"
	"dswatch/sinks"
	"dswatch/sinks/sinktest"

	"github.com/leodido/go-syslog/v4/rfc3164"
	"github.com/leodido/go-syslog/v4/rfc5424"

	"dswatch/setting"
)

func testWriter(set func(*Config)) *writer {
	c := Defaults()
	c.MaxSize = maxSize
	if set != nil {
		set(&c)
	}
	return newWriter(c, sinks.Env{Host: "dswatch.example", Version: "v1.2|3"})
}

// parse5424 reads a message with a parser that is not ours, strictly.
func parse5424(t testing.TB, m []byte) *rfc5424.SyslogMessage {
	t.Helper()
	p, err := rfc5424.NewParser().Parse(m)
	if err != nil {
		t.Fatalf("%v\n%q", err, m)
	}
	return p.(*rfc5424.SyslogMessage)
}

const sdID = "dswatch@32473"

func TestRFC5424(t *testing.T) {
	for _, tr := range sinktest.Transitions() {
		for _, language := range []string{"en", "ja"} {
			a := sinktest.Sample(3, tr, language)
			m := testWriter(nil).message(nil, a)
			p := parse5424(t, m)
			if *p.Facility != 3 || *p.Hostname != "dswatch.example" || *p.Appname != "dswatch" || *p.ProcID != fmt.Sprint(os.Getpid()) || *p.MsgID != string(tr) {
				t.Errorf("header of %q", m)
			}
			want := map[event.Transition]uint8{event.Raised: 2, event.Changed: 2, event.Repeated: 2, event.Cleared: 5}[tr]
			if *p.Severity != want {
				t.Errorf("%s: severity %d, want %d", tr, *p.Severity, want)
			}
			if !p.Timestamp.Equal(a.At) {
				t.Errorf("timestamp %s, want %s", p.Timestamp, a.At)
			}
			text, ok := strings.CutPrefix(*p.Message, "\ufeff")
			if !ok || text != prose(a) || !strings.Contains(text, a.Title) || !strings.HasSuffix(text, a.Text) {
				t.Errorf("message %q", *p.Message)
			}
			got := (*p.StructuredData)[sdID]
			wantData := map[string]string{
				"id": a.ID, "seq": fmt.Sprint(a.Seq), "transition": string(tr), "rule": "loss", "host": "web03", "component": "agent",
				"kind": "process", "name": "ds_agent", "state": string(a.State), "previous": string(a.Previous), "severity": "critical",
				"impact": "management_lost", "found": fmt.Sprint(a.Found), "want": "2", "startedAt": "2026-11-22T03:04:05.000000Z",
				"at": a.At.Format("2006-01-02T15:04:05.000000Z07:00"), "os": "linux", "agentVersion": "20.0.2-1390.el8", "hostId": "17", "observer": "web03",
				"language": language, "reason": a.Reason, "detail": a.Detail, "confirm": a.Confirm,
			}
			if tr == event.Cleared {
				wantData["endedAt"] = "2026-11-22T07:09:05.000000Z"
			}
			if !maps.Equal(got, wantData) {
				t.Errorf("structured data\n%v, want\n%v", got, wantData)
			}
		}
	}
}

func TestPriority(t *testing.T) {
	for name, c := range map[string]struct {
		set   func(*Config)
		alert func(*event.Alert)
		want  string
	}{
		"critical":  {nil, nil, "<26>"},
		"warning":   {nil, func(a *event.Alert) { a.Severity = event.Warning }, "<28>"},
		"info":      {nil, func(a *event.Alert) { a.Severity = event.Info }, "<30>"},
		"newer":     {nil, func(a *event.Alert) { a.Severity = "fatal" }, "<30>"},
		"cleared":   {nil, func(a *event.Alert) { a.Transition = event.Cleared }, "<29>"},
		"facility":  {func(c *Config) { c.Facility = "local7" }, nil, "<186>"},
		"number":    {func(c *Config) { c.Facility = "0" }, nil, "<2>"},
		"severity":  {func(c *Config) { c.Severity.Critical = "err" }, nil, "<27>"},
		"end level": {func(c *Config) { c.Severity.Cleared = "debug" }, func(a *event.Alert) { a.Transition = event.Cleared }, "<31>"},
	} {
		a := sinktest.Sample(1, event.Raised, "en")
		if c.alert != nil {
			c.alert(&a)
		}
		if m := testWriter(c.set).message(nil, a); !strings.HasPrefix(string(m), c.want+"1 ") {
			t.Errorf("%s: %.10q, want %s", name, m, c.want)
		}
	}
}

func TestRFC3164(t *testing.T) {
	w := testWriter(func(c *Config) { c.Format, c.AppName = "rfc3164", "ds:watch[1]" })
	a := sinktest.Sample(3, event.Raised, "ja")
	m := w.message(nil, a)
	p, err := rfc3164.NewParser(rfc3164.WithYear(rfc3164.Year{YYYY: 2026}), rfc3164.WithTimezone(time.Local)).Parse(m)
	if err != nil {
		t.Fatalf("%v\n%q", err, m)
	}
	s := p.(*rfc3164.SyslogMessage)
	if *s.Hostname != "dswatch.example" || *s.Appname != "ds_watch_1_" || *s.ProcID != fmt.Sprint(os.Getpid()) || *s.Priority != 26 {
		t.Errorf("header of %q", m)
	}
	if got, want := s.Timestamp.Format(time.Stamp), a.At.Local().Format(time.Stamp); got != want {
		t.Errorf("timestamp %s, want %s", got, want)
	}
	if !strings.HasPrefix(*s.Message, "[発生] "+a.Title) || !strings.Contains(*s.Message, ` [dswatch@32473 id="`+a.ID+`"`) {
		t.Errorf("message %q", *s.Message)
	}
}

func TestHeaderFields(t *testing.T) {
	for host, want := range map[string]string{
		"":                       "-",
		"web 01\n":               "web_01_",
		"ウェブ":                    "___",
		strings.Repeat("h", 300): strings.Repeat("h", 255),
	} {
		c := Defaults()
		m := newWriter(c, sinks.Env{Host: host}).message(nil, sinktest.Sample(1, event.Raised, "en"))
		if f := strings.Fields(string(m)); f[2] != want {
			t.Errorf("host %q is written %q, want %q", host, f[2], want)
		}
		parse5424(t, m)
	}
}

// TestTimes: a zone is kept, a missing or impossible time becomes the nil value.
func TestTimes(t *testing.T) {
	for name, c := range map[string]struct {
		at   time.Time
		want string
	}{
		"zone": {time.Date(2026, 11, 22, 3, 4, 5, 6789e3, time.FixedZone("JST", 9*3600)), "2026-11-22T03:04:05.006789+09:00"},
		"none": {time.Time{}, "-"},
		"late": {time.Date(12026, 1, 1, 0, 0, 0, 0, time.UTC), "-"},
	} {
		a := sinktest.Sample(1, event.Raised, "en")
		a.At = c.at
		if f := strings.Fields(string(testWriter(nil).message(nil, a))); f[1] != c.want {
			t.Errorf("%s: %s, want %s", name, f[1], c.want)
		}
	}
}

// cef is a parser of CEF by its specification, written apart from the writer.
func cef(s string) (header []string, ext map[string]string, err error) {
	var field strings.Builder
	i := 0
	for len(header) < 7 {
		switch {
		case i >= len(s):
			return nil, nil, fmt.Errorf("header ends after %d fields", len(header))
		case s[i] == '\\' && i+1 < len(s) && (s[i+1] == '\\' || s[i+1] == '|'):
			field.WriteByte(s[i+1])
			i++
		case s[i] == '\\':
			return nil, nil, fmt.Errorf("lone backslash at %d", i)
		case s[i] == '|':
			header = append(header, field.String())
			field.Reset()
		default:
			field.WriteByte(s[i])
		}
		i++
	}
	// A key is the word before an '=' that no backslash stands before.
	ext = map[string]string{}
	rest := s[i:]
	key, value := "", []byte{}
	put := func() error {
		if key == "" {
			return nil
		}
		if _, twice := ext[key]; twice {
			return fmt.Errorf("key %s twice", key)
		}
		ext[key] = string(value)
		return nil
	}
	for i := 0; i < len(rest); i++ {
		switch {
		case rest[i] == '\\' && i+1 < len(rest):
			i++
			switch rest[i] {
			case 'n':
				value = append(value, '\n')
			case '\\', '=':
				value = append(value, rest[i])
			default:
				return nil, nil, fmt.Errorf("escape of %q", rest[i])
			}
		case rest[i] == '=':
			at := strings.LastIndexByte(string(value), ' ')
			next := string(value[at+1:])
			if value = value[:max(at, 0)]; next == "" {
				return nil, nil, fmt.Errorf("no key before an =")
			}
			if err := put(); err != nil {
				return nil, nil, err
			}
			key, value = next, []byte{}
		default:
			value = append(value, rest[i])
		}
	}
	return header, ext, put()
}

func TestCEF(t *testing.T) {
	w := testWriter(func(c *Config) { c.Body = "cef" })
	a := sinktest.Sample(3, event.Cleared, "en")
	a.Title = `pipe | back \ equal =`
	a.Text = "first = line\nsecond | line\\"
	a.Key.Host = "192.0.2.7"
	p := parse5424(t, w.message(nil, a))
	if p.StructuredData != nil {
		t.Error("structured data beside CEF")
	}
	header, ext, err := cef(*p.Message)
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"CEF:0", "dswatch", "dswatch", "v1.2|3", "loss-cleared", "[RECOVERED] process: up", "1"}; !slices.Equal(header, want) {
		t.Errorf("header %q, want %q", header, want)
	}
	for k, v := range map[string]string{
		"dvchost": "192.0.2.7", "dvc": "192.0.2.7", "msg": prose(a), "cs1Label": "Alert ID", "cs1": a.ID, "cs3": "process/ds_agent",
		"externalId": a.ID + ".4", "cat": "cleared", "outcome": "up", "cn2": "2", "cn3": "2", "rt": fmt.Sprint(a.At.UnixMilli()),
		"flexString1": "down", "reason": a.Reason,
	} {
		if ext[k] != v {
			t.Errorf("%s is %q, want %q", k, ext[k], v)
		}
	}
	if ext["cn1Label"] != "Host ID" || ext["cn1"] != "17" {
		t.Errorf("%s is %q", ext["cn1Label"], ext["cn1"])
	}
	for _, id := range []string{"", "web01", "-1", "99999999999999999999"} {
		a.HostID = id
		_, ext, err := cef(*parse5424(t, w.message(nil, a)).Message)
		if _, has := ext["cn1"]; has || err != nil {
			t.Errorf("cn1 of the host id %q is %q, %v", id, ext["cn1"], err)
		}
	}
}

// leef is a parser of LEEF 2.0 by its specification.
func leef(s string) (header []string, attrs map[string]string, err error) {
	parts := strings.SplitN(s, "|", 7)
	if len(parts) != 7 || parts[5] != "^" {
		return nil, nil, fmt.Errorf("header of %d fields", len(parts))
	}
	attrs = map[string]string{}
	for p := range strings.SplitSeq(parts[6], "^") {
		k, v, ok := strings.Cut(p, "=")
		if _, twice := attrs[k]; !ok || twice {
			return nil, nil, fmt.Errorf("attribute %q", p)
		}
		attrs[k] = v
	}
	return parts[:6], attrs, nil
}

func TestLEEF(t *testing.T) {
	w := testWriter(func(c *Config) { c.Body = "leef" })
	a := sinktest.Sample(3, event.Raised, "ja")
	a.Text = "a = b\tc\nd | e \\"
	p := parse5424(t, w.message(nil, a))
	header, attrs, err := leef(*p.Message)
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"LEEF:2.0", "dswatch", "dswatch", "v1.2_3", "loss-raised", "^"}; !slices.Equal(header, want) {
		t.Errorf("header %q, want %q", header, want)
	}
	for k, v := range map[string]string{
		"devTime": "2026-11-22T03:04:25.000+0000", "devTimeFormat": "yyyy-MM-dd'T'HH:mm:ss.SSSZ", "cat": "raised", "sev": "9", "dvchost": "web03",
		"name": "[発生] プロセス: 停止", "msg": prose(a), "id": a.ID, "seq": "1", "cn1": "17", "cn1Label": "Host ID", "hostId": "17", "item": "process/ds_agent", "severity": "critical", "reason": a.Reason,
	} {
		if attrs[k] != v {
			t.Errorf("%s is %q, want %q", k, attrs[k], v)
		}
	}
	if _, has := attrs["dvc"]; has {
		t.Error("dvc of a host that is no address")
	}
}

func TestJSON(t *testing.T) {
	w := testWriter(func(c *Config) { c.Body = "json" })
	a := sinktest.Sample(3, event.Raised, "ja")
	var got sinks.Payload
	if err := json.Unmarshal([]byte(*parse5424(t, w.message(nil, a)).Message), &got); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, sinks.NewPayload(a, "")) {
		t.Errorf("%+v", got)
	}
}

// FuzzRoundTrip: whatever a host puts into names and texts, every format
// stays one line of at most max_size bytes that an independent parser reads
// back to the very values.
func FuzzRoundTrip(f *testing.F) {
	f.Add("web01", "ds_agent", "title", "text", "detail", 65536)
	f.Add(`h"o\s]t`, `n"\]="`, `t|i\t=le`, "a\nb\tc=d|e\\", `x="y"] [z@1 a="b"]`, 2048)
	f.Add("\xff", "\x00\x1b[2J", "\u202e", "\ufeff\u2028", `\`, 1500)
	f.Add("監視", "監視", strings.Repeat("監視", 2000), strings.Repeat(`"\]`, 3000), strings.Repeat("=|\n", 2000), 1400)
	f.Add("a", " =", "\\n", "\\", " k=v", 1600)
	f.Fuzz(func(t *testing.T, host, name, title, text, detail string, most int) {
		most = min(max(most, minSize), maxSize)
		a := sinktest.Sample(1, event.Raised, "en")
		a.Key.Host, a.Key.Name, a.Title, a.Text, a.Detail = sinks.Cut(strings.ToValidUTF8(host, "?"), 512), name, title, text, detail
		tidy := sinks.Tidy(a)
		for _, body := range []string{"text", "leef", "json"} {
			for _, format := range []string{"rfc5424", "rfc3164"} {
				w := testWriter(func(c *Config) { c.Body, c.Format = body, format })
				w.most = most
				m := w.message(nil, a)
				if len(m) > most {
					t.Errorf("%s %s: %d bytes, at most %d are allowed", format, body, len(m), most)
				}
				if !utf8.Valid(m) {
					t.Errorf("%s %s: invalid UTF-8: %q", format, body, m)
				}
				for i, r := range string(m) {
					if r < ' ' || r == 0x7f {
						t.Fatalf("%s %s: control character %q at %d", format, body, r, i)
					}
				}
				if format == "rfc3164" {
					continue // has no structure to lose beside the body's
				}
				p := parse5424(t, m)
				whole := len(w.render(nil, tidy)) <= most
				same := func(what, got, want string) {
					t.Helper()
					kept := strings.TrimSuffix(strings.TrimSuffix(got, "…"), "...")
					if got != want && (whole || !strings.HasPrefix(want, kept)) {
						t.Errorf("%s: %s is %q, was %q", body, what, got, want)
					}
				}
				leefValue := func(s string) string { return strings.ReplaceAll(s, "^", "_") }
				said := func(msg string) { // its parts are cut each for itself
					t.Helper()
					if whole && msg != prose(tidy) && msg != leefValue(prose(tidy)) {
						t.Errorf("%s: msg is %q, want %q", body, msg, prose(tidy))
					}
				}
				line := func(s string) string { return sinks.Line(s, len(s)) }
				switch body {
				case "text":
					if len(*p.StructuredData) != 1 {
						t.Fatalf("%d elements of structured data", len(*p.StructuredData))
					}
					d := (*p.StructuredData)[sdID]
					same("id", d["id"], a.ID)
					same("host", d["host"], tidy.Key.Host)
					same("name", d["name"], tidy.Key.Name)
					same("detail", d["detail"], line(tidy.Detail))
				case "cef":
					header, ext, err := cef(*p.Message)
					if err != nil {
						t.Fatalf("%v: %q", err, *p.Message)
					}
					same("id", ext["cs1"], a.ID)
					same("host", ext["dvchost"], tidy.Key.Host)
					same("name", header[5], "[ALERT] process: down")
					same("detail", ext["cs5"], tidy.Detail)
					said(ext["msg"])
				case "leef":
					_, attrs, err := leef(*p.Message)
					if err != nil {
						t.Fatalf("%v: %q", err, *p.Message)
					}
					same("id", attrs["id"], a.ID)
					same("host", attrs["dvchost"], leefValue(tidy.Key.Host))
					same("detail", attrs["detail"], leefValue(line(tidy.Detail)))
					said(attrs["msg"])
				case "json":
					var got sinks.Payload
					if err := json.Unmarshal([]byte(*p.Message), &got); err != nil {
						t.Fatalf("%v: %q", err, *p.Message)
					}
					same("id", got.Alert.ID, a.ID)
					same("host", got.Alert.Key.Host, tidy.Key.Host)
					same("title", got.Alert.Title, tidy.Title)
					same("detail", got.Alert.Detail, tidy.Detail)
					same("text", got.Alert.Text, tidy.Text)
				}
			}
		}
	})
}

// TestSmallest: with the longest of everything that is never cut, a message
// still fits into the least max_size, in every format.
func TestSmallest(t *testing.T) {
	long := strings.Repeat("監視", 4000)
	a := sinktest.Sample(1, event.Cleared, "ja")
	a.ID, a.Test, a.Replay = strings.Repeat("i", 128), true, true
	a.Title, a.Text, a.Reason, a.Detail, a.Confirm, a.OS, a.AgentVersion, a.Observer, a.Rule = long, long, long, long, long, long, long, long, long[:510]
	a.Key.Host, a.Key.Name, a.Key.Component = long[:510], long[:510], long[:510]
	for _, body := range []string{"text", "leef", "json"} {
		for _, format := range []string{"rfc5424", "rfc3164"} {
			for _, size := range []setting.Size{minSize, 2048, 4096, maxSize} {
				c := Defaults()
				c.Body, c.Format, c.MaxSize, c.AppName = body, format, size, strings.Repeat("a", 48)
				m := newWriter(c, sinks.Env{Host: strings.Repeat("h", 255)}).message(nil, a)
				if len(m) > int(size) {
					t.Errorf("%s %s: %d bytes, at most %s are allowed", format, body, len(m), size)
				}
				if size > minSize && size < maxSize && len(m) < int(size)*9/10 {
					t.Errorf("%s %s: %d bytes of %s: room was wasted", format, body, len(m), size)
				}
			}
		}
	}
}

// TestHeartbeatHasInfo: a heartbeat is no recovery.
func TestHeartbeatHasInfo(t *testing.T) {
	c := Defaults()
	c.Severity.Info, c.Severity.Cleared = "info", "notice"
	beat := sinktest.Others("en")["heartbeat"]
	for body, want := range map[string]string{
		"text": ` seq="4711" transition="heartbeat" `, "cef": " cn2Label=Open alerts cn2=7031 cn3Label=Waiting deliveries cn3=8042 ", "leef": "^open=7031^waiting=8042^every=300",
	} {
		c.Body = body
		m := string(newWriter(c, sinks.Env{Host: "h"}).message(nil, beat))
		f, _ := facility(c.Facility)
		if pri := fmt.Sprintf("<%d>", f*8+6); !strings.HasPrefix(m, pri) || !strings.Contains(m, want) {
			t.Errorf("%s: %s", body, m)
		}
	}
}

// TestProse: one line of what there is, with nothing for what there is not.
func TestProse(t *testing.T) {
	a := sinktest.Sample(1, event.Raised, "en")
	a.Title, a.Short, a.Next, a.Text = "Title", "", "", ""
	for _, c := range []struct{ short, next, text, want string }{
		{"", "", "", ""}, {"", "", "Text.", ". Text."}, {"Short.", "", "Text.", ". Short. Text."}, {"Short.", "Next.", "Text.", ". Short. Next. Text."},
	} {
		a.Short, a.Next, a.Text = c.short, c.next, c.text
		if got := prose(a); got != headline(a)+c.want {
			t.Errorf("%q, want %q behind the headline", got, c.want)
		}
	}
}

// TestWithdrawnIsNamed: who withdrew an acknowledgement stands in every form that has room for it.
func TestWithdrawnIsNamed(t *testing.T) {
	a := sinktest.Sample(3, event.Unacknowledged, "en")
	a.Withdrawn = &event.Ack{Author: "who-took-it-back", Comment: "why-it-was", At: time.Unix(1, 0)}
	for _, body := range []string{"text", "leef", "json"} {
		line := string(testWriter(func(c *Config) { c.Body = body }).message(nil, a))
		if !strings.Contains(line, "who-took-it-back") || !strings.Contains(line, "why-it-was") {
			t.Errorf("%s: %s", body, line)
		}
	}
}

// TestPrintable: the bounds of what a header field may hold.
func TestPrintable(t *testing.T) {
	if got := printable("!~ \x7f\u00e9x", 6); got != "!~____" && got != "!~___" {
		t.Errorf("%q", got)
	}
}
