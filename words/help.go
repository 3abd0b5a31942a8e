package words

import (
	"strings"
	"unicode/utf8"
)

// help is what the commands and flags say of themselves; {config} is where the
// configuration is by default. A test of the commands holds that each is here,
// and that nothing else is.
var help = []Both{
	{
		"Watches what Trend Micro Deep Security needs to run, and tells who must know",
		"Trend Micro Deep Security に必要なものを監視し、必要な相手に通知する",
	},
	{
		`dswatch watches the processes, services, kernel drivers and ports that the vendor's list
names for Deep Security, and tells SNMP, syslog, Slack and webhooks what was lost,
why it matters, and when it is back.

  dswatch demo       see it work in under a minute
  dswatch check      look at this host once
  dswatch init       write a configuration for this host
  dswatch run        keep watching

Exit status: 0 done; 1 failed, or what was asked for is not well; 2 a mistake
in the command line or the configuration; 3 nobody knows (check), or decisions
are not current (status); 4 the running dswatch refused; 5 none answers.`,
		`dswatch は、ベンダの一覧に挙げられた Deep Security のプロセス、サービス、カーネルドライバ、
ポートを監視し、何が失われたか、なぜ重要か、いつ復旧したかを SNMP、syslog、Slack、Webhook に
通知します。

  dswatch demo       1 分以内で動作を確認する
  dswatch check      このホストを 1 回だけ確認する
  dswatch init       このホスト用の設定を作成する
  dswatch run        監視を続ける

終了コード: 0 完了、1 失敗または異常あり、2 コマンドラインか設定の誤り、
3 不明 (check) または判定が最新でない (status)、4 実行中の dswatch が拒否、
5 実行中の dswatch が応答しない。`,
	},
	{
		"language of what is shown: ja or en; default as configured, else that of the session (LANG)",
		"表示する言語: ja または en (既定は設定、なければセッションの LANG)",
	},
	{
		"colours: auto, always or never",
		"色付け: auto、always、never のいずれか",
	},
	{
		"also what is not expected on this host",
		"このホストで監視対象外のものも表示する",
	},
	{
		"Report the availability of a month: per host, row and group, and what became of alerts",
		"1 か月の可用性を報告する (月次報告書): ホスト、監視項目、グループごとの稼働とアラートの集計",
	},
	{
		"Reports a month from the history of the running dswatch. Available is up or degraded, of the time that is known and not\nsilenced. Time in which dswatch did not run, could not tell, or could not see an item is unknown and counts as neither;\nsilenced and maintenance time is apart. A loss begins with the first look that saw it. The CSV has the raw intervals.",
		`実行中の dswatch の履歴から 1 か月分を集計します。可用性は、状態が分かり、通知を抑止していない時間のうち、
正常または一部停止の割合です。dswatch が動作していない、通知できることを確認できない、または監視項目を確認できない時間は
不明とし、稼働にも停止にも数えません。サイレンスとメンテナンスの時間は別に集計します。停止は最初に検出した時点からです。
CSV には集計前の区間を出力します。`,
	},
	{
		"the month, such as 2026-10; default the last whole one",
		"対象の月 (例: 2026-10)。省略時は直近の完了した月",
	},
	{
		"text, csv or json",
		"text、csv、json のいずれか",
	},
	{
		"List what happened: states, alerts, acknowledgements, silences, reloads, restarts",
		"過去の出来事を一覧表示する: 状態、アラート、確認、サイレンス、再読み込み、再起動",
	},
	{
		"Lists what the running dswatch has kept, oldest first, of the last 24 hours unless --since says otherwise. With\nMATCHERs, such as host=web01 or name=~\"ds_.*\", only what concerns such items. history.keep and history.max_bytes\nsay how much is kept.",
		`実行中の dswatch が保存している出来事を古い順に表示します。--since がなければ直近 24 時間が対象です。
host=web01 や name=~"ds_.*" のような MATCHER を指定すると、該当する監視項目の記録だけを表示します。
保存する期間と量は history.keep と history.max_bytes で設定します。`,
	},
	{
		"from then on: a time, or how long ago, such as 7d; default 24h",
		"この時点以降。日時、または 7d のような過去への長さ。省略時は 24h",
	},
	{
		"until then: a time, or how long ago",
		"この時点まで。日時、または過去への長さ",
	},
	{
		"only these kinds, such as alert; a wrong one is answered with the list",
		"指定した種類だけ (例: alert)。使えない値には一覧を示す",
	},
	{
		"Say that you look after an alert: it is not repeated any more",
		"アラートの担当者になる (以後は再通知しない)",
	},
	{
		"Notes who looks after an open alert. It is not repeated any more; that it gets worse, and that it is over,\nis still told. ALERT is its id or the beginning of it, as `dswatch alerts` and every message show it, or the\nitem that it is about, such as process/ds_am or web01/agent/process/ds_am.\nWith --withdraw nobody looks after it any more: every sink is told, and it is repeated and escalated\nagain as if it had never been acknowledged.",
		`未復旧のアラートの担当者を記録します。以後は再通知しませんが、悪化したときと復旧したときは通知します。
ALERT には、dswatch alerts や通知に表示される ID かその先頭、または process/ds_am や
web01/agent/process/ds_am のような項目を指定します。
--withdraw を付けると担当者がいない状態に戻ります。すべての通知先に知らせ、確認がなかったものとして
再通知とエスカレーションを再開します。`,
	},
	{
		"show it again and again, until Ctrl-C",
		"Ctrl-C で終了するまで繰り返し表示する",
	},
	{
		"who does this",
		"操作する人の名前",
	},
	{
		"what is being done; with --withdraw, why not any more",
		"対応の内容 (--withdraw では取り消す理由)",
	},
	{
		"configuration `FILE`; without it {config} if that exists, else the defaults",
		"設定ファイル `FILE` (省略時は {config}、なければ既定値)",
	},
	{
		"take the acknowledgement back",
		"確認を取り消す",
	},
	{
		"List the alerts that are open, and what is silenced",
		"未復旧のアラートと、通知を抑止しているものを一覧表示する",
	},
	{
		`Lists the alerts that are open, and the losses that a silence keeps from being told. With --unpaired it
lists the alerts that are over although a sink still holds them open; exit status 1 when there is one.`,
		`未復旧のアラートと、サイレンスで通知を抑止している障害を一覧表示します。--unpaired を付けると、
復旧したのに通知先で未復旧のままのアラートを表示し、あれば終了ステータス 1 を返します。`,
	},
	{
		"table or json",
		"table または json",
	},
	{
		"resolves that a sink did not get",
		"通知先に届かなかった復旧通知",
	},
	{
		"Show every row of the watch list, whether it is expected, and why",
		"監視一覧の全行について、監視対象かどうかと理由を表示する",
	},
	{
		`Shows every row of the watch list with expected yes, no or unknown, and why. With --facts the
answer is for the host that the file describes, on any platform; without it, for this host.`,
		`監視一覧の全行を、監視対象かどうか (対象、対象外、判定不能) と理由とともに表示します。--facts を付けると、
ファイルに書かれたホストについて (どの OS でも) 判定します。省略するとこのホストについて判定します。`,
	},
	{
		"facts `FILE` that describes the host",
		"ホストについて記述した facts ファイル `FILE`",
	},
	{
		"Look at this host once and show what runs and what does not",
		"このホストを 1 回確認し、動作しているものとしていないものを表示する",
	},
	{
		"Looks at this host once. Exit status: 0 ok, 1 warning, 2 critical, 3 unknown.",
		"このホストを 1 回確認します。終了ステータス: 0 正常、1 警告、2 重大、3 不明。",
	},
	{
		"facts `FILE` that is declared on top of the configuration",
		"設定に加えて使う facts ファイル `FILE`",
	},
	{
		"table, json or nagios",
		"table、json または nagios",
	},
	{
		"Generate the autocompletion script for the specified shell",
		"指定したシェルの補完スクリプトを出力する",
	},
	{
		`Generate the autocompletion script for dswatch for the specified shell.
See each sub-command's help for details on how to use the generated script.
`,
		`指定したシェルで dswatch を補完するスクリプトを出力します。
使い方は各サブコマンドのヘルプを参照してください。
`,
	},
	{
		"Generate the autocompletion script for bash",
		"bash の補完スクリプトを出力する",
	},
	{
		`Generate the autocompletion script for the bash shell.

This script depends on the 'bash-completion' package.
If it is not installed already, you can install it via your OS's package manager.

To load completions in your current shell session:

	source <(dswatch completion bash)

To load completions for every new session, execute once:

#### Linux:

	dswatch completion bash > /etc/bash_completion.d/dswatch

#### macOS:

	dswatch completion bash > $(brew --prefix)/etc/bash_completion.d/dswatch

You will need to start a new shell for this setup to take effect.
`,
		`bash の補完スクリプトを出力します。bash-completion パッケージが必要です。

現在のシェルで使う:

	source <(dswatch completion bash)

新しいシェルで常に使う (一度だけ実行し、シェルを開き直します):

	dswatch completion bash > /etc/bash_completion.d/dswatch
`,
	},
	{
		"disable completion descriptions",
		"補完候補の説明を省く",
	},
	{
		"Generate the autocompletion script for fish",
		"fish の補完スクリプトを出力する",
	},
	{
		`Generate the autocompletion script for the fish shell.

To load completions in your current shell session:

	dswatch completion fish | source

To load completions for every new session, execute once:

	dswatch completion fish > ~/.config/fish/completions/dswatch.fish

You will need to start a new shell for this setup to take effect.
`,
		`fish の補完スクリプトを出力します。

現在のシェルで使う:

	dswatch completion fish | source

新しいシェルで常に使う (一度だけ実行し、シェルを開き直します):

	dswatch completion fish > ~/.config/fish/completions/dswatch.fish
`,
	},
	{
		"Generate the autocompletion script for powershell",
		"PowerShell の補完スクリプトを出力する",
	},
	{
		`Generate the autocompletion script for powershell.

To load completions in your current shell session:

	dswatch completion powershell | Out-String | Invoke-Expression

To load completions for every new session, add the output of the above command
to your powershell profile.
`,
		`PowerShell の補完スクリプトを出力します。

現在のシェルで使う:

	dswatch completion powershell | Out-String | Invoke-Expression

新しいシェルで常に使う場合は、このコマンドの出力を PowerShell のプロファイルに追加してください。
`,
	},
	{
		"Generate the autocompletion script for zsh",
		"zsh の補完スクリプトを出力する",
	},
	{
		`Generate the autocompletion script for the zsh shell.

If shell completion is not already enabled in your environment you will need
to enable it.  You can execute the following once:

	echo "autoload -U compinit; compinit" >> ~/.zshrc

To load completions in your current shell session:

	source <(dswatch completion zsh)

To load completions for every new session, execute once:

#### Linux:

	dswatch completion zsh > "${fpath[1]}/_dswatch"

#### macOS:

	dswatch completion zsh > $(brew --prefix)/share/zsh/site-functions/_dswatch

You will need to start a new shell for this setup to take effect.
`,
		`zsh の補完スクリプトを出力します。補完が無効な環境では、一度だけ次を実行してください。

	echo "autoload -U compinit; compinit" >> ~/.zshrc

現在のシェルで使う:

	source <(dswatch completion zsh)

新しいシェルで常に使う (一度だけ実行し、シェルを開き直します):

	dswatch completion zsh > "${fpath[1]}/_dswatch"
`,
	},
	{
		"Check and show the configuration, and its reference",
		"設定の確認と表示、設定キーのリファレンス",
	},
	{
		"Check the configuration and name every fault with its line",
		"設定を確認し、誤りを行番号とともにすべて表示する",
	},
	{
		"Print the manual of every key, in Markdown",
		"すべてのキーのマニュアルを Markdown で出力する (英語)",
	},
	{
		"Print the JSON Schema of the configuration, for editors",
		"設定の JSON Schema を出力する (エディタ用)",
	},
	{
		"Show the effective configuration, defaults filled in, secrets hidden",
		"既定値を含む有効な設定を、シークレットを伏せて表示する",
	},
	{
		"See what could not be delivered, send it again or forget it",
		"配信不能のものを確認し、再送または削除する",
	},
	{
		"A delivery that a far end refuses for good, or that was tried for as long as `patience` of its sink says,\nbecomes a dead letter. It stays until it is replayed or dropped, or until bus.max_dead is full.",
		`通知先が恒久的に拒否したもの、または通知先の patience の時間だけ試行しても届かなかったものは、
配信不能として保存されます。再送または削除するか、bus.max_dead を超えるまで残ります。`,
	},
	{
		"Forget dead letters for good",
		"配信不能の記録を削除する",
	},
	{
		"all of them",
		"すべて",
	},
	{
		"only those given up so long ago, such as 24h or 7d",
		"この時間より前に配信不能になったものだけ (例: 24h、7d)",
	},
	{
		"only those of this sink",
		"この通知先のものだけ",
	},
	{
		"List the dead letters, the oldest first",
		"配信不能の記録を古い順に一覧表示する",
	},
	{
		"Send dead letters again, marked as replay",
		"配信不能のものを再送の印を付けて送り直す",
	},
	{
		`Puts dead letters back into the outbox of their sink, marked as replay and with the same idempotency key.
All letters of one alert go together and in order. What is over without its all-clear among the letters is
kept: nothing would end it at the far end. Exit status 1 when one was kept.`,
		`配信不能のものを、再送の印を付け、同じ冪等キーで通知先の送信待ちに戻します。1 つのアラートの記録は
すべて順番どおりに送ります。復旧済みで、復旧通知が記録にないものは送りません (通知先で未復旧のまま
残るためです)。送らなかったものがあれば終了ステータス 1 を返します。`,
	},
	{
		"Show one dead letter with the whole alert",
		"配信不能の記録を 1 件、アラート全体とともに表示する",
	},
	{
		"text or json",
		"text または json",
	},
	{
		"Ask this host's agent, as root, for a dswatch that is not root",
		"root でない dswatch に代わり、このホストの Agent に root として問い合わせる",
	},
	{
		`The agent's dsa_query answers root only. This process puts its two questions for a dswatch that runs as the
user dswatch, and tells it nothing but edition, features and what the agent says of itself. systemd starts
it when somebody asks (dswatch-helper.socket), and it ends after a minute.`,
		`Agent の dsa_query は root にしか応答しません。このプロセスは、ユーザ dswatch で動作する dswatch に代わって
2 つの問い合わせだけを行い、製品の種類、機能、Agent 自身の申告だけを返します。問い合わせがあると systemd が
起動し (dswatch-helper.socket)、1 分後に終了します。`,
	},
	{
		"listen at this path instead of at systemd's socket, until it is ended",
		"systemd のソケットの代わりにこのパスで待ち受け、終了されるまで動作する",
	},
	{
		"See it work: a pretend agent of real processes breaks and recovers, in under a minute",
		"動作を確認する: 擬似の Agent が停止と復旧を 1 分以内で演じる",
	},
	{
		`Starts harmless processes under the names of a Deep Security agent and a TLS listener on 4118,
watches them with the ordinary detectors, breaks one thing after another, and shows the traps
and syslog lines that arrive at its own receivers. Leaves nothing behind.`,
		`Deep Security Agent と同じ名前の無害なプロセスと 4118 の TLS 待ち受けを起動し、通常の検出器で
監視しながら順に停止させ、専用の受信側に届いたトラップと syslog を表示します。後には何も残しません。`,
	},
	{
		"Help about any command",
		"コマンドのヘルプを表示する",
	},
	{
		`Help provides help for any command in the application.
Simply type dswatch help [path to command] for full details.`,
		`コマンドのヘルプを表示します。
dswatch help [コマンド] で詳細を確認できます。`,
	},
	{
		"End what is known of a host that is no more, or has another name",
		"廃止したホストや名前が変わったホストの記録を終了する",
	},
	{
		"Forget that a component was installed",
		"コンポーネントが導入されていたという記録を削除する",
	},
	{
		`Forgets that the agent or the manager was installed on a host: its disappearance is an alert no more, and its
rows are not expected. A removal by dpkg, rpm or Windows Installer needs no such word. What is still there is
found again.`,
		`ホストに Agent または Manager が導入されていたという記録を削除します。なくなってもアラートにならず、
その行は監視対象外になります。dpkg、rpm、Windows Installer で削除した場合は不要です。まだ導入されて
いるものは再び検出します。`,
	},
	{
		"End what is known of a host that is no more",
		"廃止したホストの記録を終了する",
	},
	{
		`Clears the open alerts of the host and lists it no longer. A host that still reports is there again at once:
stop its dswatch, or take it out of the manager, first.`,
		`ホストの未復旧のアラートを終了させ、一覧から外します。報告が続くホストはすぐに再び現れるため、
先にそのホストの dswatch を停止するか、Manager から削除してください。`,
	},
	{
		"End what is known of a host by the name that it had",
		"ホストの古い名前での記録を終了する",
	},
	{
		`Once the host reports under its new name: clears what is open under the old one and lists that no longer. Who
looks after an alert under the old name looks after that of the same item under the new one.`,
		`ホストが新しい名前で報告した後に実行します。古い名前での未復旧のアラートを終了させ、一覧から外します。
古い名前のアラートの担当者は、新しい名前の同じ項目のアラートの担当者になります。`,
	},
	{
		"Write a commented configuration from what is found on this host",
		"このホストで検出した内容から、コメント付きの設定を作成する",
	},
	{
		"refuse what is only warned of, such as a secret that is too short to be hidden",
		"短すぎて隠せないシークレットなど、警告の対象となる設定も誤りとして扱う",
	},
	{
		"`FILE` to write, which must not exist; without it standard output",
		"書き込むファイル `FILE` (既存のファイルは不可、省略時は標準出力)",
	},
	{
		"Print DSWATCH-MIB, for the NMS",
		"NMS 用の DSWATCH-MIB を出力する",
	},
	{
		"root `OID` below which the MIB is registered, as in the sink's key enterprise",
		"MIB を登録する最上位の `OID` (通知先のキー enterprise と同じ)",
	},
	{
		"Let the running process read its configuration again",
		"実行中のプロセスに設定を再読み込みさせる",
	},
	{
		`Lets the running process read its whole configuration again, with secrets and certificates in files, and
shows what has changed. Only what has changed is restarted. Where something is wrong, or cannot change while
it runs (host, bus), nothing changes at all, and the exit status is 1 or 2.`,
		`実行中のプロセスに、ファイルのシークレットや証明書も含めて設定全体を再読み込みさせ、変更点を表示します。
変更された部分だけを起動し直します。誤りや実行中に変更できないもの (host、bus) があれば何も変更せず、
終了ステータス 1 または 2 を返します。`,
	},
	{
		"Test your own rules with stories",
		"独自のルールをシナリオでテストする",
	},
	{
		"Tell stories to the rules and compare what the sinks would be told",
		"シナリオをルールに適用し、通知先への通知を期待と比較する",
	},
	{
		StoryHelp,
		`シナリオを実際のルールに、仮想の時間で、何も送信せずに適用し、各通知先への通知をファイルの期待と
比較します。異なるものがあれば差分を表示して終了ステータス 1、ファイルを解釈できなければ 2 を返します。
詳細は docs/stories.md にあります。概要は次のとおりです。

  シナリオの内容を示す文章
  -- config --                         dswatch.yaml と同じ。通知先は名前だけでよい。省略時は -c の設定
  rules: {hold: 20s}
  sinks: [{name: nms}]
  -- facts web{01..03} --              facts ファイルと同じ
  os: linux
  components: [agent]
  -- story --
  0s    web{01..03} all up             ホスト 項目 状態。all: そのホストの監視対象すべて
  10s   web01 process/ds_agent 1/2     または 検出数/期待数、degraded、down、unknown
  1m    web01 facts relay=on           新しく分かった事実
  2m    silence s1 host=web01 for 1h   until-cleared; expire s1
  3m    ack web01 process/ds_agent by kim
  +30s  restart                        kill; kill at save|put|ack; stop, start; config NAME
  4m    sink nms refuses               accepts; clock forward|back 1h
  1h    end
  -- wanted en --                      ja も併記できる。--write で自動的に書き込む
  30s  nms  raised  warning  web01: process ds_agent is degraded (1 of 2)`,
	},
	{
		"tell each story again and again with restarts, kill -9 and power losses in the middle",
		"各シナリオを、途中の再起動、kill -9、電源断を加えて繰り返す",
	},
	{
		"write what is told into the files as what is wanted",
		"通知の結果を、期待する内容としてファイルに書き込む",
	},
	{
		"Keep watching: detectors, bus, rules, sinks and local API in one process",
		"監視を続ける: 検出器、バス、ルール、通知先、ローカル API を 1 つのプロセスで実行する",
	},
	{
		"Keeps watching until SIGTERM or Ctrl-C, then stops in order: what was seen is decided and\nwhat was decided is kept. A second signal stops at once; nothing that was stored is lost.\nSIGHUP, as `dswatch reload`, reads the configuration again.",
		`SIGTERM または Ctrl-C まで監視を続け、検出したものを判定し、判定したものを保存してから停止します。
2 回目のシグナルですぐに停止しますが、保存済みのものは失われません。
SIGHUP を受けると dswatch reload と同じく設定を再読み込みします。`,
	},
	{
		"Install and control dswatch as a systemd unit or a Windows service",
		"dswatch を systemd のユニットまたは Windows サービスとして登録、操作する",
	},
	{
		"Install the service, to start with the host; needs root or an administrator",
		"サービスを登録し、ホストの起動時に開始する (root または管理者が必要)",
	},
	{
		"Start the installed service",
		"登録済みのサービスを開始する",
	},
	{
		"Stop the service; it stops in order, as run does",
		"サービスを停止する (run と同じ手順で停止)",
	},
	{
		"Stop the service and remove it; configuration and data stay",
		"サービスを停止して登録を削除する (設定とデータは残る)",
	},
	{
		"Keep alerts from being told and repeated for a while",
		"一定時間、通知と再通知を抑止する",
	},
	{
		`Keeps alerts from being told and repeated for a while. Watching goes on, and the end of an alert that
was told is told. What is still lost when the silence ends is told then.`,
		`一定時間、通知と再通知を抑止します。監視は続け、通知済みのアラートの復旧は通知します。
サイレンスの終了時に続いている障害は、そのとき通知します。`,
	},
	{
		"Add a silence and print its id",
		"サイレンスを追加し、ID を表示する",
	},
	{
		`A matcher is FIELD OPERATOR VALUE, and all of them must accept an alert: host=web01, kind!=port,
name=~"ds_.*". Fields: host, component, kind, name, severity, rule, class. Operators: =, !=, and =~, !~ for
an RE2 expression of the whole value. Hosts and names match in either case. Times are written as 06:30 (the next
one by the clock of this shell), 2006-01-02 15:04 or 2006-01-02T15:04:05+09:00.`,
		`条件は「項目名 演算子 値」の形で、すべてに一致したアラートが対象です: host=web01、kind!=port、
name=~"ds_.*"。項目名: host、component、kind、name、severity、rule、class。演算子: =、!= と、値全体に一致する
RE2 の正規表現の =~、!~。host と name の値は大文字と小文字を区別しません。時刻は 06:30 (このシェルの時計で
次の 6 時 30 分)、2006-01-02 15:04、2006-01-02T15:04:05+09:00 の形で指定します。`,
	},
	{
		"why, for those on the next shift; required",
		"作成の理由 (引き継ぐ人のため、必須)",
	},
	{
		"comes again and again, as a maintenance window: a `CRON` expression, such as '0 2 * * SUN' or '0 2 * * SAT#2'; --for is how long each lasts, --until when it comes no more",
		"保守時間帯のように繰り返す。'0 2 * * SUN' や '0 2 * * SAT#2' のような `CRON` 式。--for は毎回の長さ、--until は繰り返しを終える時刻",
	},
	{
		"how long, such as 2h or 1d12h; forever: until somebody expires it",
		"長さ (例: 2h、1d12h)。forever は終了させるまで続ける",
	},
	{
		"`TIME` at which it begins; default now",
		"開始する `TIME` (既定は現在)",
	},
	{
		"`ZONE` of --every, such as Asia/Tokyo; default time_zone as configured",
		"--every のタイムゾーン `ZONE` (例: Asia/Tokyo、既定は設定の time_zone)",
	},
	{
		"`TIME` at which it ends, such as 06:30",
		"終了する `TIME` (例: 06:30)",
	},
	{
		"ends by itself when everything it matches is well again; if nothing is lost yet, after the next alert",
		"対象がすべて復旧すると終了する (まだ異常がなければ、次のアラートの復旧後)",
	},
	{
		"how long --until-cleared waits for that alert; default 24h",
		"--until-cleared が最初のアラートを待つ時間 (既定は 24h)",
	},
	{
		"Change the end, the times, the matchers or the comment of a silence",
		"サイレンスの終了、時間、条件、コメントを変更する",
	},
	{
		`Changes a silence that has not ended; what is not given stays, and what it was is in its history. Matchers
replace all that it had; --for counts from now, or is how long one that comes again lasts each time.
A matcher is FIELD OPERATOR VALUE, and all of them must accept an alert: host=web01, kind!=port,
name=~"ds_.*". Fields: host, component, kind, name, severity, rule, class. Operators: =, !=, and =~, !~ for
an RE2 expression of the whole value. Hosts and names match in either case. Times are written as 06:30 (the next
one by the clock of this shell), 2006-01-02 15:04 or 2006-01-02T15:04:05+09:00.`,
		`終了していないサイレンスを変更します。指定しなかったものは変わらず、変更前の内容は履歴に残ります。
条件を指定すると全体を置き換えます。--for は今からの長さ、繰り返すサイレンスでは毎回の長さです。
条件は「項目名 演算子 値」の形で、すべてに一致したアラートが対象です: host=web01、kind!=port、
name=~"ds_.*"。項目名: host、component、kind、name、severity、rule、class。演算子: =、!= と、値全体に一致する
RE2 の正規表現の =~、!~。host と name の値は大文字と小文字を区別しません。時刻は 06:30 (このシェルの時計で
次の 6 時 30 分)、2006-01-02 15:04、2006-01-02T15:04:05+09:00 の形で指定します。`,
	},
	{
		"why, instead of what it says",
		"新しい理由",
	},
	{
		"of one that comes again and again: a `CRON` expression, instead of what it has",
		"繰り返すサイレンスの新しい `CRON` 式",
	},
	{
		"`ZONE` of that, such as Asia/Tokyo",
		"その `ZONE` (例: Asia/Tokyo)",
	},
	{
		"End silences now",
		"サイレンスを今すぐ終了させる",
	},
	{
		"Ends silences now. What is still lost is told then. ID is the id or the beginning of it.",
		"サイレンスを今すぐ終了させます。続いている障害はそのとき通知します。ID には、サイレンスの ID かその先頭を指定します。",
	},
	{
		"List the silences that are in force or will be, and the maintenance windows",
		"有効なサイレンス、開始前のサイレンス、保守時間帯を一覧表示する",
	},
	{
		`Lists the silences that are in force or will be, and the maintenance windows of the configuration as they
are open now or open next.`,
		"有効なサイレンスと開始前のサイレンス、設定の保守時間帯を、現在または次回の時間とともに一覧表示します。",
	},
	{
		"also those that ended in the last 30 days, and what was done to each",
		"過去 30 日間に終了したものと、それぞれの操作の履歴も表示する",
	},
	{
		"Test the sinks, or tell one of them again what is open",
		"通知先をテストする、または未復旧のアラートを再送する",
	},
	{
		"Hand the open alerts of a sink that has another name now over to it",
		"名前が変わった通知先に未復旧のアラートを引き継ぐ",
	},
	{
		`After a sink was given another name in the configuration and dswatch was started anew: what was told under the
old name is told its changes and its end under the new one. dswatch alerts --unpaired lists what is left over.`,
		`設定で通知先の名前を変え、dswatch を起動し直した後に実行します。古い名前で通知したものの変化と復旧を、
新しい名前で通知します。残ったものは dswatch alerts --unpaired で確認できます。`,
	},
	{
		"Tell a sink again of every open alert, marked as replay",
		"未復旧のアラートすべてを、再送の印を付けて通知先に送り直す",
	},
	{
		`Puts every open alert that this sink was told of into its outbox again, marked as replay and with the same
idempotency key: for a far end that has lost its memory. Other sinks hear nothing of it.`,
		`この通知先に通知した未復旧のアラートすべてを、再送の印を付け、同じ冪等キーで送信待ちに戻します。
記録を失った通知先のためのものです。他の通知先には送りません。`,
	},
	{
		"Send a marked [TEST] firing and its resolve through the real path",
		"[TEST] の印を付けた発生と復旧の通知を、実際の経路で送る",
	},
	{
		`Sends a marked [TEST] firing and its resolve through the outbox of each named sink, all of them
without names. Through the running process where there is one, else by itself.
Exit status 1 when a sink did not confirm both.`,
		`[TEST] の印を付けた発生と復旧の通知を、指定した通知先 (省略時はすべて) に実際の経路で送ります。
実行中のプロセスがあればそのプロセスから、なければこのコマンド自身が送ります。
両方の受領を確認できない通知先があれば終了ステータス 1 を返します。`,
	},
	{
		"Show what the running process sees, and what waits for its sinks",
		"実行中のプロセスが把握している状態と、送信待ちを表示する",
	},
	{
		"Check, repair, move or upgrade the message store of a stopped dswatch",
		"停止中の dswatch のメッセージストアを確認、修復、移動、更新する",
	},
	{
		"Write what a stopped message store holds to a file",
		"停止中のメッセージストアの内容をファイルに書き出す",
	},
	{
		`Writes open alerts, what every sink was told, silences, acknowledgements, the attempts of deliveries, what is known of
hosts and what sinks keep for their far ends to a new file of JSON lines, for ` + "`dswatch store import`" + ` on another machine.
It holds no secret, but names of hosts and people. Dead letters stay; what waits for sinks is made again.`,
		`未復旧のアラート、各通知先への配信の記録、サイレンス、確認済みの情報、送信の記録、ホストについて把握している内容、
通知先ごとに保存している情報を、新しいファイル (JSON の行) に書き出します。別のマシンの dswatch store import で
取り込めます。秘密情報は含みませんが、ホストや担当者の名前を含みます。配信不能の通知は含みません。送信待ちの通知は
取り込み先で作り直します。`,
	},
	{
		"Fill an empty message store from a file of `dswatch store export`",
		"空のメッセージストアに dswatch store export のファイルを取り込む",
	},
	{
		`Takes all of the file or nothing; a file that was changed or cut is refused with the line. The store must be empty and
dswatch stopped. At the next start it goes on with what is open, under the same ids, at the sinks of the same names.`,
		`ファイル全体を取り込むか、何も取り込まないかのどちらかです。変更された、または途中で切れたファイルは、行を示して拒否します。
ストアは空で、dswatch は停止している必要があります。次の起動から、未復旧のアラートを同じ ID で、同じ名前の通知先に対して
継続します。`,
	},
	{
		"Bring a stopped message store to the format of this version",
		"停止中のメッセージストアをこのバージョンの形式に更新する",
	},
	{
		`A version writes what the one before it can read, so that it can be put back, until this command was run once.
It can be run again after an interruption. A store that a newer version wrote is refused at the start.`,
		`このコマンドを実行するまで、新しいバージョンは 1 つ前のバージョンでも読める形式で書き込むため、元に戻せます。
中断した場合はもう一度実行してください。新しいバージョンが書き込んだストアでは起動を拒否します。`,
	},
	{
		"Say what can be read of a stopped message store, and what is lost",
		"停止中のメッセージストアのうち読み取れるものと失われたものを表示する",
	},
	{
		`Repairs a copy of the message store below bus.dir, shows how many messages each stream and bucket has before and
after, and removes the copy. The store stays as it is; bus.dir needs room for it a second time.
Exit status 1 when something is lost.`,
		`bus.dir の下に作ったコピーを修復し、各ストリームとバケットのメッセージ数を修復の前後で表示して、
コピーを削除します。元のストアは変更しません。bus.dir に同じ容量の空きが必要です。
失われたものがあれば終了ステータス 1 を返します。`,
	},
	{
		"Put a repaired copy in the place of a stopped message store",
		"停止中のメッセージストアを修復済みのコピーに置き換える",
	},
	{
		"Does what `dswatch store check` does, and puts the repaired copy in the store's place. What was there is kept\nbeside it, until you remove it. dswatch repairs by itself what a start finds; this says what that costs.",
		`dswatch store check と同じ処理の後、ストアを修復済みのコピーに置き換えます。元のものは、削除するまで
隣に残します。起動時に見つかった異常は dswatch が自動で修復します。これはその結果を事前に示すものです。`,
	},
	{
		"Print the version",
		"バージョンを表示する",
	},
	{
		"Explain an alert, or the silence of an item",
		"アラート、または項目が通知されない理由を説明する",
	},
	{
		`Explains what was told of an item, and what was not: what was seen, which footnotes and facts make it
expected, what each rule decided and why, and how far each sink has been told. ALERT is the id of an
alert or the beginning of it, an item as host/component/kind/name, or its ending such as process/ds_agent.`,
		`項目について、通知したものとしなかったものを説明します。観測した内容、監視対象とする注記と事実、各ルールの
判断と理由、各通知先への通知の状況です。ALERT には、アラートの ID かその先頭、host/component/kind/name の
形の項目、または process/ds_agent のようなその末尾を指定します。`,
	},
	{
		"Print every sentence that dswatch says, with its code, in English and Japanese",
		"dswatch のすべての文を、コードとともに英語と日本語で表示する",
	},
	{
		`Prints every sentence that detectors and rules say of an item: its code and the kinds of its arguments, as
JSON has them in detail_statements and reason_statements, then the sentence in English and in Japanese.`,
		`dswatch のすべての文を表示します。JSON の detail_statements や reason_statements と同じコードと引数の
種別、続けて英語の文と日本語の文です。`,
	},
}

// Help says what a command or a flag says of itself in English; false: it is
// not here. config is where the configuration is by default.
func (v Voice) Help(en, config string) (text string, ok bool) {
	for _, h := range help {
		if strings.ReplaceAll(h.EN, "{config}", config) == en {
			return strings.ReplaceAll(v.Pick(h), "{config}", config), true
		}
	}
	return en, false
}

// Helps counts what Help knows.
func Helps() int { return len(help) }

// headings are those of a help text; what follows them stays.
var headings = strings.NewReplacer(
	"Usage:", "使い方:", "Aliases:", "別名:", "Examples:", "例:", "Available Commands:", "コマンド:", "Additional Commands:", "その他のコマンド:",
	"Global Flags:", "共通のフラグ:", "Flags:", "フラグ:", "Additional help topics:", "その他のヘルプ:",
	`Use "{{.CommandPath}} [command] --help" for more information about a command.`, `各コマンドの詳細は {{.CommandPath}} [command] --help で確認できます。`)

// HelpTemplate is the template of a help text with its headings in the voice's
// language.
func (v Voice) HelpTemplate(en string) string {
	if v.JA() {
		return headings.Replace(en)
	}
	return en
}

// Joins reports whether nothing stands between two lines of one paragraph.
func Joins(before, line string) bool {
	last, _ := utf8.DecodeLastRuneInString(before)
	return strings.ContainsRune("。、（「", last) || japanese(last) && beginsJapanese(line)
}

// StoryHelp is the help of `dswatch rules test`.
const StoryHelp = `Tells stories to the real rules, on virtual time and without sending anything, and compares what
each sink would be told with what the file wants. Exit status 1 when something differs (the
differences are shown), 2 when a file cannot be understood. docs/stories.md has it all; in short:

  What the story shows, in words
  -- config --                         as dswatch.yaml; sinks need a name only. Without it: the one of -c
  rules: {hold: 20s}
  sinks: [{name: nms}]
  -- facts web{01..03} --              as a facts file
  os: linux
  components: [agent]
  -- story --
  0s    web{01..03} all up             HOST ITEM STATE; all: whatever is expected there
  10s   web01 process/ds_agent 1/2     or found/wanted, or degraded, down, unknown
  1m    web01 facts relay=on           what becomes known
  2m    silence s1 host=web01 for 1h   until-cleared; expire s1
  3m    ack web01 process/ds_agent by kim
  +30s  restart                        kill; kill at save|put|ack; stop, start; config NAME
  4m    sink nms refuses               accepts; clock forward|back 1h
  1h    end
  -- wanted en --                      ja beside it, if you like; --write fills it in
  30s  nms  raised  warning  web01: process ds_agent is degraded (1 of 2)`
