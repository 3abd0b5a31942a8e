package story

import (
	"errors"
	"strings"
	"testing"
	"time"
)

const good = `A story
-- config --
rules: {hold: 20s}
sinks: [{name: nms}]
-- config after --
-- facts web{01..03} db --
os: linux
-- story --
begin 2026-03-28T23:00:00Z
0s     web{01..03} all up
10s    web01 process/ds_agent 1/2 "one of two"   # a comment
+5s    web01 agent/service/"Trend Micro" unknown
1m     db facts agent_version=20.0.0-8438 features.firewall=unknown
2m     silence s1 host=web01 name=~"ds_.*" for 1h "patching"
2m     silence s2 kind!=port until-cleared
2m     silence s3 kind!=port every "0 22 * * FRI" for 2h "backups"
3m     expire s1
3m     ack web01 process/ds_agent by kim "on it"
4m     sink nms refuses
4m     kill at put
5m     kill
5m     stop
6m     start
6m     clock back 1h
7m     config after
2026-03-29T00:00:00Z end
-- wanted en --
# nothing is said about web02
30s nms raised warning web01: process ds_agent is degraded (1 of 2)
  + web01/agent/port/4118/tcp down
-- wanted ja --
`

func TestParse(t *testing.T) {
	s, err := Parse("good.txtar", []byte(good))
	if err != nil {
		t.Fatal(err)
	}
	if s.Title != "A story" || len(s.configs) != 2 || len(s.facts[0].hosts) != 4 || len(s.wanted) != 2 || len(s.lines) != 17 {
		t.Fatalf("%+v", s)
	}
	degraded, unknown, fact, quiet, last := s.lines[1].act, s.lines[2], s.lines[3].act, s.lines[4].act, s.lines[16]
	if degraded.state != "degraded" || degraded.found != 1 || degraded.want != 2 || degraded.text != "one of two" {
		t.Errorf("%+v", degraded)
	}
	if unknown.at != 15*time.Second || unknown.act.item != "agent/service/Trend Micro" {
		t.Errorf("%+v", unknown)
	}
	if len(fact.facts) != 2 || fact.facts[0].value != "20.0.0-8438" || fact.facts[1].value != "" {
		t.Errorf("%+v", fact)
	}
	if len(quiet.match) != 2 || quiet.length != time.Hour || quiet.text != "patching" {
		t.Errorf("%+v", quiet)
	}
	if again := s.lines[6].act; again.every != "0 22 * * FRI" || again.length != 2*time.Hour || again.text != "backups" || len(again.match) != 1 {
		t.Errorf("%+v", again)
	}
	if last.at != time.Hour || last.act.verb != end {
		t.Errorf("%+v", last)
	}
}

// TestParseRefuses: every mistake is told with its line, the word and what to
// write instead.
func TestParseRefuses(t *testing.T) {
	const head = "-- facts web01 --\nos: linux\n-- story --\n"
	for name, c := range map[string]struct{ text, want string }{
		"nothing":                {"", "bad.txtar:1: there is no section -- story --"},
		"another section":        {"-- wantd en --\n", `bad.txtar:1: "wantd" is not a section; did you mean wanted?`},
		"an empty header":        {"x\n--  --\n", "bad.txtar:2: "},
		"two stories":            {"-- story --\n-- story --\n", "bad.txtar:2: the story is told twice; the other one is in line 1"},
		"a second configuration": {"-- config --\n-- config --\n", "bad.txtar:2: a second configuration needs a name"},
		"facts of nobody":        {"-- facts --\n", "bad.txtar:1: facts are those of a host"},
		"a span too wide":        {"-- facts web{1..99999} --\n", `bad.txtar:1: "web{1..99999}" is not a span`},
		"a span backwards":       {"-- facts web{9..1} --\n", "is not a span"},
		"another language":       {"-- wanted de --\n", "bad.txtar:1: what is wanted has a language"},
		"wanted twice":           {"-- wanted en --\n-- wanted en --\n", "bad.txtar:2: this is wanted twice"},
		"wanted: a transition":   {"-- wanted en --\n30s nms raise warning x\n", `bad.txtar:2: "raise" is not a transition; did you mean raised?`},
		"wanted: a severity":     {"-- wanted en --\n30s nms raised critcal x\n", `bad.txtar:2: "critcal" is not a severity; did you mean critical?`},
		"wanted: too short":      {"-- wanted en --\n30s nms raised\n", "bad.txtar:2: "},
		"wanted: no time":        {"-- wanted en --\nsoon nms raised info x\n", `bad.txtar:2: "soon" is not a time`},
		"not UTF-8":              {"a\n\xff\n", "bad.txtar:2: not UTF-8"},
		"no time":                {head + "soon web01 all up\n", `bad.txtar:4: "soon" is not a time`},
		"a negative time":        {head + "-3s web01 all up\n", "bad.txtar:4: "},
		"backwards":              {head + "2s web01 all up\n1s web01 all up\n", "bad.txtar:5: 1s is before the line above (2s)"},
		"too late":               {head + "8760h end\n", "is later than a story may go on"},
		"nothing happens":        {head + "1s\n", "bad.txtar:4: nothing happens"},
		"an unknown host":        {head + "1s web1 all up\n", `"web1" is neither a host with facts nor one of`},
		"a word almost right":    {head + "1s silense s1 host=web01 for 1h\n", "did you mean silence?"},
		"a state":                {head + "1s web01 process/ds_agent dwon\n", `bad.txtar:4: "dwon" is not a state; did you mean down?`},
		"no state":               {head + "1s web01 process/ds_agent\n", "the state of process/ds_agent is missing"},
		"no item":                {head + "1s web01\n", "nothing is said about web01"},
		"a kind":                 {head + "1s web01 proces/ds_agent up\n", "did you mean process?"},
		"not an item":            {head + "1s web01 ds_agent up\n", `"ds_agent" is not an item`},
		"a count":                {head + "1s web01 process/ds_agent a/b\n", `"a/b" is not a count`},
		"a fact":                 {head + "1s web01 facts relai=on\n", `"relai" is not a fact; did you mean relay?`},
		"a value":                {head + "1s web01 facts relay=onn\n", `"onn" is not a value of relay; did you mean on?`},
		"no fact":                {head + "1s web01 facts\n", "no fact is named"},
		"not a fact":             {head + "1s web01 facts relay\n", "is not NAME=VALUE"},
		"a silence without end":  {head + "1s silence s1 host=web01\n", "bad.txtar:4: "},
		"a matcher":              {head + "1s silence s1 hots=web01 for 1h\n", `"hots" is not a field`},
		"a schedule":             {head + "1s silence s1 host=web01 every \"0 25 * * *\" for 1h\n", "bad.txtar:4: "},
		"a schedule cut short":   {head + "1s silence s1 host=web01 every \"0 22 * * *\"\n", "the silence has no end"},
		"two silences":           {head + "1s silence s1 host=web01 for 1h\n1s silence s1 host=web01 for 1h\n", `bad.txtar:5: another silence is named "s1"`},
		"expire of another":      {head + "1s silence s1 host=web01 for 1h\n2s expire s2\n", `no silence above is named "s2"; write one of s1`},
		"an open quote":          {head + "1s web01 process/ds_agent down \"x\n", "a quote is not closed"},
		"kill at noon":           {head + "1s kill at noon\n", "kill says when"},
		"an unknown config":      {head + "1s config after\n", "there is no section -- config after --"},
		"begin in the middle":    {head + "1s end\nbegin 2026-01-01T00:00:00Z\n", "bad.txtar:5: begin stands alone in the first line"},
		"begin at no time":       {head + "begin yesterday\n", `"yesterday" is not a time`},
		"a sink that waits":      {head + "1s sink nms waits\n", "a sink refuses or accepts"},
		"a clock that stops":     {head + "1s clock stops 1h\n", "the clock is set forward or back"},
		"a clock set by nothing": {head + "1s clock back soon\n", `"soon" is not a duration`},
		"too much":               {head + "1s restart now\n", "says too much"},
		"an unack of nothing":    {head + "1s unack web01\n", "write unack HOST ITEM"},
		"an ack of nothing":      {head + "1s ack web01\n", "an acknowledgement is of an item"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Parse("bad.txtar", []byte(c.text))
			var p *Problem
			if !errors.As(err, &p) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v\nwant %s", err, c.want)
			}
		})
	}
}

// FuzzParse: whatever a file holds, nothing crashes, and what is refused
// names a line that the file has.
func FuzzParse(f *testing.F) {
	f.Add([]byte(good))
	f.Add([]byte("-- facts a{1..3}b{1..2} --\n-- story --\n1s a1 all 1/2"))
	f.Add([]byte("-- story --\n+1h+ silence \"a b\" for 1h"))
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := Parse("f", b)
		var p *Problem
		switch {
		case err == nil && s == nil:
			t.Fatal("neither a story nor an error")
		case err == nil:
		case !errors.As(err, &p):
			t.Fatalf("%v has no line", err)
		case p.Line < 1 || p.Line > strings.Count(string(b), "\n")+1 && p.Line > 1:
			t.Fatalf("line %d of a file of %d", p.Line, strings.Count(string(b), "\n")+1)
		}
	})
}

func TestBrief(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "0s", 20 * time.Second: "20s", time.Minute: "1m", time.Hour: "1h", 10 * time.Minute: "10m", time.Hour + 5*time.Second: "1h5s",
		time.Hour + 10*time.Minute: "1h10m", 10*time.Hour + 10*time.Second: "10h10s", 24*time.Hour + time.Minute + time.Second: "24h1m1s", 1500 * time.Millisecond: "1.5s",
	} {
		if got := brief(d); got != want {
			t.Errorf("%s: %s", d, got)
		}
		if back, err := time.ParseDuration(brief(d)); err != nil || back != d {
			t.Errorf("%s reads as %s, %v", brief(d), back, err)
		}
	}
}

func TestDiff(t *testing.T) {
	got := strings.Join(diff([]string{"a", "b", "c"}, []string{"a", "x", "c", "d"}), "\n")
	if got != "  a\n- b\n+ x\n  c\n+ d" {
		t.Errorf("%s", got)
	}
	if d := diff([]string{"a"}, []string{"a"}); d != nil {
		t.Error(d)
	}
}
