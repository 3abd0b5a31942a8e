package app

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"strings"

	"dswatch/bus"
	"dswatch/detector/facts"
	"dswatch/event"
	"dswatch/words"
)

// Init returns a commented configuration for this host. What was discovered
// stands in comments, because discovered facts need no declaration; what can
// only be declared stands there with its question.
func Init(ctx context.Context, v words.Voice) (string, error) {
	known, err := facts.Discover(ctx, facts.Sources()...)
	if err != nil && len(known) == 0 {
		return "", words.FailWith(err, words.DiscoverFacts.With(err))
	}
	host, err := os.Hostname()
	if err != nil {
		return "", words.FailWith(err, words.FindHostNameOnly.With(err))
	}
	var found strings.Builder
	for _, n := range event.Names() {
		if f, ok := known.Get(n); ok {
			fmt.Fprintf(&found, "    #   %s: %s (%s)\n", n, oneLine(f.Value), oneLine(v.Origin(f.Origin)))
		}
	}
	components := "    # components: [agent]       # " + v.Pick(words.InitNothing) + "\n"
	if _, ok := known.Get(event.Components); ok {
		components = ""
	}
	return placed(fmt.Sprintf(v.Either(initText, initTextJA), oneLine(host), found.String(), components), runtime.GOOS, bus.Defaults().Dir), nil
}

// placed puts the paths of the text where this system has such files: on
// Windows everything is below the one folder.
func placed(text, system, folder string) string {
	if system != "windows" {
		return text
	}
	return strings.NewReplacer(
		"dir: /var/lib/dswatch ", "dir: '"+folder+"' ",
		"/etc/dswatch/", folder+`\`,
	).Replace(text)
}

// oneLine keeps a value from ending the comment it stands in.
func oneLine(s string) string { return strings.NewReplacer("\n", " ", "\r", " ").Replace(s) }

const initText = `# dswatch configuration. All keys: dswatch config reference
# Check it with: dswatch config check -c FILE

# host: %s                      # name of this host in alerts; default its host name
language: en                    # en or ja: language of alerts

bus:
  dir: /var/lib/dswatch         # events and alerts are kept here until they are delivered

watch:
  # What is declared here decides which rows of the vendor's list are expected.
  # What is not declared is discovered, then unknown; nothing is alarmed on an
  # unknown footnote. See what follows with: dswatch catalog -c FILE
  facts:
    # Found on this host:
%s%s    # edition: deep_security    # or workload_security (Cloud One)
    # relay: off                # on if this agent is a relay
    # communication: bidirectional  # or manager_initiated, agent_initiated
    # features:
    #   anti_malware: on
    #   web_reputation: on
    #   firewall: on
    #   intrusion_prevention: on
    #   tls_inspection: off
  # ignore: [driver/dsa_filter_hook]   # rows that are not watched

# detectors:
#   process: {schedule: "@every 10s"}
#   port:
#     schedule: "@every 30s"
#     targets: [{host: 192.0.2.10, ports: [4118], method: syn}]   # ports of other hosts
#   remote:                     # hosts where nothing may be installed, over SSH: docs/agentless.md
#     user: dswatch
#     key_file: /etc/dswatch/id_ed25519
#     targets: [{host: sol01, address: 192.0.2.11, os: solaris}]   # os: solaris, esxi, linux, aix
#   manager:                    # heartbeats and modules of all computers, as the manager sees them
#     url: https://dsm.example.com:4119
#     api_key_file: /etc/dswatch/dsm.key    # of a role that may read computers
#     ca_file: /etc/dswatch/dsm-ca.pem      # or fingerprint: the certificate's SHA-256

rules:
  hold: 20s                     # an agent restart takes about 15s
  repeat: 4h
  patience: 5m                  # unobservable for so long is an alert of its own

# Without sinks, alerts are written to standard output.
# Test them with: dswatch sinks test -c FILE
sinks: []
#  - {name: nms, type: snmp, address: 192.0.2.20:162, version: 2c, community: public}
#  - {name: siem, type: syslog, network: udp, address: 192.0.2.21:514, format: rfc5424}
#  - {name: chat, type: slack, webhook_url_file: /etc/dswatch/slack.url}
#  - {name: team, type: teams, webhook_url_file: /etc/dswatch/teams.url}
#  - {name: mail, type: email, address: mail.example.com:587, from: dswatch@example.com, to: [noc@example.com]}
#  - {name: hook, type: webhook, url: https://example.com/hook, secret_file: /etc/dswatch/hook.secret}
#  - {name: prom, type: alertmanager, urls: ["http://192.0.2.30:9093"]}

web:
  listen: 127.0.0.1:9418        # local API and metrics
`

// initTextJA has the same lines with their comments in Japanese.
const initTextJA = `# dswatch の設定。すべてのキー: dswatch config reference
# 確認するには: dswatch config check -c FILE

# host: %s                      # アラートに示すこのホストの名前。既定はホスト名
language: ja                    # en または ja: 通知と画面の言語

bus:
  dir: /var/lib/dswatch         # イベントとアラートを、通知し終えるまで保存する場所

watch:
  # ここに記述した値から、一覧のどの行を監視対象とするかを判定します。記述がな
  # い値は検出した値を使い、検出できなければ不明とします。注記の条件が不明な行
  # では警報を出しません。判定の結果は次で確認できます: dswatch catalog -c FILE
  facts:
    # このホストで検出した値:
%s%s    # edition: deep_security    # または workload_security (Cloud One)
    # relay: off                # この Agent が Relay であれば on
    # communication: bidirectional  # または manager_initiated、agent_initiated
    # features:
    #   anti_malware: on
    #   web_reputation: on
    #   firewall: on
    #   intrusion_prevention: on
    #   tls_inspection: off
  # ignore: [driver/dsa_filter_hook]   # 監視しない行

# detectors:
#   process: {schedule: "@every 10s"}
#   port:
#     schedule: "@every 30s"
#     targets: [{host: 192.0.2.10, ports: [4118], method: syn}]   # 他ホストのポート
#   remote:                     # 何も導入できないホストを SSH で監視: docs/agentless.ja.md
#     user: dswatch
#     key_file: /etc/dswatch/id_ed25519
#     targets: [{host: sol01, address: 192.0.2.11, os: solaris}]   # os: solaris、esxi、linux、aix
#   manager:                    # Manager から見たすべてのコンピュータのハートビートと保護モジュール
#     url: https://dsm.example.com:4119
#     api_key_file: /etc/dswatch/dsm.key    # コンピュータの参照を許可したロールのキー
#     ca_file: /etc/dswatch/dsm-ca.pem      # または fingerprint: 証明書の SHA-256

rules:
  hold: 20s                     # Agent の再起動には約 15 秒かかります
  repeat: 4h
  patience: 5m                  # この時間確認できなければ、別のアラートで通知します

# 通知先がなければ、アラートは標準出力に書き出します。
# 通知のテスト: dswatch sinks test -c FILE
sinks: []
#  - {name: nms, type: snmp, address: 192.0.2.20:162, version: 2c, community: public}
#  - {name: siem, type: syslog, network: udp, address: 192.0.2.21:514, format: rfc5424}
#  - {name: chat, type: slack, webhook_url_file: /etc/dswatch/slack.url}
#  - {name: team, type: teams, webhook_url_file: /etc/dswatch/teams.url}
#  - {name: mail, type: email, address: mail.example.com:587, from: dswatch@example.com, to: [noc@example.com]}
#  - {name: hook, type: webhook, url: https://example.com/hook, secret_file: /etc/dswatch/hook.secret}
#  - {name: prom, type: alertmanager, urls: ["http://192.0.2.30:9093"]}

web:
  listen: 127.0.0.1:9418        # ローカル API とメトリクス
`
