package stdout_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"strings"
	"sync"
	"testing"

	"dswatch/event"
	"dswatch/sinks"
	"dswatch/sinks/sinktest"
	"dswatch/sinks/stdout"
)

func config(format string) stdout.Config {
	c := stdout.Defaults()
	c.Name, c.Type, c.Format = "stdout", "stdout", format
	return c
}

// reader is who reads the output, through a pipe that holds nothing: a write
// ends when it was read.
func reader(writers map[*sinktest.Far]io.Writer) func(*testing.T) *sinktest.Far {
	return func(t *testing.T) *sinktest.Far {
		var (
			mu   sync.Mutex
			got  []sinktest.Message
			hang = make(chan struct{})
			once sync.Once
		)
		r, w := io.Pipe()
		go func() {
			lines := bufio.NewReader(r)
			for {
				line, err := lines.ReadBytes('\n')
				if err != nil {
					return
				}
				mu.Lock()
				got = append(got, sinktest.Message{Body: bytes.TrimSuffix(line, []byte("\n"))})
				mu.Unlock()
			}
		}()
		gate := writerFunc(func(p []byte) (int, error) {
			select {
			case <-hang:
				<-t.Context().Done()
				return 0, io.ErrClosedPipe
			default:
				return w.Write(p)
			}
		})
		t.Cleanup(func() { r.Close() })
		far := &sinktest.Far{
			Received: func() []sinktest.Message {
				mu.Lock()
				defer mu.Unlock()
				return append([]sinktest.Message(nil), got...)
			},
			Hang:  func() { once.Do(func() { close(hang) }) },
			Close: func() { r.Close() },
		}
		writers[far] = gate
		return far
	}
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }

// readers read a line of each format.
var readers = map[string]func(sinktest.Message) (sinktest.Told, error){
	"text": func(m sinktest.Message) (sinktest.Told, error) {
		line := string(m.Body)
		id := line[strings.LastIndex(line, " ")+1:]
		told := sinktest.Told{AlertID: id[:strings.LastIndex(id, ".")], Texts: []string{line}}
		told.Cleared = strings.Contains(line, "[RECOVERED]") || strings.Contains(line, "[復旧]")
		return told, nil
	},
	"json": func(m sinktest.Message) (sinktest.Told, error) {
		var p sinks.Payload
		err := json.Unmarshal(m.Body, &p)
		return sinktest.Told{AlertID: p.Alert.ID, Cleared: p.Alert.Transition == event.Cleared,
			Texts: []string{p.Alert.Title, p.Alert.Short, p.Alert.Next, p.Alert.Text, p.Alert.Key.String()}}, err
	},
}

// conform is the sink in one format, and who reads its lines.
func conform(format string) sinktest.Options {
	writers := map[*sinktest.Far]io.Writer{}
	return sinktest.Options{
		New: func(t *testing.T, far *sinktest.Far, env sinks.Env) sinks.Sink {
			return stdout.New(config(format), sinks.Env{}, writers[far])
		},
		Far: reader(writers), Read: readers[format], Lines: format == "json", MaxSize: 256 << 10,
	}
}

func TestConformance(t *testing.T) {
	for format := range readers {
		t.Run(format, func(t *testing.T) { sinktest.Run(t, conform(format)) })
	}
}

// TestEveryRowIsWhole: each loss of the list is understood from its line alone.
func TestEveryRowIsWhole(t *testing.T) {
	for format := range readers {
		t.Run(format, func(t *testing.T) {
			o := conform(format)
			o.Brief, o.Lines = true, false
			sinktest.Whole(t, o)
		})
	}
}

func TestLines(t *testing.T) {
	var out bytes.Buffer
	s := stdout.New(config("text"), sinks.Env{}, &out)
	for _, language := range []string{"en", "ja"} {
		for _, tr := range sinktest.Transitions() {
			if err := s.Send(t.Context(), sinktest.Sample(1, tr, language)); err != nil {
				t.Fatal(err)
			}
		}
	}
	id := sinktest.Sample(1, event.Raised, "en").ID
	want := strings.ReplaceAll(`2026-11-22 03:04:25 +00:00 [ALERT] agent process ds_agent is down on web01. Management is lost, protection is kept. Run systemctl start ds_agent. (critical; management lost, protection kept; 0 of 2) ID.1
2026-11-22 03:05:05 +00:00 [CHANGED] agent process ds_agent is down on web01. Management is lost, protection is kept. Run systemctl start ds_agent. (critical; management lost, protection kept; 1 of 2) ID.2
2026-11-22 07:04:05 +00:00 [STILL OPEN] agent process ds_agent is down on web01. Management is lost, protection is kept. Run systemctl start ds_agent. (critical; management lost, protection kept; 0 of 2) ID.3
2026-11-22 07:09:05 +00:00 [RECOVERED] agent process ds_agent is up again on web01 (critical; Lasted 4 h 5 min) ID.4
2026-11-22 03:04:25 +00:00 [発生] web01 のAgentプロセス ds_agent が停止しています。管理機能が停止。保護は継続。systemctl start ds_agent で起動してください。 (重大; 管理機能の停止 (保護は継続); 0 / 2) ID.1
2026-11-22 03:05:05 +00:00 [変化] web01 のAgentプロセス ds_agent が停止しています。管理機能が停止。保護は継続。systemctl start ds_agent で起動してください。 (重大; 管理機能の停止 (保護は継続); 1 / 2) ID.2
2026-11-22 07:04:05 +00:00 [再通知 (継続中)] web01 のAgentプロセス ds_agent が停止しています。管理機能が停止。保護は継続。systemctl start ds_agent で起動してください。 (重大; 管理機能の停止 (保護は継続); 0 / 2) ID.3
2026-11-22 07:09:05 +00:00 [復旧] web01 のAgentプロセス ds_agent が復旧しました (重大; 継続時間 4時間5分) ID.4
`, "ID", id)
	if got := out.String(); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}

func TestKind(t *testing.T) {
	k := stdout.Kind()
	c := k.Settings().(*stdout.Config)
	c.Name = "stdout"
	if err := c.Validate(); err != nil || k.Type != "stdout" || c.Format != "text" {
		t.Errorf("%s: format %s, %v", k.Type, c.Format, err)
	}
	if _, err := k.New(c, sinks.Env{Name: "stdout"}); err != nil {
		t.Error(err)
	}
}

func TestValidate(t *testing.T) {
	if err := config("text").Validate(); err != nil {
		t.Error(err)
	}
	if err := config("xml").Validate(); err == nil || !strings.HasPrefix(err.Error(), "format: ") {
		t.Errorf("format xml: %v", err)
	}
	c := config("json")
	c.Concurrency = 0
	if err := c.Validate(); err == nil || !strings.HasPrefix(err.Error(), "concurrency: ") {
		t.Errorf("concurrency 0: %v", err)
	}
}
