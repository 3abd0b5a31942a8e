package app

import (
	"os"
	"strings"
	"testing"
	"time"
	"unicode"

	"dswatch/detector"
	"dswatch/event"
)

// TestDetailsInJapanese: each part of a detail has its words, and what has none
// stays as it is.
func TestDetailsInJapanese(t *testing.T) {
	for en, want := range map[string]string{
		"":                           "",
		"no process is named a or b": "a または b という名前のプロセスがない",
		"no process runs /opt/x/nginx; 2 of the name run another executable":                      "/opt/x/nginx を実行しているプロセスがない; 同名のプロセスが 2 個あるが、実行ファイルが異なる",
		"pid 7 (ppid 1, since 2026-11-23T02:00:00Z)":                                              "pid 7 (ppid 1, since 2026-11-23T02:00:00Z)",
		"the names of 3 processes cannot be read: run dswatch as root or grant it CAP_SYS_PTRACE": "プロセス 3 個の名前を読み取れない: dswatch を root で実行するか、CAP_SYS_PTRACE を与えること",
		"ds_agent.service is failed (failed), result exit-code":                                   "ds_agent.service は failed (failed)、結果は exit-code",
		"ds_agent.service is not installed: systemd finds no such unit":                           "ds_agent.service はインストールされていない",
		"no driver named dsa_filter is loaded":                                                    "ドライバ dsa_filter がロードされていない",
		"nothing listens on 4118/tcp, asked by sock_diag":                                         "4118/tcp で待ち受けているプロセスがない, asked by sock_diag",
		"no answer from 192.0.2.10:4118 within 3s: filtered, or the host is off":                  "192.0.2.10:4118 から 3s 以内に応答がない。途中で遮断されているか、ホストが停止している",
		"Offline (last communication 2026-11-23T02:00:00Z)":                                       "Offline (最終通信 2026-11-23T02:00:00Z)",
		"the manager says active, switched on: Real-Time":                                         "Manager の表示は active、設定は on: Real-Time",
		"the manager says inactive: Off":                                                          "Manager の表示は inactive: Off",
		"the manager tells no status of this module; look at the role of the API key":             "Manager がこのモジュールの状態を返さない; API キーのロールを確認すること",
		"the pass ended before 17 of 400 endpoints had answered; they come first in the next one": "確認時間内に 400 件中 17 件を確認できなかった; 次回に優先して確認する",
		"12 of 40 hosts of 10.1.3.0/24 answer":                                                    "10.1.3.0/24 のホスト 40 台中 12 台が応答",
		"the manager no longer lists this computer, since 2026-11-23T02:00:00Z":                   "2026-11-23T02:00:00Z 以降、Manager の一覧にこのコンピュータがない",
		"a detail of a later version; no answer within 5s":                                        "a detail of a later version; 5s 以内に応答がない",
	} {
		if got := detailJA(en); got != want {
			t.Errorf("%q reads %q, want %q", en, got, want)
		}
	}
}

// TestDetectorsSpeakJapanese looks at what is not there with the detectors
// themselves: if one of them chooses other words, these must follow.
func TestDetectorsSpeakJapanese(t *testing.T) {
	l, err := Parse("x.yaml", []byte(`
host: h
watch:
  facts: {os: linux, components: []}
  items:
    - {kind: process, name: no-such-process, component: custom}
    - {kind: driver, name: no_such_driver, component: custom}
    - {kind: port, name: 1/tcp, component: custom}
`))
	if err != nil {
		t.Fatal(err)
	}
	jobs, err := l.jobs("linux", nil)
	if err != nil {
		t.Fatal(err)
	}
	sched, err := detector.NewScheduler(detector.Options{Observer: l.Host, Jobs: jobs, Location: time.UTC})
	if err != nil {
		t.Fatal(err)
	}
	seen := map[event.Kind]string{}
	for _, o := range sched.Pass(t.Context()) {
		if o.Key.Component == "custom" {
			seen[o.Key.Kind] = o.Detail
		}
	}
	for _, kind := range []event.Kind{event.Process, event.Driver, event.Port} {
		detail := seen[kind]
		if _, err := os.Stat("/proc/modules"); err != nil && kind == event.Driver {
			continue // nothing can be said of drivers here
		}
		if detail == "" || !strings.ContainsFunc(detailJA(detail), func(r rune) bool { return unicode.Is(unicode.Hiragana, r) }) {
			t.Errorf("%s: %q has no Japanese", kind, detail)
		}
	}
}
