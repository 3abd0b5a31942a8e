package app

import (
	"regexp"
	"strings"
)

// detailsJA are what detectors say of what they have seen, part by part, and
// what it is in Japanese. Words of the system itself, such as the states of
// systemd, stay as they are; so does a part that is not here.
var detailsJA = []wording{
	// processes
	{regexp.MustCompile(`^no process is named (.+)$`), "$1 という名前のプロセスがない"},
	{regexp.MustCompile(`^no process runs (.+)$`), "$1 を実行しているプロセスがない"},
	{regexp.MustCompile(`^(\d+) of the name run another executable$`), "同名のプロセスが $1 個あるが、実行ファイルが異なる"},
	{regexp.MustCompile(`^(\d+) have a longer name that begins like it$`), "先頭が同じで、より長い名前のプロセスが $1 個ある"},
	{regexp.MustCompile(`^pid (\d+) is a zombie: it has ended and its parent has not taken note$`), "pid $1 はゾンビ (終了しているが、親プロセスが回収していない)"},
	{regexp.MustCompile(`^pid (\d+) is dead$`), "pid $1 は終了している"},
	{regexp.MustCompile(`^pid (\d+) is in a container and not counted$`), "pid $1 はコンテナ内のため数えない"},
	{regexp.MustCompile(`^the names of (\d+) processes cannot be read: (.+)$`), "プロセス $1 個の名前を読み取れない: $2"},
	{regexp.MustCompile(`^the executable of (.+) cannot be read \((.+)\): (.+)$`), "$1 の実行ファイルを読み取れない ($2): $3"},
	{regexp.MustCompile(`^(pid \d+ .+) ended and was not waited for$`), "$1 は終了しているが、親プロセスが回収していない"},

	// services and drivers
	{regexp.MustCompile(`^(.+) is (active|inactive|failed|activating|deactivating|maintenance|reloading|refreshing) \((\S+)\)$`), "$1 は $2 ($3)"},
	{regexp.MustCompile(`^(.+) is (inactive|failed|activating|deactivating|maintenance) \((\S+)\), result (\S+)$`), "$1 は $2 ($3)、結果は $4"},
	{regexp.MustCompile(`^(.+) is not installed(?:: systemd finds no such unit)?$`), "$1 はインストールされていない"},
	{regexp.MustCompile(`^(.+) is not known to systemd$`), "$1 は systemd に登録されていない"},
	{regexp.MustCompile(`^no service named (.+)$`), "$1 という名前のサービスがない"},
	{regexp.MustCompile(`^no driver named (.+) is loaded$`), "ドライバ $1 がロードされていない"},
	{regexp.MustCompile(`^no driver named (.+) is loaded: this kernel was built without modules$`), "ドライバ $1 がロードされていない (このカーネルはモジュールに対応していない)"},
	{regexp.MustCompile(`^no module named (.+) is loaded$`), "カーネルモジュール $1 がロードされていない"},
	{regexp.MustCompile(`^(.+) is known to the host but not loaded$`), "$1 はホストに登録されているが、ロードされていない"},
	{regexp.MustCompile(`^(\S+) is loaded$`), "$1 はロードされている"},

	// ports
	{regexp.MustCompile(`^nothing listens on (\d+/tcp)(, .+)?$`), "$1 で待ち受けているプロセスがない$2"},
	{regexp.MustCompile(`^(\d+/tcp) listens on loopback only, at (.+): the manager cannot reach it(, .+)?$`), "$1 はループバック ($2) でしか待ち受けておらず、Manager から接続できない$3"},
	{regexp.MustCompile(`^(\d+/tcp) listens at (.+)$`), "$1 は $2 で待ち受けている"},
	{regexp.MustCompile(`^(\S+) refused \(RST\): the host is up, nothing listens on the port$`), "$1 に拒否された (RST)。ホストは動いているが、このポートで待ち受けているプロセスがない"},
	{regexp.MustCompile(`^no answer from (\S+) within (\S+): filtered, or the host is off$`), "$1 から $2 以内に応答がない。途中で遮断されているか、ホストが停止している"},
	{regexp.MustCompile(`^no answer from (\S+): filtered, or the host is off$`), "$1 から応答がない。途中で遮断されているか、ホストが停止している"},
	{regexp.MustCompile(`^(\S+): host unreachable: it is off, or the address is wrong$`), "$1 に到達できない。ホストが停止しているか、アドレスが誤っている"},
	{regexp.MustCompile(`^(\S+) does not answer on the local network \(no ARP or neighbour answer\): it is off, or the address is wrong$`), "$1 が同じネットワーク内で応答しない (ARP または近隣探索)。ホストが停止しているか、アドレスが誤っている"},
	{regexp.MustCompile(`^half-open answer from (\S+) in (\S+)$`), "$1 がハーフオープンで応答 ($2)"},
	{regexp.MustCompile(`^(\S+) accepted a connection in (\S+)$`), "$1 が接続を受け付けた ($2)"},

	{regexp.MustCompile(`^the pass ended before (?:this port's turn|an answer came)$`), "確認時間内に確認できなかった"},
	{regexp.MustCompile(`^it comes first in the next one$`), "次回に優先して確認する"},
	{regexp.MustCompile(`^if this repeats, raise detectors\.port\.timeout( or detectors\.port\.rate)?(?:, see config check)?$`), "繰り返す場合は detectors.port.timeout$1 を大きくすること (config check を参照)"},
	{regexp.MustCompile(`^the pass ended before (\d+) of (\d+) endpoints had answered$`), "確認時間内に $2 件中 $1 件を確認できなかった"},
	{regexp.MustCompile(`^they come first in the next one$`), "次回に優先して確認する"},
	{regexp.MustCompile(`^all (\d+) endpoints were asked$`), "$1 件すべてを確認した"},
	{regexp.MustCompile(`^this host could not ask (\d+) of (\d+) endpoints$`), "このホストの制限により $2 件中 $1 件を確認できなかった"},
	{regexp.MustCompile(`^(\d+) of (\d+) names were looked up$`), "$2 件中 $1 件の名前を解決した"},
	{regexp.MustCompile(`^(\d+) of (\d+) hosts of (\S+) answer$`), "$3 のホスト $2 台中 $1 台が応答"},
	{regexp.MustCompile(`^(\d+) of (\d+) hosts of all networks answer$`), "全ネットワークのホスト $2 台中 $1 台が応答"},
	{regexp.MustCompile(`^none of (\d+) hosts of all networks answers: .+$`), "どのネットワークのホスト ($1 台) からも応答がない。回線、経路上のルータとファイアウォールを確認すること。すべて停止している可能性もある"},
	{regexp.MustCompile(`^none of (\d+) hosts of (\S+) answers: .+$`), "$2 のホスト $1 台のどれからも応答がない。回線、経路上のルータとファイアウォールを確認すること。すべて停止している可能性もある"},
	{regexp.MustCompile(`^they may also all be off$`), "すべて停止している可能性もある"},
	{regexp.MustCompile(`^for example: no answer from (\S+) within (\S+): filtered, or the host is off$`), "例: $1 から $2 以内に応答がない"},
	{regexp.MustCompile(`^for example: (.+)$`), "例: $1"},
	{regexp.MustCompile(`^not seen, because of (.+)$`), "$1 のため確認できない"},

	// what a manager says
	{regexp.MustCompile(`^what it told at (\S+) counts until it is (\S+) old$`), "$1 に取得した内容を、$2 が過ぎるまで使用する"},
	{regexp.MustCompile(`^the manager no longer lists this computer, since (\S+)$`), "$1 以降、Manager の一覧にこのコンピュータがない"},
	{regexp.MustCompile(`^the manager lists (\d+) of the (\d+) computers that it had: .+$`), "これまであったコンピュータ $2 台のうち、Manager の一覧には $1 台しかない。API キーのロール、Manager のノード、データベースを確認すること"},
	{regexp.MustCompile(`^the others stay on the list until this has lasted for (\S+), or host forget says that they are gone$`), "$1 続くか host forget で確認されるまで、残りは監視対象のままとする"},
	{regexp.MustCompile(`^(\d+) computers$`), "コンピュータ $1 台"},
	{regexp.MustCompile(`^last communication (\S+)$`), "最終通信 $1"},
	{regexp.MustCompile(`^no communication is on record$`), "通信の記録がない"},
	{regexp.MustCompile(`^the agent is not activated, last communication (\S+)$`), "Agent が有効化されていない (最終通信 $1)"},
	{regexp.MustCompile(`^the agent is not activated, no communication is on record$`), "Agent が有効化されていない (通信の記録がない)"},
	{regexp.MustCompile(`^(.+) \(last communication (\S+)\)$`), "$1 (最終通信 $2)"},
	{regexp.MustCompile(`^(.+) \(no communication is on record\)$`), "$1 (通信の記録がない)"},
	{regexp.MustCompile(`^the manager says (\S+), switched (\S+?)(: .+)?$`), "Manager の表示は $1、設定は $2$3"},
	{regexp.MustCompile(`^the manager says (\S+?)(: .+)?$`), "Manager の表示は $1$2"},
	{regexp.MustCompile(`^the manager tells no status of this computer$`), "Manager がこのコンピュータの状態を返さない"},
	{regexp.MustCompile(`^the manager tells no status of this module$`), "Manager がこのモジュールの状態を返さない"},
	{regexp.MustCompile(`^look at the role of the API key$`), "API キーのロールを確認すること"},
	{regexp.MustCompile(`^the manager cannot be reached: (.+)$`), "Manager に接続できない: $1"},
	{regexp.MustCompile(`^look at url, proxy and firewall$`), "url、proxy、ファイアウォールを確認すること"},
	{regexp.MustCompile(`^the manager did not answer in time$`), "Manager が時間内に応答しない"},
	{regexp.MustCompile(`^if it is only slow, raise detectors\.manager\.timeout or lower detectors\.manager\.page$`), "遅いだけであれば detectors.manager.timeout を延ばすか detectors.manager.page を減らすこと"},
	{regexp.MustCompile(`^the manager refuses the API key \((.+)\)$`), "Manager が API キーを拒否した ($1)"},
	{regexp.MustCompile(`^give api_key the key of a role that may read computers$`), "コンピュータを参照できるロールのキーを api_key に設定すること"},
	{regexp.MustCompile(`^the manager answers with status (.+)$`), "Manager がステータス $1 を返した"},
	{regexp.MustCompile(`^look at the manager's own log$`), "Manager のログを確認すること"},
	{regexp.MustCompile(`^what it told at (\S+) counts$`), "$1 に取得した内容を使用中"},
	{regexp.MustCompile(`^answered within (\S+)$`), "$1 で応答"},
	{regexp.MustCompile(`^told of (\d+) computers$`), "コンピュータ $1 台を取得"},

	// any detector
	{regexp.MustCompile(`^no answer within (\S+)$`), "$1 以内に応答がない"},
	{regexp.MustCompile(`^if the host is only slow, raise the timeout of this detector$`), "ホストが遅いだけであれば、この検出の timeout を延ばすこと"},
	{regexp.MustCompile(`^the look of (\S+) has still not ended after more than (\S+)$`), "$1 の検出が $2 を過ぎても終わらない"},
	{regexp.MustCompile(`^the detector did not answer for this item$`), "この項目の検出結果が得られなかった"},
	{regexp.MustCompile(`^no longer reported by (\S+)$`), "$1 から報告されなくなった"},
	{regexp.MustCompile(`^its dswatch reports$`), "dswatch から報告がある"},
	{regexp.MustCompile(`^nothing was heard from its dswatch since (\S+)$`), "$1 以降、dswatch から報告がない"},
}

// withinJA are words that stand in the middle of details.
var withinJA = strings.NewReplacer(
	" or ", " または ",
	"run dswatch as root or grant it CAP_SYS_PTRACE", "dswatch を root で実行するか、CAP_SYS_PTRACE を与えること",
)

// detailJA returns what was seen in Japanese.
func detailJA(detail string) string {
	parts := strings.Split(detail, "; ")
	for i, part := range parts {
		if ja := inJapanese(detailsJA, part); ja != part {
			parts[i] = withinJA.Replace(ja)
		}
	}
	return strings.Join(parts, "; ")
}
