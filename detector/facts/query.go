package facts

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"dswatch/event"
	"dswatch/guard"
)

// QueryOrigin begins the origin of what dsa_query told.
const QueryOrigin = "dsa_query "

// Query tells features and edition from the agent's own dsa_query. That
// program talks to the agent, so it is run rarely, and only while the agent is
// up. Safe for concurrent use.
type Query struct {
	path    func() string
	program func() string // stamp of what is there, and of the helper
	agent   Agent
	timeout time.Duration
	// helper is the socket of who asks in place of a process that may not; empty:
	// this one may.
	helper string

	mu     sync.Mutex
	wasUp  bool
	seen   uint64        // Changes when last asked
	stamp  string        // of the program then
	wait   time.Duration // after an attempt, before a change is reason to ask again
	asked  time.Time
	known  event.Facts
	says   map[string]saying // what it said of itself, by row
	reason error             // why the last attempt told less than it could

	lack atomic.Pointer[unhelped] // why the last attempt had no helper, though it needs one
}

// Agent is what was seen of this host's agent.
type Agent interface {
	Up() bool        // the main process is up
	Changes() uint64 // how often an item came or went
}

const (
	// queryTimeout bounds each of the two questions.
	queryTimeout = 10 * time.Second
	// queryEvery is how long an answer is taken as fresh; queryRetry is the
	// least time between two attempts while the agent restarts or refuses.
	queryEvery = 5 * time.Minute
	queryRetry = time.Minute
	// queryDoubt is the least time between two attempts when an item came or
	// went, because a feature may have been switched. It is well under the
	// default hold of 20 seconds, and doubles with every attempt that tells
	// nothing new, so that an item that flaps does not keep the agent busy.
	queryDoubt = 5 * time.Second
	// queryKeep is how old an answer may grow that cannot be had again.
	queryKeep = 24 * time.Hour
)

// NewQuery returns a source that asks the agent of this host while its main
// process is up.
func NewQuery(agent Agent) *Query {
	helper := helperOf()
	program := func() string { return stampOf(queryPath()) + stampOf(helper) }
	return &Query{path: queryPath, program: program, agent: agent, timeout: queryTimeout, helper: helper, wait: queryDoubt}
}

// Due reports whether an item came or went since the agent was asked, or its
// program is another one, and it may be asked again.
func (q *Query) Due() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.agent.Up() && q.doubtful(time.Now())
}

func (q *Query) doubtful(now time.Time) bool {
	return now.Sub(q.asked) >= q.wait && (q.agent.Changes() != q.seen || q.program() != q.stamp)
}

// Facts returns the last answer, each fact with the time at which it was
// given, and asks anew if that is older than five minutes, the agent has been
// down since, an item of it came or went or the program was replaced. While the agent is down or does not answer, what it said
// before counts for a day. A refusal is an error beside it.
func (q *Query) Facts(ctx context.Context) (event.Facts, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	now := time.Now()
	up, fresh := q.agent.Up(), queryEvery
	if !q.wasUp || q.reason != nil {
		fresh = queryRetry
	}
	if doubt := q.doubtful(now); up && (q.asked.IsZero() || now.Sub(q.asked) >= fresh || doubt) {
		before := q.known
		q.asked, q.seen, q.stamp = now, q.agent.Changes(), q.program()
		q.ask(ctx)
		if doubt && before.Equal(q.known) {
			q.wait = min(2*q.wait, queryEvery)
		} else {
			q.wait = queryDoubt
		}
	}
	q.wasUp = up
	for n, f := range q.known {
		if now.Sub(f.At) > queryKeep {
			delete(q.known, n)
		}
	}
	return event.Facts{}.Merge(q.known), q.reason
}

// question is one that the agent is asked. There are no others.
type question struct {
	name, prefix string
	values       []string // what is read of its answer
	facts        func(answer) (event.Facts, error)
}

var questions = []question{
	{"GetAgentStatus", "AgentStatus.", []string{"dsmUrl", "currentTime", "lastAgentToManagerSession", "agentState", "driverHooked"}, editionFacts},
	{"GetComponentInfo", "Component.", []string{"AM.mode", "WRS.mode", "FWDPI.firewallMode", "FWDPI.mode"}, featureFacts},
}

// ask puts both questions. What one of them tells does not depend on the
// other.
func (q *Query) ask(ctx context.Context) {
	path := q.path()
	q.reason = nil
	var lack *unhelped
	defer func() { q.lack.Store(lack) }()
	if path == "" {
		return
	}
	var errs []error
	answered := event.Facts{}
	for _, one := range questions {
		values, err := q.put(ctx, path, one)
		if errors.Is(err, fs.ErrNotExist) {
			lack = nil
			return // no such program: nothing to be told, as on a host without an agent
		}
		if err != nil {
			lack = cmp.Or(lack, lackOf(err))
			errs = append(errs, err)
			continue
		}
		f, err := one.facts(values)
		if err != nil {
			errs = append(errs, fmt.Errorf("dsa_query -c %s: %w; declare it in watch.facts", one.name, err))
		}
		answered = answered.Merge(f)
		for row, s := range evidence(one.name, values) {
			if q.says == nil {
				q.says = map[string]saying{}
			}
			s.at, s.question = q.asked, one.name
			q.says[row] = s
		}
	}
	now := time.Now()
	for n, f := range answered {
		f.At = now
		answered[n] = f
	}
	q.known, q.reason = q.known.Merge(answered), errors.Join(errs...)
}

// put puts one question, through the helper where this process may not. Where
// there is no helper it tries nevertheless.
func (q *Query) put(ctx context.Context, path string, one question) (answer, error) {
	if q.helper == "" {
		return put(ctx, path, one, q.timeout)
	}
	values, err := askHelper(ctx, q.helper, one)
	if lackOf(err) == nil {
		return values, err
	}
	values, direct := put(ctx, path, one, q.timeout)
	if direct != nil && !errors.Is(direct, fs.ErrNotExist) {
		direct = fmt.Errorf("%w; %w", err, direct)
	}
	return values, direct
}

// Unhelped is why the agent is not asked: this process may not, and has no helper
// who may. Nil: it is asked, or there is no agent.
func (q *Query) Unhelped() error {
	if lack := q.lack.Load(); lack != nil {
		return lack.error
	}
	return nil
}

// put runs the program with one question and returns the values of its answer. A
// program that is not there is fs.ErrNotExist.
func put(ctx context.Context, path string, one question, timeout time.Duration) (answer, error) {
	out, complaint, err := command{path, []string{"-c", one.name}, timeout}.run(ctx)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	values := parseAnswer(one.prefix, out)
	if len(values) == 0 || err != nil {
		return nil, refusal(one.name, said(out, complaint), err)
	}
	return values, nil
}

// refusal says why there was no answer.
func refusal(question, said string, err error) error {
	var turned *guard.Refusal
	switch {
	case errors.As(err, &turned): // it says what to do
		return fmt.Errorf("dsa_query -c %s: %w", question, err)
	case strings.Contains(strings.ToLower(said), "password"):
		return fmt.Errorf("dsa_query -c %s: self-protection demands its password, which dswatch does not use; declare features and edition in watch.facts", question)
	case err == nil && said == "":
		err = errors.New("it answered nothing")
	case err == nil:
		err = errors.New("it answered something else")
	}
	if said != "" {
		err = fmt.Errorf("%w: it said %s", err, said)
	}
	return fmt.Errorf("dsa_query -c %s: %w; run it by hand as root or administrator, or declare features and edition in watch.facts", question, err)
}

// answer holds the values of one answer by their names without the prefix.
type answer map[string]string

// parseAnswer reads lines such as "Component.AM.mode: on". Lines whose name is
// a number are the index of names and tell nothing. A name that is there
// twice with two values is left out.
func parseAnswer(prefix string, out []byte) answer {
	a, torn := answer{}, map[string]bool{}
	for line := range strings.Lines(string(out)) {
		rest, ok := strings.CutPrefix(strings.TrimSpace(line), prefix)
		name, value, colon := strings.Cut(rest, ":")
		name, value = strings.TrimSpace(name), strings.TrimSpace(value)
		if !ok || !colon || strings.Trim(name, "0123456789") == "" {
			continue
		}
		if before, twice := a[name]; twice && before != value {
			torn[name] = true
		}
		a[name] = value
	}
	for name := range torn {
		delete(a, name)
	}
	return a
}

// modes are the features by the names that GetComponentInfo has for them.
var modes = []struct {
	mode    string
	feature event.Name
}{
	{"AM.mode", event.AntiMalware},
	{"WRS.mode", event.WebReputation},
	{"FWDPI.firewallMode", event.Firewall},
	{"FWDPI.mode", event.IntrusionPrevention},
}

// featureFacts reads which features are on. A feature whose driver is missing
// is on: what it needs is expected, and lost.
func featureFacts(a answer) (event.Facts, error) {
	f := event.Facts{}
	var errs []error
	for _, m := range modes {
		mode, ok := a[m.mode]
		if !ok {
			continue
		}
		value := event.On
		switch {
		case mode == "off":
			value = event.Off
		case mode != "on" && !strings.HasPrefix(mode, "on-") && mode != "driver-offline":
			errs = append(errs, fmt.Errorf("%s is %s, which is not known", m.mode, quote(mode)))
			continue
		}
		f[m.feature] = event.Fact{Value: value, Origin: fmt.Sprintf(QueryOrigin+"(%s: %s)", m.mode, clip(mode))}
	}
	return f, errors.Join(errs...)
}

// editionFacts reads the edition from the manager's address. An agent that
// is not activated has none.
func editionFacts(a answer) (event.Facts, error) {
	raw := a["dsmUrl"]
	if raw == "" {
		return nil, nil
	}
	u, err := url.Parse(raw)
	if err != nil || u.Hostname() == "" {
		return nil, fmt.Errorf("dsmUrl is %s, which is no address", quote(raw))
	}
	host := strings.TrimSuffix(strings.ToLower(u.Hostname()), ".")
	edition := event.DeepSecurity
	if host == "agents.deepsecurity.trendmicro.com" || strings.HasSuffix(host, ".cloudone.trendmicro.com") {
		edition = event.WorkloadSecurity
	}
	return event.Facts{event.Edition: {Value: edition, Origin: QueryOrigin + "(the manager is " + clip(host) + ")"}}, nil
}

// clip keeps an origin short and printable.
func clip(s string) string {
	q := quote(s)
	return q[1 : len(q)-1]
}
