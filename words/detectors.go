package words

import "time"

// What any detector says, and what is said for one that did not answer.
var (
	// Quoted is a library's own text, or anything else that is cited.
	Quoted = say1[error]("quoted", "{error}", "{error}")
	// AtKey is what is wrong at a key of the configuration.
	AtKey = say2[string, error]("at_key", "{key}: {error}", "{key}: {error}")
	// Seen is a word or a line of the watched system itself.
	Seen     = say1[string]("look.seen", "{text}", "{text}")
	NoAnswer = say1[time.Duration]("look.no_answer",
		"no answer within {wait}; if the host is only slow, raise the timeout of this detector",
		"{wait}以内に応答がありません。ホストの応答が遅いだけの場合は、この検出器の timeout を延ばしてください")
	StillLooking = say2[string, time.Duration]("look.not_ended",
		"the look of {job} has still not ended after more than {wait}",
		"{job} の確認が{wait}を過ぎても終わりません")
	PassBefore = say0("look.pass_before",
		"the pass before has not ended; try again",
		"前回の確認が終わっていません。しばらくしてからやり直してください")
	Unanswered = say0("look.unanswered",
		"the detector did not answer for this item",
		"この監視項目の確認結果がありません")
	AnsweredTwice = say0("look.answered_twice",
		"the detector answered twice and differently",
		"確認結果が 2 つあり、内容が異なります")
	AnswerInvalid = say1[error]("look.invalid",
		"the detector's answer is not valid: {error}",
		"確認結果が正しくありません: {error}")
	Panicked = say1[string]("look.panicked",
		"the detector panicked: {what}; the log has the stack, please report it",
		"検出器で内部エラーが発生しました: {what}。ログのスタックトレースを添えて報告してください")
	HostRemoved = say0("host.removed",
		"the host was removed on request",
		"このホストは監視の対象から外されました")
	HostRenamed = say1[string]("host.renamed",
		"the host is called {name} now",
		"このホストの名前は {name} に変わりました")
	NoLongerReported = say1[string]("look.gone",
		"no longer reported by {job}",
		"{job} から報告されなくなりました")
)

// What is said of processes.
var (
	ProcessSince = say3[int, int, time.Time]("process.since",
		"pid {pid} (ppid {ppid}, since {time})",
		"pid {pid} (ppid {ppid}、{time} に開始)")
	Process = say2[int, int]("process.pid",
		"pid {pid} (ppid {ppid})",
		"pid {pid} (ppid {ppid})")
	MoreProcesses = say1[int]("process.more",
		"and {n} more",
		"ほか {n} 個")
	NoProcessNamed = say1[[]string]("process.none_named",
		"no process is named {names:or}",
		"{names:or} という名前のプロセスがありません")
	NoProcessRuns = say1[[]string]("process.none_runs",
		"no process runs {files:or}",
		"{files:or} を実行しているプロセスがありません")
	OtherExecutable = say1[int]("process.other_executable",
		"{n} of the name {n|runs|run} another executable",
		"同名のプロセスが {n} 個ありますが、実行ファイルが異なります")
	LongerName = say1[int]("process.longer_name",
		"{n} {n|has|have} a longer name that begins like it",
		"先頭が同じで名前がより長いプロセスが {n} 個あります")
	Zombie = say1[int]("process.zombie",
		"pid {pid} is a zombie: it has ended and its parent has not taken note",
		"pid {pid} はゾンビプロセスです (終了していますが、親プロセスが回収していません)")
	Dead = say1[int]("process.dead",
		"pid {pid} is dead",
		"pid {pid} は終了しています")
	Halted = say1[int]("process.halted",
		"pid {pid} is stopped, by a signal or with its cgroup; continue it with kill -CONT",
		"pid {pid} はシグナルまたは cgroup により一時停止しています。kill -CONT で再開してください")
	// A stranger is a process of the name, or with the port, that is not what
	// should run.
	Stranger = say3[int, string, string]("process.stranger",
		"not counted: pid {pid} of user {user}, {program}",
		"pid {pid} (ユーザ {user}、{program}) は別のプログラムのため数えません")
	StrangerScript = say4[int, string, string, string]("process.stranger_script",
		"not counted: pid {pid} of user {user}, {program} with the script {script}",
		"pid {pid} (ユーザ {user}、{program} が実行するスクリプト {script}) は数えません")
	StrangerJar = say4[int, string, string, string]("process.stranger_jar",
		"not counted: pid {pid} of user {user}, {program} -jar {jar}",
		"pid {pid} (ユーザ {user}、{program} -jar {jar}) は別のプログラムのため数えません")
	StrangerArg = say4[int, string, string, string]("process.stranger_argument",
		"not counted: pid {pid} of user {user}, {program}, without the argument {argument}",
		"pid {pid} (ユーザ {user}、{program}) には引数 {argument} がないため数えません")
	StrangerUser = say1[string]("process.stranger_user",
		"not counted: a process of user {user}",
		"ユーザ {user} のプロセスは数えません")
	UnprovenFolder = say1[string]("process.unproven_folder",
		"that its program is in {folder} is not proven:",
		"プログラムが {folder} にあることを確認できていません:")
	UnprovenOwner = say0("process.unproven_owner",
		"whose process it is is not proven:",
		"プロセスの所有者を確認できていません:")
	InContainer = say1[int]("process.in_container",
		"pid {pid} is in a container and not counted",
		"pid {pid} はコンテナ内のプロセスのため数えません")
	NamesUnreadable = say1[int]("process.names_unreadable",
		"the {n|name|names} of {n} {n|process|processes} cannot be read:",
		"プロセス {n} 個の名前を読み取れません:")
	ExecutableUnreadable = say2[[]string, error]("process.executable_unreadable",
		"the executable of pid {pids} cannot be read ({error}):",
		"pid {pids} の実行ファイルを読み取れません ({error}):")
	ProcessUnreadable = say2[int, error]("process.unreadable",
		"nothing is known of pid {pid} ({error})",
		"pid {pid} の情報を読み取れません ({error})")
	// Grant and Limited follow what could not be read.
	Grant = say0("process.grant",
		"run dswatch as root or grant it CAP_SYS_PTRACE",
		"dswatch を root で実行するか、CAP_SYS_PTRACE を付与してください")
	GrantWindows = say0("process.grant_windows",
		"run dswatch as LocalSystem or as an administrator",
		"dswatch を LocalSystem または管理者として実行してください")
	Limited = say0("process.limited",
		"this is refused although dswatch has CAP_SYS_PTRACE, so look for a security module or the limits of a container",
		"CAP_SYS_PTRACE があっても拒否されています。セキュリティモジュールまたはコンテナの制限を確認してください")
	NotEvenFirst = say1[string]("process.not_even_first",
		"{proc} does not show the processes of other users, not even process 1: mount it without hidepid",
		"{proc} に他のユーザのプロセスが表示されません (pid 1 も含む)。hidepid なしでマウントしてください")
	ProcNotOpened = say2[string, error]("process.proc_not_opened", "open {proc}: {error}; mount it", "{proc} を開けません ({error})。マウントしてください")
	ProcNotRead   = say2[string, error]("process.proc_not_read", "read {proc}: {error}", "{proc} を読み取れません ({error})")
	ProcEmpty     = say1[string]("process.proc_empty",
		"read {proc}: there is no process in it, not even this one; mount the proc file system there",
		"{proc} にプロセスが 1 つもありません (dswatch 自身も含む)。proc ファイルシステムをマウントしてください")
	ProcessesNotListed = say1[error]("process.not_listed", "list the processes: {error}; try again", "プロセスの一覧を取得できません ({error})。しばらくしてからやり直してください")
	Hidepid            = say1[string]("process.hidepid",
		"{proc} is mounted with hidepid and may not show the processes of other users: mount it without hidepid",
		"{proc} は hidepid 付きでマウントされており、他のユーザのプロセスが表示されないことがあります。hidepid なしでマウントしてください")
)

// What is said of services and drivers.
var (
	UnitIs = say3[string, string, string]("service.is",
		"{name} is {active} ({sub})",
		"{name} は {active} ({sub}) です")
	UnitResult = say4[string, string, string, string]("service.is_result",
		"{name} is {active} ({sub}), result {result}",
		"{name} は {active} ({sub}) です (結果: {result})")
	UnitFile = say4[string, string, string, string]("service.is_file",
		"{name} is {active} ({sub}), its unit file is {load}",
		"{name} は {active} ({sub}) です (ユニットファイル: {load})")
	UnitNotFound = say1[string]("service.not_found",
		"{name} is not installed: systemd finds no such unit",
		"{name} はインストールされていません (systemd に該当するユニットがありません)")
	UnitNotKnown = say1[string]("service.not_known",
		"{name} is not known to systemd",
		"{name} は systemd に登録されていません")
	UnitNotTold = say2[string, error]("service.not_told",
		"{name} was not told: {error}",
		"{name} の状態を取得できません: {error}")
	StateNotKnown = say2[string, string]("service.state_not_known",
		"{name} is in the state {state}, which this version does not know",
		"{name} はこのバージョンの dswatch が認識できない状態 {state} です")
	AskSystemd = say1[error]("service.ask",
		"ask systemd: {error}; check that dbus and systemd answer, for example with systemctl status",
		"systemd に問い合わせできません: {error}。dbus と systemd が応答するか、systemctl status などで確認してください")
	AskSystemdDenied = say1[error]("service.ask_denied",
		"ask systemd: {error}; run dswatch as root or let its user read org.freedesktop.systemd1 in the D-Bus policy",
		"systemd への問い合わせが拒否されました: {error}。dswatch を root で実行するか、D-Bus のポリシーで org.freedesktop.systemd1 の参照を許可してください")
	AskSystemdRefused = say1[error]("service.ask_refused",
		"ask systemd: {error}; check with systemctl that systemd runs this host, or leave service rows out",
		"systemd に問い合わせできません: {error}。このホストで systemd が動作しているか systemctl で確認するか、サービスの行を監視対象から外してください")
	NoDBus = say1[error]("service.no_dbus",
		"connect to D-Bus: {error}; check that dbus runs and that its socket is within dswatch's reach, or leave service rows out on a host without systemd",
		"D-Bus に接続できません: {error}。dbus が動作しているか、dswatch からソケットを参照できるかを確認してください。systemd のないホストではサービスの行を監視対象から外してください")

	DriverNotLoaded = say1[[]string]("driver.not_loaded",
		"no driver named {names:or} is loaded",
		"ドライバ {names:or} がロードされていません")
	DriverNoModules = say1[[]string]("driver.no_modules",
		"no driver named {names:or} is loaded: this kernel was built without modules",
		"ドライバ {names:or} がロードされていません (このカーネルはモジュールに対応していません)")
	DriverLoaded = say1[string]("driver.loaded",
		"{name} is loaded",
		"{name} はロードされています")
	DriverIs = say2[string, string]("driver.is",
		"{name} is {state}, not Live",
		"{name} は {state} です (Live ではありません)")
)

// What Windows says of a service or a driver.
var (
	NotInstalled = say1[string]("scm.not_installed",
		"{name} is not installed",
		"{name} はインストールされていません")
	MayNotAsk = say2[string, error]("scm.may_not_ask",
		"{name} may not be asked about ({error}); run dswatch as LocalSystem or as an administrator",
		"{name} を照会する権限がありません ({error})。dswatch を LocalSystem または管理者として実行してください")
	NotTold = say2[string, error]("scm.not_told",
		"{name} was not told ({error}); try sc.exe query by hand",
		"{name} の状態を取得できません ({error})。sc.exe query を手動で実行して確認してください")
	IsAService = say1[string]("scm.is_a_service",
		"{name} is the name of a service and not of a driver",
		"{name} はドライバではなくサービスの名前です")
	IsADriver = say1[string]("scm.is_a_driver",
		"{name} is the name of a driver and not of a service",
		"{name} はサービスではなくドライバの名前です")
	Running = say1[string]("scm.running",
		"{name} is running",
		"{name} は実行中です")
	RunningPID = say2[string, int]("scm.running_pid",
		"{name} is running (pid {pid})",
		"{name} は実行中です (pid {pid})")
	Stopped = say1[string]("scm.stopped",
		"{name} is stopped",
		"{name} は停止しています")
	Starting = say1[string]("scm.starting",
		"{name} is starting (START_PENDING)",
		"{name} は開始処理中です (START_PENDING)")
	Stopping = say1[string]("scm.stopping",
		"{name} is stopping (STOP_PENDING)",
		"{name} は停止処理中です (STOP_PENDING)")
	Resuming = say1[string]("scm.resuming",
		"{name} is resuming (CONTINUE_PENDING)",
		"{name} は再開処理中です (CONTINUE_PENDING)")
	Pausing = say1[string]("scm.pausing",
		"{name} is pausing (PAUSE_PENDING)",
		"{name} は一時停止処理中です (PAUSE_PENDING)")
	Paused = say1[string]("scm.paused",
		"{name} is paused (PAUSED)",
		"{name} は一時停止中です (PAUSED)")
	Disabled = say0("scm.disabled",
		"it is disabled",
		"無効に設定されています")
	DisabledRunning = say0("scm.disabled_running",
		"it is disabled and cannot be started again",
		"無効に設定されているため、停止すると再び開始できません")
	ExitCode = say1[int]("scm.exit",
		"exit code {n}",
		"終了コード {n}")
	ExitSpecific = say1[int]("scm.exit_specific",
		"service-specific exit code {n}",
		"サービス固有の終了コード {n}")
	ExitNoFile = say0("scm.exit_2",
		"exit code 2: its file was not found",
		"終了コード 2: ファイルが見つかりません")
	ExitDenied = say0("scm.exit_5",
		"exit code 5: access was denied",
		"終了コード 5: アクセスが拒否されました")
	ExitNoAnswer = say0("scm.exit_1053",
		"exit code 1053: it did not answer in time",
		"終了コード 1053: 時間内に応答しませんでした")
	ExitDisabled = say0("scm.exit_1058",
		"exit code 1058: it was disabled",
		"終了コード 1058: 無効に設定されていました")
	ExitCrashed = say0("scm.exit_1067",
		"exit code 1067: its process ended unexpectedly",
		"終了コード 1067: プロセスが異常終了しました")
	ExitDepends = say0("scm.exit_1068",
		"exit code 1068: something that it depends on did not start",
		"終了コード 1068: 依存するサービスが開始しませんでした")
	ExitNever = say0("scm.exit_1077",
		"not started since the host came up",
		"ホストの起動後に一度も開始されていません")
	ListedAs = say1[string]("scm.listed_as",
		"listed as {name}",
		"一覧での表示名は {name}")
)

// What is said of ports and of the ways to them.
var (
	PortRefused = say1[string]("port.refused",
		"{to} refused (RST): the host is up, nothing listens on the port",
		"{to} に接続を拒否されました (RST)。ホストは稼働していますが、このポートで待ち受けているプロセスがありません")
	PortSilent = say2[string, time.Duration]("port.silent",
		"no answer from {to} within {wait}: filtered, or the host is off",
		"{to} から{wait}以内に応答がありません。途中で遮断されているか、ホストが停止しています")
	PortNoAnswer = say1[string]("port.no_answer",
		"no answer from {to}: filtered, or the host is off",
		"{to} から応答がありません。途中で遮断されているか、ホストが停止しています")
	PortUnreachable = say1[string]("port.unreachable",
		"{to}: host unreachable: it is off, or the address is wrong",
		"{to} に到達できません。ホストが停止しているか、アドレスが誤っています")
	PortNoRoute = say3[string, error, int]("port.no_route",
		"no route from here to {to} ({error}): look at this host's routes and its IPv{version} address",
		"このホストから {to} への経路がありません ({error})。このホストの経路と IPv{version} アドレスを確認してください")
	PortForbidden = say2[string, error]("port.forbidden",
		"not permitted to probe {to} ({error}): look at this host's outgoing firewall rules and at what the service's sandbox allows",
		"{to} への接続が許可されていません ({error})。このホストの送信側ファイアウォールと、サービスのサンドボックスの設定を確認してください")
	PortFailed = say2[string, error]("port.failed",
		"cannot probe {to}: {error}: look at this host's limits (open files, local ports)",
		"{to} を確認できません: {error}。このホストの上限 (オープンファイル数、ローカルポート) を確認してください")
	PortCut = say0("port.cut",
		"the pass ended before an answer came; if this repeats, raise detectors.port.timeout",
		"応答の前に確認が終了しました。繰り返す場合は detectors.port.timeout を延ばしてください")
	PortNoTurn = say0("port.no_turn",
		"the pass ended before this port's turn; it comes first in the next one; if this repeats, raise detectors.port.timeout or detectors.port.rate",
		"このポートの順番が来る前に確認が終了しました。次回は最初に確認します。繰り返す場合は detectors.port.timeout または detectors.port.rate を上げてください")
	PortAccepted = say2[string, time.Duration]("port.accepted",
		"{to} accepted a connection in {took}",
		"{to} が{took}で接続を受け付けました")
	PortHalfOpen = say2[string, time.Duration]("port.half_open",
		"half-open answer from {to} in {took}",
		"{to} からハーフオープンの応答がありました ({took})")
	PortLateReset = say0("port.late_reset",
		"but the reset came too late and completed the handshake: the far end may have logged it (this host is short of CPU)",
		"ただし RST が遅れて接続が確立したため、相手側のログに残ることがあります (このホストの CPU が不足しています)")
	PortNoHandshake = say2[string, time.Duration]("port.no_handshake",
		"{to} accepted the connection, but made no TLS handshake within {wait}",
		"{to} は接続を受け付けましたが、{wait}以内に TLS ハンドシェイクを行いませんでした")
	PortOldTLS = say2[string, string]("port.old_tls",
		"{to} speaks {version}, lower than min_version: raise it there, or write a lower min_version",
		"{to} の {version} は min_version より古いバージョンです。接続先の設定を上げるか、min_version を下げてください")
	PortTLS = say4[string, string, string, time.Duration]("port.tls",
		"{to} speaks {version}, {suite}, in {took}",
		"{to} は {version}、{suite} で応答しました ({took})")
	PortCertificate = say2[string, string]("port.certificate",
		"certificate {subject} expires {date}",
		"証明書 {subject} の有効期限は {date} です")
	PortCertificateOver = say2[string, string]("port.certificate_over",
		"certificate {subject} expired {date}",
		"証明書 {subject} の有効期限は {date} に切れています")
	PortAsksCertificate = say0("port.asks_certificate",
		"it asks for a client certificate",
		"クライアント証明書を要求しています")
	PortRefusedOurs = say1[error]("port.refused_ours",
		"it refused ours ({error})",
		"dswatch の接続を拒否しました ({error})")
	PortNoCommonTLS = say2[string, error]("port.no_common_tls",
		"{to} speaks TLS, but no common version or suite was found ({error}): probe with method syn",
		"{to} は TLS で応答しましたが、共通のバージョンまたは暗号スイートがありません ({error})。method: syn で確認してください")
	PortHalfTLS = say2[string, error]("port.half_tls",
		"{to} speaks TLS; handshake not completed: {error}",
		"{to} は TLS で応答しましたが、ハンドシェイクは完了していません: {error}")
	PortNotTLS = say2[string, string]("port.not_tls",
		"{to} listens, but does not speak TLS: it begins with {begin}",
		"{to} は待ち受けていますが、TLS ではありません。応答の先頭: {begin}")
	PortNotTLSError = say2[string, error]("port.not_tls_error",
		"{to} listens, but does not speak TLS: {error}",
		"{to} は待ち受けていますが、TLS ではありません: {error}")
	PortClosedEarly = say1[string]("port.closed_early",
		"{to} closed the connection before it spoke TLS",
		"{to} は TLS で応答する前に接続を閉じました")
	PortOwnFirewall = say2[string, string]("port.own_firewall",
		"{to} refused by the host's own firewall ({icmp}): allow the port there",
		"{to} はそのホスト自身のファイアウォールに拒否されました ({icmp})。そのホストでポートを許可してください")
	PortRejected = say2[string, string]("port.rejected",
		"{to} rejected by the host itself ({icmp}): look at its firewall",
		"{to} はそのホスト自身に拒否されました ({icmp})。ファイアウォールを確認してください")
	PortNoNeighbour = say1[string]("port.no_neighbour",
		"{to} does not answer on the local network (no ARP or neighbour answer): it is off, or the address is wrong",
		"{to} が同じネットワーク内で応答しません (ARP または近隣探索)。ホストが停止しているか、アドレスが誤っています")
	PortHereForbids = say2[string, string]("port.here_forbids",
		"this host's own firewall rejects probes of {to} ({icmp}): allow them",
		"このホストのファイアウォールが {to} への確認を拒否しています ({icmp})。許可してください")
	PortUnreachableSays = say3[string, string, string]("port.unreachable_says",
		"{to}: host unreachable, says {from} ({icmp}): it is off, or the address is wrong",
		"{to} に到達できないと {from} が応答しました ({icmp})。ホストが停止しているか、アドレスが誤っています")
	PortWayForbids = say3[string, string, string]("port.way_forbids",
		"{from} forbids this host to reach {to} ({icmp}): allow it there",
		"{from} がこのホストから {to} への通信を禁止しています ({icmp})。そこで許可してください")
	PortNoWay = say3[string, string, string]("port.no_way",
		"{from} has no way to {to} ({icmp}): look at the network between",
		"{from} から {to} への経路がありません ({icmp})。途中のネットワークを確認してください")
	PortNothing = say1[int]("port.nothing",
		"nothing listens on {port}/tcp",
		"{port}/tcp で待ち受けているプロセスがありません")
	// PortStranger comes before Stranger.
	PortStranger = say1[int]("port.stranger",
		"{port}/tcp is held by a stranger:",
		"{port}/tcp を別のプログラムが使用しています:")
	PortLoopback = say2[int, []string]("port.loopback",
		"{port}/tcp listens on loopback only, at {where}: the manager cannot reach it",
		"{port}/tcp はループバック ({where}) でのみ待ち受けており、Manager から接続できません")
	PortListens = say2[int, []string]("port.listens",
		"{port}/tcp listens at {where}",
		"{port}/tcp は {where} で待ち受けています")
	PortFrom = say1[string]("port.from",
		"from {source}",
		"情報源: {source}")
	PortSourceFailed = say2[string, error]("port.source_failed",
		"{source}: {error}",
		"{source}: {error}")
	PortUnreadable = say1[[]string]("port.unreadable",
		"read listening sockets: {errors}: run as a user who may read /proc/net, outside a sandbox that forbids it",
		"待ち受けソケットを読み取れません: {errors}。/proc/net を参照できるユーザで、それを禁止するサンドボックスの外で実行してください")
	PortPanicked = say2[string, string]("port.panicked",
		"the probe of {to} panicked: {what}; please report it",
		"{to} の確認中に内部エラーが発生しました: {what}。報告してください")
	PortNotHere = say0("port.not_here",
		"the half-open probe needs Linux; probe this port from a dswatch on Linux, or look at it with method listen on its own host",
		"ハーフオープンの確認には Linux が必要です。Linux の dswatch から確認するか、そのホスト自身で method: listen を使用してください")
	PortAddressesLeft = say2[int, int]("port.addresses_left",
		"none of {n} {n|address|addresses} is up, and {left} more {left|was|were} not asked; write the addresses that matter as targets:",
		"{n} 個のアドレスはいずれも正常ではなく、ほかに {left} 個を確認していません。必要なアドレスを targets に指定してください:")

	NameNotFound = say1[string]("port.name_not_found",
		"name {host} not found: correct host, or the name's record in DNS or the hosts file",
		"名前 {host} が見つかりません。host、または DNS か hosts ファイルのレコードを修正してください")
	NoResolver = say1[string]("port.no_resolver",
		"resolver did not answer for {host}: look at this host's name servers, or write the address as host",
		"{host} の名前解決に応答がありません。このホストのネームサーバを確認するか、host にアドレスを指定してください")
	ResolverFailed = say2[string, error]("port.resolver_failed",
		"resolver failed for {host} ({error}): look at this host's name servers, or write the address as host",
		"{host} の名前解決に失敗しました ({error})。このホストのネームサーバを確認するか、host にアドレスを指定してください")
	ResolverSilent = say2[int, string]("port.resolver_silent",
		"resolver did not answer for any of {n} names before, so {host} was not looked up: look at this host's name servers",
		"直前の {n} 個の名前に名前解決の応答がなかったため、{host} は確認していません。このホストのネームサーバを確認してください")

	HostsAnswer = say3[int, int, string]("way.hosts_answer",
		"{n} of {all} {all|host|hosts} of {what} {n|answers|answer}",
		"{what} のホスト {all} 台のうち {n} 台が応答しています")
	HostsAnswerAnywhere = say2[int, int]("way.hosts_answer_anywhere",
		"{n} of {all} {all|host|hosts} of all networks {n|answers|answer}",
		"全ネットワークのホスト {all} 台のうち {n} 台が応答しています")
	NoHostAnywhere = say1[int]("way.no_host_anywhere",
		"none of {n} hosts of all networks answers: look at the link, and at routers and firewalls on the way; they may also all be off",
		"どのネットワークのホスト ({n} 台) も応答しません。回線、途中のルータとファイアウォールを確認してください。すべて停止している可能性もあります")
	NoHostAnswers = say2[int, string]("way.no_host_answers",
		"none of {n} hosts of {what} answers: look at the link, and at routers and firewalls on the way; they may also all be off",
		"{what} のホスト {n} 台がいずれも応答しません。回線、途中のルータとファイアウォールを確認してください。すべて停止している可能性もあります")
	ForExample = say0("way.example",
		"for example:",
		"例:")
	AllAsked = say1[int]("way.all_asked",
		"all {n} endpoints were asked",
		"接続先 {n} 件をすべて確認しました")
	CouldNotAsk = say2[int, int]("way.could_not_ask",
		"this host could not ask {n} of {all} endpoints",
		"接続先 {all} 件のうち {n} 件を、このホストから確認できませんでした")
	PassTooShort = say2[int, int]("way.pass_too_short",
		"the pass ended before {n} of {all} endpoints had answered; they come first in the next one; if this repeats, raise detectors.port.timeout or detectors.port.rate, see config check",
		"接続先 {all} 件のうち {n} 件の応答の前に確認が終了しました。次回は最初に確認します。繰り返す場合は detectors.port.timeout または detectors.port.rate を上げてください (config check を参照)")
	NamesLookedUp = say2[int, int]("way.names",
		"{n} of {all} {all|name|names} {n|was|were} looked up",
		"名前 {all} 個のうち {n} 個を解決しました")
	NotSeenBehind = say1[string]("way.behind",
		"not seen, because of {key}",
		"{key} のため確認できません")
)

// What is said of the manager, and by it.
var (
	ManagerAnswered = say1[time.Duration]("manager.answered",
		"answered within {took}",
		"{took}で応答しました")
	ManagerTold = say1[int]("manager.told",
		"told of {n} {n|computer|computers}",
		"コンピュータ {n} 台の情報を取得しました")
	ManagerOldCounts = say2[time.Time, time.Duration]("manager.old_counts",
		"what it told at {time} counts until it is {age} old",
		"{time} に取得した情報を、{age}が経過するまで使用します")
	ManagerNoLonger = say1[time.Time]("manager.no_longer_listed",
		"the manager no longer lists this computer, since {time}",
		"{time} 以降、Manager の一覧にこのコンピュータがありません")
	ManagerListsNone = say0("manager.lists_none",
		"the manager no longer lists any computer; look at the role of the API key",
		"Manager がコンピュータを 1 台も返さなくなりました。API キーのロールを確認してください")
	ManagerListsFewer = say3[int, int, time.Duration]("manager.lists_fewer",
		"the manager lists {n} of the {all} computers that it had: look at the role of the API key, at the manager's nodes and its database; the others stay on the list until this has lasted for {wait}, or dswatch host remove HOST says that they are gone",
		"Manager が返したコンピュータは以前の {all} 台のうち {n} 台だけです。API キーのロール、Manager のノードとデータベースを確認してください。残りは、この状態が{wait}続くか、dswatch host remove HOST で指定するまで監視対象のままです")
	ManagerLists = say1[int]("manager.lists",
		"{n} {n|computer|computers}",
		"コンピュータ {n} 台")
	ManagerTooOften = say1[time.Duration]("manager.too_often",
		"the manager has been asked too often (429) and is left alone for {wait}; other users of the API share its limit",
		"Manager への問い合わせが上限を超えました (429)。{wait}問い合わせを控えます。上限は API のほかの利用者と共有です")
	ManagerProxyAnswers = say1[int]("manager.proxy_answers",
		"the manager answered for computers after ID {id} with none of a higher ID; a proxy may answer in its place",
		"ID {id} より後のコンピュータの問い合わせに、より大きな ID の応答がありません。プロキシが代わりに応答している可能性があります")
	ManagerTooMany = say1[int]("manager.too_many",
		"the manager lists more than {n} computers; ask it with a key whose role sees fewer",
		"Manager が {n} 台を超えるコンピュータを返しました。参照範囲のより狭いロールの API キーを使用してください")
	ManagerTooLong = say1[int]("manager.too_long",
		"the manager's answer is longer than {n} bytes; lower detectors.manager.page",
		"Manager の応答が {n} バイトを超えています。detectors.manager.page を減らしてください")
	ManagerMisread = say1[string]("manager.misread",
		"the manager's answer is not what its API sends: {error}; look whether url is the manager and no proxy or login page answers",
		"Manager の応答が API の形式ではありません: {error}。url が Manager を指しているか、プロキシやログイン画面が応答していないかを確認してください")
	ManagerEndedEarly = say1[string]("manager.ended_early",
		"the manager's answer is not what its API sends: it ended early ({error}); look whether url is the manager and no proxy or login page answers",
		"Manager の応答が途中で終わりました ({error})。url が Manager を指しているか、プロキシやログイン画面が応答していないかを確認してください")
	ManagerBadURL = say1[string]("manager.bad_url",
		"ask the manager: {error}; correct url",
		"Manager に問い合わせできません: {error}。url を修正してください")
	ManagerNoName = say1[string]("manager.no_name",
		"the manager's name cannot be looked up: {error}; look at url and the resolver of this host",
		"Manager の名前を解決できません: {error}。url とこのホストの名前解決を確認してください")
	ManagerNoProxy = say1[string]("manager.no_proxy",
		"the proxy cannot be used: {error}; look at proxy, or write none",
		"プロキシを使用できません: {error}。proxy を確認するか、none を指定してください")
	ManagerUnreachable = say1[string]("manager.unreachable",
		"the manager cannot be reached: {error}; look at url, proxy and firewall",
		"Manager に接続できません: {error}。url、proxy、ファイアウォールを確認してください")
	ManagerSlow = say0("manager.slow",
		"the manager did not answer in time; if it is only slow, raise detectors.manager.timeout or lower detectors.manager.page",
		"Manager が時間内に応答しません。遅いだけの場合は detectors.manager.timeout を延ばすか、detectors.manager.page を減らしてください")
	ManagerRefuses = say2[int, string]("manager.refuses",
		"the manager refuses the API key ({status}{said}); give api_key the key of a role that may read computers",
		"Manager が API キーを拒否しました ({status}{said})。コンピュータを参照できるロールのキーを api_key に設定してください")
	ManagerRefusesFile = say2[int, string]("manager.refuses_file",
		"the manager refuses the API key ({status}{said}); write the key of a role that may read computers into the file of api_key_file, which is read again with each look, without a restart",
		"Manager が API キーを拒否しました ({status}{said})。コンピュータを参照できるロールのキーを api_key_file のファイルに書いてください。確認のたびに読み直すため再起動は不要です")
	ManagerRedirects = say1[int]("manager.redirects",
		"the manager sends to another address ({status}), which is not followed; write that address as url",
		"Manager が別のアドレスを案内しましたが ({status})、追跡しません。そのアドレスを url に指定してください")
	ManagerNoPage = say1[string]("manager.no_page",
		"the manager has no such page (404{said}); look whether url is that of the manager, usually with port 4119",
		"Manager に該当するページがありません (404{said})。url が Manager を指しているか (通常はポート 4119) を確認してください")
	ManagerStatus = say2[int, string]("manager.status",
		"the manager answers with status {status}{said}; look at the manager's own log",
		"Manager がステータス {status}{said} を返しました。Manager のログを確認してください")
	ManagerRecord = say1[string]("manager.record",
		"the manager's record of this computer cannot be read: {error}",
		"このコンピュータについての Manager の情報を読み取れません: {error}")

	LastCommunication = say1[time.Time]("manager.last_communication",
		"last communication {time}",
		"最終通信は {time} です")
	NoCommunication = say0("manager.no_communication",
		"no communication is on record",
		"通信の記録がありません")
	NotActivated = say0("manager.not_activated",
		"the agent is not activated",
		"Agent が有効化されていません")
	NoLongerActivated = say0("manager.no_longer_activated",
		"the agent was activated and is no longer; activate it again, or delete the computer in the manager",
		"有効化されていた Agent が有効化されていない状態になりました。再度有効化するか、Manager からコンピュータを削除してください")
	NoComputerStatus = say0("manager.no_computer_status",
		"the manager tells no status of this computer; look at the role of the API key",
		"Manager がこのコンピュータの状態を返しません。API キーのロールを確認してください")
	ComputerStatus = say1[string]("manager.computer_status",
		"the manager's status of this computer is {status}",
		"このコンピュータについての Manager の表示は {status} です")
	NoModuleStatus = say0("manager.no_module_status",
		"the manager tells no status of this module; look at the role of the API key",
		"Manager がこのモジュールの状態を返しません。API キーのロールを確認してください")
	ModuleStatus = say1[string]("manager.module_status",
		"the manager's status of this module is {status}",
		"このモジュールについての Manager の表示は {status} です")
	ModuleSays = say1[string]("manager.module_says",
		"the manager says {status}",
		"Manager の表示は {status} です")
	ModuleSwitched = say2[string, string]("manager.module_switched",
		"the manager says {status}, switched {switch}",
		"Manager の表示は {status}、設定は {switch} です")
)

// What is said of hosts that are looked at over SSH or the vSphere API.
var (
	NoModule = say1[[]string]("remote.no_module",
		"no module named {names:or} is loaded",
		"カーネルモジュール {names:or} がロードされていません")
	ModuleCut = say2[string, string]("remote.module_cut",
		"{found} is loaded, which may be {name} cut short; look by hand",
		"{found} がロードされています。{name} の名前が途中で切れたものかもしれないため、手動で確認してください")
	ModuleNotLoaded = say1[string]("remote.module_not_loaded",
		"{name} is known to the host but not loaded",
		"{name} はホストに登録されていますが、ロードされていません")
	NoService = say1[[]string]("remote.no_service",
		"no service named {names:or}",
		"{names:or} という名前のサービスがありません")
	ServiceIs = say2[string, string]("remote.service",
		"{name} is {state}",
		"{name} は {state} です")
	ServiceChanging = say2[string, string]("remote.service_changing",
		"{name} is {state} (changing)",
		"{name} は {state} です (移行中)")
	EndedNotWaited = say1[[]string]("remote.ended",
		"pid {pids} ended and was not waited for",
		"pid {pids} は終了していますが、親プロセスが回収していません")
	MayBeIt = say2[[]string, string]("remote.may_be_it",
		"pid {pids} may be it, but the command line {args} does not tell; look by hand",
		"pid {pids} が該当する可能性がありますが、コマンドライン {args} からは判断できません。手動で確認してください")
	LineUnreadable = say2[string, string]("remote.line_unreadable",
		"a line of {list} cannot be read: {line}; please report it",
		"{list} に読み取れない行があります: {line}。報告してください")
	AddressUnreadable = say1[string]("remote.address_unreadable",
		"the socket table has an address that is cut or cannot be read: {address}",
		"ソケットの一覧に、途中で切れたか読み取れないアドレスがあります: {address}")
	HidesOthers = say0("remote.hides_others",
		"no process of root is listed, so the host hides those of other users; let this user see them (hidepid of /proc on Linux, proc_info on Solaris)",
		"root のプロセスが一覧にないため、ホストが他のユーザのプロセスを隠しています。このユーザに参照を許可してください (Linux は /proc の hidepid、Solaris は proc_info)")
	LoggedIn = say1[string]("remote.logged_in",
		"logged in as {user}",
		"ユーザ {user} でログインしています")
	NotAskedFor = say1[error]("remote.not_asked",
		"not asked for, because of what came before: {error}",
		"先に起きた問題のため問い合わせていません: {error}")
	AnswerCut = say0("remote.cut",
		"the answer ended in the middle of a line, so what is missing in it may be there; run the command by hand as the same user",
		"応答が行の途中で切れており、見当たらないものが停止しているとは言い切れません。同じユーザで手動でコマンドを実行して確認してください")
	CommandHung = say2[error, time.Time]("remote.hung",
		"{error}; it is left alone until {until}",
		"{error}。{until} までは実行しません")
	CommandLeftAlone = say4[string, time.Time, int, time.Time]("remote.left_alone",
		"{command} did not end at {time}, {n} {n|time|times} in a row, and is left alone until {until}; look on the host what holds it up",
		"{command} が {time} に終了しませんでした (連続 {n} 回)。{until} までは実行しません。ホストで原因を確認してください")
	VSphereTold = say1[int]("vsphere.told",
		"told of {n} {n|host|hosts}",
		"ホスト {n} 台の情報を取得しました")
	HostNotReached = say0("vsphere.no_turn",
		"the look ended before this host's turn; it comes first in the next one; if this repeats, raise detectors.vsphere.timeout",
		"このホストの順番が来る前に確認が終了しました。次回は最初に確認します。繰り返す場合は detectors.vsphere.timeout を延ばしてください")
	InMaintenance = say0("vsphere.maintenance",
		"the host is in maintenance mode: no virtual machine runs on it, and its module may be away",
		"ホストはメンテナンスモードです。仮想マシンは動作しておらず、カーネルモジュールがないこともあります")
	AnswerUnreadable = say2[string, error]("remote.answer_unreadable",
		"cannot read the answer of {command}: {error}; run it by hand as the same user, and please report what it prints",
		"{command} の出力を読み取れません: {error}。同じユーザで手動で実行し、出力内容を報告してください")
)

// What is said of a host by whether its dswatch reports.
var (
	Reports = say0("host.reports",
		"its dswatch reports",
		"dswatch から報告があります")
	NotHeardSince = say1[time.Time]("host.not_heard",
		"nothing was heard from its dswatch since {time}",
		"{time} 以降、dswatch から報告がありません")
)

// What is said of what is installed.
var (
	RemovedAt = say2[string, time.Time]("installed.removed_at",
		"removed by {by} at {time}",
		"{time} に {by} で削除されました")
	Removed = say1[string]("installed.removed",
		"removed by {by}",
		"{by} で削除されました")
	StartIs = say2[string, string]("tamper.start",
		"{service} is {how}",
		"{service} は {how} です")
	StartChanged = say4[string, string, string, time.Time]("tamper.start_changed",
		"{service} is {how} now; it was {before} when that was seen, at {time}",
		"{service} は現在 {how} です ({time} に確認した時点では {before} でした)")
	StartsUnknown = say1[error]("tamper.starts_unknown",
		"how its services start cannot be asked: {error}",
		"サービスの起動設定を確認できません: {error}")
	FileOf = say2[string, string]("tamper.file_owner",
		"{file} belongs to user {user}, not to root",
		"{file} の所有者が root ではなく {user} です")
	FileOfAll = say1[string]("tamper.file_all",
		"everybody may write {file}",
		"{file} にすべてのユーザが書き込めます")
	FileOfGroup = say2[string, string]("tamper.file_group",
		"group {group} may write {file}",
		"{file} にグループ {group} が書き込めます")
	MoreFiles = say1[int]("tamper.files_more",
		"and {n} more",
		"ほか {n} 件")
	Impostor = say1[string]("tamper.stranger",
		"a program that is not the agent's runs under the name {name}",
		"Agent 以外のプログラムが {name} という名前で動作しています")
	StrangersUnknown = say1[error]("tamper.strangers_unknown",
		"the processes cannot be listed: {error}",
		"プロセスの一覧を取得できません: {error}")
	ModuleUnloaded = say2[string, time.Time]("tamper.module",
		"{module} was loaded at {time} and is no longer, while the agent runs",
		"{module} は {time} にはロードされていましたが、Agent が動作しているのにロードされていません")
	ModulesUnknown = say1[error]("tamper.modules_unknown",
		"the kernel modules cannot be listed: {error}",
		"カーネルモジュールの一覧を取得できません: {error}")
	FilesUnknown = say2[string, error]("tamper.files_unknown",
		"the files of {folder} cannot be looked at: {error}",
		"{folder} のファイルを確認できません: {error}")
	StoreEmptySince = say2[string, time.Time]("store.anew",
		"the store in {dir} was empty at {time}, and what is open was not kept elsewhere",
		"{dir} のストアは {time} の起動時に空で、未復旧のアラートの控えもありませんでした")
	StoreWentBack = say3[string, time.Time, time.Time]("store.back",
		"the store in {dir} was written last at {last}, as it was found at {time}; dswatch ran after that",
		"{dir} のストアは {time} の起動時に、最後の書き込みが {last} のままでした。dswatch はその後も動作していました")
	AgentSays = say2[string, string]("evidence.says",
		"the agent says {name}: {value}",
		"Agent の回答は {name}: {value} です")
	BasicFunctions = say0("evidence.basic_functions",
		"its kernel driver is offline, so anti-malware works with basic functions only; look for a kernel support package",
		"カーネルドライバがオフラインのため、不正プログラム対策は基本機能だけで動作しています。カーネルサポートパッケージを確認してください")
	HeartbeatAge = say1[time.Duration]("evidence.heartbeat_age",
		"the last heartbeat to the manager was {age} ago",
		"Manager への最後のハートビートは{age}前です")
	PresenceUnknown = say2[string, error]("installed.unknown",
		"whether {program} is there cannot be said: {error}; look at its file system",
		"{program} があるかどうかを確認できません: {error}。ファイルシステムを確認してください")
	InList = say0("installed.in_list",
		"it is in the list of installed programs",
		"インストール済みのプログラムの一覧にあります")
	PackageWithout = say2[string, string]("installed.without",
		"{by} has its package, which holds no {program}",
		"{by} にパッケージがありますが、{program} を含みません")
	PackageThere = say2[string, string]("installed.there",
		"{by} has its package, and {program} is there",
		"{by} にパッケージがあり、{program} もあります")
	ProgramGone = say2[string, string]("installed.program_gone",
		"{by} has its package as installed, but {program} is gone",
		"{by} ではインストール済みですが、{program} がありません")
	LeftOver = say2[string, string]("installed.left_over",
		"{program} was left over by {by}",
		"{program} は {by} での削除後に残ったものです")
	NoPackage = say1[string]("installed.no_package",
		"{program} is there, and no package of it",
		"{program} はありますが、パッケージがありません")
	GoneUnrecorded = say1[string]("installed.gone_unrecorded",
		"{program} is gone, and nothing has recorded its removal",
		"{program} がなくなりましたが、削除の記録がありません")
	WasThereAt = say1[time.Time]("installed.was_there",
		"it was there at {time}",
		"{time} の時点ではありました")
	NothingInstalled = say0("installed.none",
		"not installed",
		"インストールされていません")
)
