package words

import "time"

// Why a command, or a request to the running dswatch, could not be done. Each
// ends with the next step, where there is one.
var (
	StoreNewer = say4[string, int, string, int]("store.newer",
		"the store in {dir} has format {format}, which version {version} wrote; this version reads up to format {most}. Run that version or a newer one; or export the store with it (dswatch store export) before you put this one back",
		"{dir} のストアは形式 {format} (バージョン {version}) です。このバージョンが読める形式は {most} までです。そのバージョン以降を使うか、このバージョンに戻す前にそのバージョンの dswatch store export で書き出してください")
	StoreNotEmpty = say1[string]("store.not_empty",
		"the store in {dir} is not empty, and an import would mix it with another one; stop dswatch, move {dir} away and import again: the journal in bus.open_dir ends what is open there",
		"{dir} のストアが空ではありません。別のストアの内容と混ざるため取り込めません。dswatch を停止し、{dir} を移動してから取り込んでください (未復旧のアラートは bus.open_dir の控えに従って復旧を通知します)")
	NotAnExport = say0("export.not_one",
		"line 1: this is no export of dswatch; make one with dswatch store export FILE",
		"1 行目: dswatch の書き出しファイルではありません。dswatch store export FILE で作成してください")
	ExportNewer = say3[string, int, int]("export.newer",
		"line 1: version {version} wrote it in format {format}, and this one reads up to {most}; import it with that version",
		"1 行目: バージョン {version} が形式 {format} で書き出しています。このバージョンが読める形式は {most} までです。そのバージョンで取り込んでください")
	ExportCut = say1[int]("export.cut",
		"line {line}: the file stops before its end; it is a part of an export, so copy it again",
		"{line} 行目: ファイルが途中で切れています。もう一度コピーしてください")
	ExportLine = say2[int, error]("export.line",
		"line {line}: {error}; the file is not as dswatch wrote it, so copy it again",
		"{line} 行目: {error}。dswatch が書き出した内容と異なります。もう一度コピーしてください")
	ExportChanged = say1[int]("export.changed",
		"line {line}: the file was changed since it was written, or a part is missing; copy it again",
		"{line} 行目: ファイルが書き出し後に変更されたか、一部が欠けています。もう一度コピーしてください")
	StoreExported = say2[int, string]("store.exported",
		"{n} {n|record|records} written to {file}. Once they are imported elsewhere, do not start dswatch with this store again: both would tell the end of the same alerts.",
		"{n} 件の記録を {file} に書き出しました。別の場所に取り込んだ後は、このストアで dswatch を起動しないでください。同じアラートの復旧が二重に通知されます。")
	StoreUnexported = say1[int]("store.unexported",
		"{n} {n|record|records} could not be read and {n|is|are} not in the file.",
		"{n} 件の記録は読み取れないため、ファイルに含まれていません。")
	StoreImported = say3[int, string, string]("store.imported",
		"{n} {n|record|records} of {host} taken from version {version}. What is open goes on at the next start.",
		"{host} の {n} 件の記録 (バージョン {version}) を取り込みました。未復旧のアラートは次の起動から継続します。")
	StoreUpgraded = say2[int, int]("store.upgraded",
		"The store has format {format} now; it had {before}. Earlier versions cannot read a format that they do not know.",
		"ストアの形式を {before} から {format} にしました。この形式に対応していない以前のバージョンでは読めません。")
	StoreUpToDate = say1[int]("store.up_to_date",
		"The store has format {format} already.",
		"ストアはすでに形式 {format} です。")

	FindHostName = say1[error]("request.find_host_name",
		"find the host name: {error}; write it as host: in the configuration",
		"ホスト名を取得できません ({error})。設定の host: に書いてください")
	FindHostNameOnly = say1[error]("request.find_host_name_only",
		"find the host name: {error}",
		"ホスト名を取得できません ({error})")
	FactsFileGone = say1[error]("request.facts_file_gone",
		"read facts file: {error}; check the path given with --facts",
		"facts ファイルを読み取れません ({error})。--facts で指定したパスを確認してください")
	FactsFileNotRegular = say1[string]("request.facts_file_not_regular",
		"read facts file: {path} is not a regular file; write the facts to one and name that with --facts",
		"facts ファイル {path} は通常のファイルではありません。通常のファイルに書き、--facts で指定してください")
	FactsFileUnreadable = say1[error]("request.facts_file_unreadable",
		"read facts file: {error}; name a readable file with --facts",
		"facts ファイルを読み取れません ({error})。読み取れるファイルを --facts で指定してください")
	NothingSelected = say0("request.nothing_selected",
		"nothing is selected; give ids, a sink, an age, or --all",
		"対象がありません。ID、通知先、経過時間、または --all を指定してください")
	NoDeadLetter = say1[string]("request.no_dead_letter",
		`no dead letter "{id}" fits the selection; dswatch deadletter list shows them`,
		`条件に合う配信不能の記録 "{id}" がありません。dswatch deadletter list で確認してください`)
	IsStarting = say0("request.is_starting",
		"dswatch is starting; ask again in a moment",
		"dswatch は起動中です。しばらくしてからやり直してください")
	WatchesAnother = say0("request.watches_another",
		"the process that answers at web.listen watches another host",
		"web.listen で応答しているプロセスは別のホストを監視しています")
	ForgetNoComponent = say2[string, []string]("request.forget_no_component",
		`forget: "{text}" is not a component; write {values:or}`,
		`"{text}" はコンポーネントではありません。{values:or} を指定してください`)
	ForgetOtherHost = say2[string, string]("request.forget_other_host",
		"forget: this dswatch remembers {host} and what it looks at over SSH, and nothing of {other}; ask the one that runs there",
		"この dswatch に記録があるのは {host} と SSH で監視しているホストだけで、{other} の記録はありません。{other} で動作している dswatch で実行してください")
	ForgetNothing = say2[string, string]("request.forget_nothing",
		"forget: nothing is remembered of the {component} on {host}",
		"{host} の {component} について記録がありません")
	DiscoverFacts = say1[error]("request.discover_facts",
		"discover facts about this host: {error}",
		"このホストの事実を検出できません: {error}")
	StartingOrStopping = say0("request.starting_or_stopping",
		"dswatch is starting or about to stop; try again in a moment",
		"dswatch は起動中または停止処理中です。しばらくしてからやり直してください")
	StartedWithoutFile = say0("request.started_without_file",
		"dswatch was started without a configuration file, so there is none to read again; restart it with -c FILE",
		"dswatch は設定ファイルなしで起動されたため、再読み込みできません。-c FILE を付けて起動し直してください")
	CannotChange = say4[string, string, string, string]("request.cannot_change",
		"{position}: {path} cannot change while dswatch runs: it is {old}, and {new} in the file; restart dswatch, or take this change back; nothing else was changed either",
		"{position}: {path} は実行中に変更できません (現在 {old}、ファイルでは {new})。dswatch を再起動するか、この変更を元に戻してください。ほかの変更も反映していません")
	CannotChangeRole = say1[string]("request.cannot_change_role",
		"{position}: sinks: whether this process decides or leaves that to a hub cannot change while dswatch runs; restart dswatch; nothing else was changed either",
		"{position}: sinks: このプロセスが判定するか、ハブに任せるかは実行中に変更できません。dswatch を再起動してください。ほかの変更も反映していません")
	StillConfigured = say2[string, string]("request.still_configured",
		"sink {from} is still configured, so it tells the end of its alerts itself; give it the name {to} in the configuration first, and start dswatch anew",
		"通知先 {from} はまだ設定にあり、自身のアラートの復旧を通知します。先に設定で名前を {to} に変え、dswatch を起動し直してください")
	HandedOver = say2[string, error]("request.handed_over",
		"alerts were handed over, and what sink {from} was told is still stored; give the command again: {error}",
		"アラートは引き継ぎましたが、通知先 {from} への通知の記録が残っています。もう一度実行してください: {error}")
	TakeOver = say3[string, string, error]("request.take_over",
		"take over what sink {from} has kept in {dir}: {error}",
		"通知先 {from} が {dir} に保存したデータを引き継げません: {error}")
	RemoveKept = say3[string, string, error]("request.remove_kept",
		"remove what sink {from} has kept, which sink {to} has now: {error}",
		"通知先 {to} に引き継いだ {from} の保存データを削除できません: {error}")
	NoSinkConfigured = say2[string, []string]("request.no_sink_configured",
		`there is no sink "{name}"; the configuration has {names}`,
		`"{name}" という通知先はありません (設定にあるもの: {names})`)
	SilenceLength = say1[int]("request.silence_length",
		"it lasts {n} seconds each time; give at least a minute and at most a year",
		"毎回の長さが {n} 秒です。1 分以上 1 年以内で指定してください")
	SilenceOver = say1[string]("request.silence_over",
		"the silence ended at {time}; give an end in the future",
		"サイレンスの終了 {time} が過去です。将来の時刻を指定してください")
	SilenceNotOnce = say1[string]("request.silence_not_once",
		"the silence does not come once before {time}; give a later end",
		"サイレンスが {time} までに一度も開始しません。より後の終了を指定してください")
	SilenceWaited = say1[string]("request.silence_waited",
		"the silence waited for its first alert until {time}; give a time in the future",
		"最初のアラートを待つ期限 {time} が過去です。将来の時刻を指定してください")
	ChangeNeedsAuthor = say1[int]("request.change_needs_author",
		"a change needs an author of at most {n} bytes; say who changes the silence",
		"変更する人の名前 ({n} バイト以内) が必要です。誰が変更するかを指定してください")
	AuthorTooLong = say1[int]("request.author_too_long",
		"the author is longer than {n} bytes; shorten it",
		"名前が {n} バイトを超えています。短くしてください")
	SilenceHasEnded = say1[string]("request.silence_has_ended",
		"silence {id} has ended already",
		"サイレンス {id} はすでに終了しています")
	DecidesNothing = say0("request.decides_nothing",
		"this process does not decide about alerts; ask the one that has the sinks",
		"このプロセスはアラートを判定しません。通知先を設定したプロセスで実行してください")
	StillReading = say0("request.still_reading",
		"the running dswatch is still reading what it knew before its start; ask again in a few seconds",
		"実行中の dswatch は起動前の記録を読み込んでいます。数秒後にやり直してください")
	AckNeedsAuthor = say0("request.ack_needs_author",
		"an acknowledgement needs an author; say with --author who you are",
		"確認には担当者の名前が必要です。--author で指定してください")
	StoryDiffers = say0("request.story_differs",
		"a story came out otherwise than wanted",
		"期待と異なる結果のシナリオがあります")
	StoryGone = say1[error]("request.story_gone",
		"read story: {error}; name a file, see dswatch rules test --help",
		"シナリオを読み取れません ({error})。ファイルを指定してください (dswatch rules test --help を参照)")
	StoryUnreadable = say2[string, error]("request.story_unreadable",
		"read story {file}: {error}; name a file",
		"シナリオ {file} を読み取れません ({error})。ファイルを指定してください")
	StoryNothingWanted = say2[string, string]("request.story_nothing_wanted",
		"{file}:1: nothing is wanted; add a section -- wanted {language} --, or let --write add it",
		"{file}:1: 期待する結果がありません。-- wanted {language} -- の節を追加するか、--write で追加してください")
	StoryNotWritten = say1[error]("request.story_not_written",
		"write story: {error}; let this user write the file",
		"シナリオに書き込めません ({error})。このユーザに書き込みを許可してください")
	StoryWanted = say1[string]("story.wanted",
		"in {language}, - is wanted and + was told",
		"{language}: - は期待する通知、+ は実際の通知")
	StoryPromises = say0("story.promises",
		"broken promises",
		"守られなかった保証")
	StoryFault = say2[string, Phrase]("story.fault",
		"in {language} with {fault}, - is told without and + with it",
		"{language}、{fault}: - は障害がない場合の通知、+ は障害がある場合の通知")
	StoryFaultPromises = say2[string, Phrase]("story.fault_promises",
		"in {language} with {fault}, broken promises",
		"{language}、{fault}: 守られなかった保証")
	StoryFaultOnly = say1[Phrase]("story.fault_only", "{fault}", "{fault}")
	FaultRestart   = say1[int]("story.restart", "a restart before step {n}", "ステップ {n} の前の再起動")
	FaultPowerLoss = say4[int, int, int, int]("story.power_loss",
		"a power loss after operation {n}, without the last{acks| acknowledged events|}{deliveries| deliveries|}{receipts| receipts|}",
		"操作 {n} の後の電源断 (失われた記録:{acks| イベントの受領|}{deliveries| 通知|}{receipts| 通知先の受領|})")
	FaultKillAfter  = say1[int]("story.kill_after", "a kill after operation {n}", "操作 {n} の後の強制終了")
	FaultKillBefore = say1[int]("story.kill_before", "a kill before operation {n}", "操作 {n} の前の強制終了")
	NothingCalled   = say2[string, int]("request.nothing_called",
		`no item and no alert is called "{text}"; write an item such as web01/agent/process/ds_agent or process/ds_agent, or at least {n} characters of an alert's id; dswatch alerts and dswatch status list them`,
		`"{text}" という監視項目やアラートはありません。web01/agent/process/ds_agent や process/ds_agent のような項目か、アラート ID の先頭 {n} 文字以上を指定してください。dswatch alerts と dswatch status で一覧を確認できます`)
	FitsMany = say3[string, int, string]("request.fits_many",
		`"{text}" fits {n} items, such as {example}; write more of it`,
		`"{text}" に一致する監視項目が {n} 個あります (例: {example})。より詳しく指定してください`)
	NotACheckFormat = say1[string]("request.not_a_check_format",
		`--format "{text}" is none of table, json, nagios`,
		`--format "{text}" は使えません。table、json、nagios のいずれかを指定してください`)
	NotAnOutputFormat = say2[string, string]("request.not_an_output_format",
		`--format "{text}" is neither {human} nor json; write one of them`,
		`--format "{text}" は使えません。{human} または json を指定してください`)
	BoolFlag = say1[string]("request.bool_flag",
		"write {flag} or {flag}=false",
		"{flag} または {flag}=false と指定してください")
	NotAColor = say1[string]("request.not_a_color",
		`--color "{text}" is none of auto, always, never; write one of them`,
		`--color "{text}" は使えません。auto、always、never のいずれかを指定してください`)
	NotALanguage = say1[string]("request.not_a_language",
		`--language "{text}" is neither en nor ja; write one of them`,
		`--language "{text}" は使えません。en または ja を指定してください`)
	ReadTheAlert = say1[error]("request.read_the_alert",
		"read the alert: {error}",
		"アラートを読み取れません: {error}")
	WriteNoPlace = say1[error]("request.write_no_place",
		"write configuration: {error}; choose a place where this user may write",
		"設定を書き込めません ({error})。このユーザが書き込める場所を指定してください")
	WriteExists = say1[error]("request.write_exists",
		"write configuration: {error}; choose another file, or move the old one away",
		"設定を書き込めません ({error})。別のファイルを指定するか、既存のファイルを移動してください")
	WriteNoFolder = say1[error]("request.write_no_folder",
		"write configuration: {error}; make its directory first",
		"設定を書き込めません ({error})。先にディレクトリを作成してください")
	WriteDenied = say1[error]("request.write_denied",
		"write configuration: {error}; choose a file that this user may write",
		"設定を書き込めません ({error})。このユーザが書き込めるファイルを指定してください")
	WriteFailed = say1[error]("request.write_failed",
		"write configuration: {error}",
		"設定を書き込めません: {error}")
	SeeHelp = say2[error, string]("request.see_help",
		"{error}; see `{command} --help`",
		"{error}。{command} --help を参照してください")
	NoSuchArgument = say2[string, string]("request.no_such_argument",
		`{command} takes no such argument as "{text}"`,
		`{command} に引数 "{text}" はありません`)
	NotALength = say1[string]("request.not_a_length",
		`"{text}" is not a duration; write one such as 90m, 2h or 1d12h`,
		`"{text}" は時間として解釈できません。90m、2h、1d12h のように指定してください`)
	NotAWait = say1[string]("request.not_a_wait",
		`"{text}" is not a time to wait; write one such as 90m, 2h or 1d12h`,
		`"{text}" は待ち時間として解釈できません。90m、2h、1d12h のように指定してください`)
	NotAMoment = say1[string]("request.not_a_moment",
		`"{text}" is not a time; write it as 06:30 for the next one, 2006-01-02 15:04, or 2006-01-02T15:04:05+09:00`,
		`"{text}" は時刻として解釈できません。06:30 (次の 6 時 30 分)、2006-01-02 15:04、2006-01-02T15:04:05+09:00 のように指定してください`)
	InstallService = say1[error]("request.install_service",
		"install the service: {error}",
		"サービスを登録できません: {error}")
	FindConfigInit = say2[error, string]("request.find_config_init",
		"find the configuration: {error}; write one with: dswatch init -o {file}",
		"設定ファイルが見つかりません ({error})。dswatch init -o {file} で作成してください")
	FindConfig = say1[error]("request.find_config",
		"find the configuration: {error}",
		"設定ファイルが見つかりません: {error}")
	FindProgram = say1[error]("request.find_program",
		"find the program: {error}",
		"プログラムのパスを取得できません: {error}")
	SystemdTooOld = say2[int, int]("request.systemd_too_old",
		"systemd {version} cannot give another user what the service needs, {oldest} can",
		"systemd {version} では、root 以外のユーザに必要な権限を与えられません ({oldest} 以降で可能)")
	OnlyRootRuns = say1[string]("request.only_root_runs",
		"only root can run {path}; run: chmod 755 {path}",
		"{path} は root だけが実行できます。実行してください: chmod 755 {path}")
	StateElsewhere = say1[string]("request.state_elsewhere",
		"{path} is not where that user may write; leave out bus.dir, bus.open_dir and web.socket, then install the service again",
		"{path} にはそのユーザが書き込めません。bus.dir、bus.open_dir、web.socket を外して、サービスを登録し直してください")
	NoUserMade = say3[string, error, string]("request.no_user_made",
		"the user {name} cannot be made ({error}): {said}",
		"ユーザ {name} を作成できません ({error}): {said}")
	PathInUnit = say1[string]("request.path_in_unit",
		`"{path}" has characters that mean something in a unit; move it to a path of letters, digits and / . _ - + @`,
		`"{path}" にはユニットファイルで特別な意味を持つ文字があります。英数字と / . _ - + @ だけのパスに移してください`)
	UnitExists = say1[string]("request.unit_exists",
		"{file} is there already; run first: dswatch service uninstall",
		"{file} はすでにあります。先に dswatch service uninstall を実行してください")
	NoSystemd = say2[error, string]("request.no_systemd",
		"{error}; this host has no systemd: let its own init system run dswatch run -c {config}",
		"{error}。このホストには systemd がありません。ホストの init システムで dswatch run -c {config} を実行してください")
	RunAsRoot = say1[error]("request.run_as_root",
		"{error}; run it as root",
		"{error}。root で実行してください")
	ServiceNotInstalled = say1[error]("request.service_not_installed",
		"it is not installed: {error}; run first: dswatch service install",
		"サービスが登録されていません ({error})。先に dswatch service install を実行してください")
	NoSystemctl = say1[error]("request.no_systemctl",
		"{error}; on a host without systemd let its own init system run: dswatch run -c FILE",
		"{error}。systemd のないホストでは、ホストの init システムで dswatch run -c FILE を実行してください")
	SystemctlFailed = say4[string, error, string, string]("request.systemctl_failed",
		"systemctl {command}: {error}: {said}; see systemctl status {unit}",
		"systemctl {command} が失敗しました ({error}: {said})。systemctl status {unit} を確認してください")
	OneEnd = say0("request.one_end",
		"a silence has one end; give one of --for, --until and --until-cleared",
		"サイレンスの終了の指定は 1 つだけです。--for、--until、--until-cleared のいずれか 1 つを指定してください")
	WaitAlone = say0("request.wait_alone",
		"--wait is how long --until-cleared waits for its first alert; add that, or leave out --wait",
		"--wait は --until-cleared で最初のアラートを待つ時間です。--until-cleared を追加するか、--wait を外してください")
	WaitForever = say0("request.wait_forever",
		"--wait forever would never end; give a time such as 3d, or --for forever for a silence without an end",
		"--wait forever では終了しません。3d のような時間か、無期限のサイレンスには --for forever を指定してください")
	ForEachTime = say0("request.for_each_time",
		"--for is how long a silence that comes again and again lasts each time; write one such as 3h",
		"--for は繰り返すサイレンスの毎回の長さです。3h のように指定してください")
	EveryNeedsFor = say0("request.every_needs_for",
		"--every needs --for: how long it lasts each time",
		"--every には毎回の長さを示す --for が必要です")
	EveryAlone = say0("request.every_alone",
		"a silence that comes again and again lasts as long as --for says; leave out --until-cleared and --wait",
		"繰り返すサイレンスの長さは --for で決まります。--until-cleared と --wait を外してください")
	ZoneOfEvery = say0("request.zone_of_every",
		"--time-zone is that of --every; add that, or leave it out",
		"--time-zone は --every のタイムゾーンです。--every を追加するか、外してください")
	NeedsOneEnd = say0("request.needs_one_end",
		"a silence needs one end; give --for, --until or --until-cleared",
		"サイレンスには終了の指定が 1 つ必要です。--for、--until、--until-cleared のいずれかを指定してください")
	SlackNotOperator = say1[string]("request.slack_not_operator",
		"Nothing was done: you ({name}) are not among those who may press these buttons. Who looks after dswatch adds {name} to operators of this sink.",
		"何も実行していません。あなた ({name}) はこのボタンを押せるユーザとして登録されていません。dswatch の管理者に、この通知先の operators への {name} の追加を依頼してください。")
	ChatOver = say0("request.chat_over",
		"Nothing was done: this alert is no longer open.",
		"何も実行していません。このアラートはすでに復旧しています。")
	ChatNot = say1[error]("request.chat_not",
		"Nothing was done: {error}",
		"何も実行していません。{error}")
	ChatSilenced = say4[string, string, time.Time, string]("request.chat_silenced",
		"{name} has silenced {item} until {time}. To end that earlier: dswatch silence expire {id}",
		"{name} が {item} の通知を {time} まで抑止しました。早く終えるには dswatch silence expire {id} を実行してください。")
	ChatSilence = say0("request.chat_silence",
		"Pressed in Slack",
		"Slack のボタンで設定")
	ManyItems = say0("request.many_items",
		"this alert is about many items; silence them with dswatch silence add",
		"このアラートは複数の項目をまとめたものです。dswatch silence add で抑止してください")
	NoOpenAlert = say0("request.no_open_alert",
		"no open alert has this id; dswatch alerts lists them",
		"この ID の未復旧のアラートはありません。dswatch alerts で確認してください")
	NothingToWithdraw = say0("request.nothing_to_withdraw",
		"nobody has acknowledged this alert, so there is nothing to withdraw; dswatch alerts shows who looks after which",
		"このアラートは確認されていないため、取り消せません。担当者は dswatch alerts で確認できます")
	ManyAlerts = say1[string]("request.many_alerts",
		`more than one open alert has an id that begins with "{id}"; write more of it`,
		`"{id}" で始まる ID の未復旧のアラートが複数あります。より長く指定してください`)
	PartOfDigest = say2[string, string]("request.part_of_digest",
		"it is told as a part of digest {digest}; dswatch ack {same} is for all of them",
		"ダイジェスト {digest} に集約されています。dswatch ack {same} でまとめて確認できます")
	AuthorOrComment = say1[int]("request.author_or_comment",
		"author or comment is longer than {n} bytes; shorten it",
		"担当者またはコメントが {n} バイトを超えています。短くしてください")
	SameHost = say2[string, string]("request.same_host",
		"{old} and {name} are the same host: the case of a name does not count",
		"{old} と {name} は同じホストです (大文字と小文字は区別しません)")
	HostNotHeard = say2[string, string]("request.host_not_heard",
		"nothing has been heard of host {name} yet; let its dswatch report first, or end the old name with: dswatch host remove {old}",
		"ホスト {name} からはまだ報告がありません。先にそのホストの dswatch から報告させるか、dswatch host remove {old} で古い名前を終了させてください")
	RunsOnHost = say1[string]("request.runs_on_host",
		"this dswatch runs on {name}, so it would be there again at once; stop it first",
		"この dswatch は {name} で動作しているため、すぐに再び現れます。先に停止してください")
	HostUnknown = say1[string]("request.host_unknown",
		"nothing is known of a host {name}; dswatch status lists the items of every host",
		"ホスト {name} の記録がありません。全ホストの監視項目は dswatch status で確認できます")
	ReadRequest = say1[error]("request.read_request",
		"read request: {error}",
		"要求を読み取れません: {error}")
	TokenDenied = say1[error]("request.token_denied",
		"read the token of the local api: {error}; run this as the user that runs dswatch, or as root",
		"API のトークンを読み取れません ({error})。dswatch を実行しているユーザか root で実行してください")
	TokenUnreadable = say1[error]("request.token_unreadable",
		"read the token of the local api: {error}",
		"API のトークンを読み取れません: {error}")
	WriteToken = say1[error]("request.write_token",
		"write the token of the local api: {error}; see that the user that runs dswatch may write bus.dir",
		"API のトークンを保存できません ({error})。dswatch の実行ユーザが bus.dir に書き込めるようにしてください")
	NoToken = say1[string]("request.no_token",
		"read the token of the local api: {path} holds no token; restart dswatch, which makes a new one",
		"{path} に API のトークンがありません。dswatch を再起動すると作り直します")
	ListenAPI = say1[error]("request.listen_api",
		`listen for the local api: {error}; set web.listen to a free address, or to "" for none`,
		`API の待ち受けを開始できません ({error})。web.listen に空いているアドレスを書くか、使わない場合は "" を書いてください`)
	WatchesNoJSON = say0("request.watches_no_json",
		"--watch shows tables only; leave out --format json, or ask again and again without --watch",
		"--watch では表だけを表示できます。--format json を外すか、--watch なしで繰り返し実行してください")
	NoAlertOf = say1[string]("request.no_alert_of",
		`no alert of "{text}" is open; dswatch alerts lists those that are`,
		`"{text}" の未復旧のアラートはありません。dswatch alerts で確認してください`)
	AlertsOfMany = say4[string, int, string, string]("request.alerts_of_many",
		`"{text}" fits {n} open alerts, such as that of {item}; write the whole item, or the id of the alert, such as {id}`,
		`"{text}" に当てはまる未復旧のアラートが {n} 件あります ({item} など)。項目の全体か、{id} のようなアラートの ID を指定してください`)
	OfNamed      = say2[string, error]("request.named", "{name}: {error}", "{name}: {error}")
	ListenSocket = say1[error]("request.listen_socket",
		"listen for the commands: {error}; set web.socket to another path, or to off for none",
		"コマンドの待ち受けを開始できません ({error})。web.socket に別のパスを書くか、使わない場合は off を書いてください")
	SocketTaken = say1[string]("request.socket_taken",
		"another process listens on {path}",
		"{path} では別のプロセスが待ち受けています")
	HelperIsRoot = say0("request.helper_is_root",
		"the helper asks the agent as root; run it as root, or let systemd: systemctl enable --now dswatch-helper.socket",
		"ヘルパーは root として Agent に問い合わせます。root で実行するか、systemd から起動してください: systemctl enable --now dswatch-helper.socket")
	HelperNoSocket = say0("request.helper_no_socket",
		"no socket of systemd was given to this process; run: systemctl enable --now dswatch-helper.socket, or name one with --socket",
		"systemd からソケットが渡されていません。systemctl enable --now dswatch-helper.socket を実行するか、--socket で指定してください")
	NoSocketThere = say1[string]("request.no_socket_there",
		"{path} is there already and is no socket",
		"{path} が既にあり、ソケットではありません")
	NotListening = say3[string, time.Time, error]("status.not_listening",
		"Nothing is heard at {address} since {time}, tried again every 10 s: {error}",
		"{time} から {address} で待ち受けていません (10 秒ごとに再試行): {error}")
	ReadersOnly = say1[string]("request.readers_only",
		"members of the group {group} may read and acknowledge; run this as root or as the user that runs dswatch",
		"グループ {group} のメンバーができるのは参照と確認済みの操作だけです。root か dswatch の実行ユーザで実行してください")
	PeerRefused = say1[string]("request.peer_refused",
		"run this as root, as the user that runs dswatch or, to read and acknowledge, as a member of the group {group}",
		"root か dswatch の実行ユーザで実行してください。参照と確認済みの操作だけなら、グループ {group} のメンバーでも実行できます")
	OtherInstance = say1[string]("request.other_instance",
		"this dswatch keeps its state in {path}",
		"この dswatch の状態ディレクトリは {path} です")
	NotRunning = say0("request.not_running",
		"no running dswatch answers",
		"実行中の dswatch が応答しません")
	SilenceIDEmpty = say0("request.silence_id_empty",
		"an id is empty; dswatch silence list shows them",
		"ID が空です。dswatch silence list で確認してください")
	AlertIDEmpty = say0("request.alert_id_empty",
		"an id is empty; dswatch alerts shows them",
		"ID が空です。dswatch alerts で確認してください")
	NotRunningAt = say2[error, string]("request.not_running_at",
		"{error} at web.listen ({address}); start it with: dswatch run",
		"{error} (web.listen: {address})。dswatch run で起動してください")
	AskRunning = say1[error]("request.ask_running",
		"ask the running dswatch: {error}",
		"実行中の dswatch に問い合わせできません: {error}")
	ReadAnswer = say1[error]("request.read_answer",
		"read the answer of the running dswatch: {error}",
		"実行中の dswatch の応答を読み取れません: {error}")

	UnknownCommand = say2[string, string]("request.unknown_command",
		`unknown command "{text}" for "{command}"`,
		`{command} に "{text}" というコマンドはありません`)
	WrongArguments = say3[string, int, string]("request.arguments",
		"{command} was given {n} {n|argument|arguments}; write {usage}",
		"{command} の引数が {n} 個です。{usage} の形で指定してください")
	FaultMeant = say2[error, string]("request.meant",
		`{error}; did you mean "{near}"?`,
		`{error}。"{near}" ではありませんか?`)
	UnknownFlag    = say1[string]("request.unknown_flag", "unknown flag: {flag}", "不明なフラグです: {flag}")
	FlagNeedsValue = say1[string]("request.flag_needs_value", "flag needs an argument: {flag}", "フラグに値が必要です: {flag}")
	FlagValue      = say3[string, string, error]("request.flag_value",
		`invalid argument "{value}" for "{flag}" flag: {error}`,
		`フラグ {flag} の値 "{value}" が正しくありません: {error}`)
	TokenWrong = say0("request.token",
		"the token is missing or wrong; it is in the file token in bus.dir",
		"トークンがないか正しくありません。bus.dir の token ファイルにあります")
	UnknownHost = say0("request.host_header",
		"unknown Host header; use the address in web.listen, or write the name in web.hosts",
		"Host ヘッダが正しくありません。web.listen のアドレスを使うか、その名前を web.hosts に書いてください")
	AnswersOtherwise = say1[string]("request.answers_otherwise",
		"it answered {status}; is another program listening at web.listen?",
		"応答は {status} です。web.listen で別のプログラムが待ち受けていないか確認してください")

	FlagHelp    = say1[string]("help.flag", "help for {command}", "{command} のヘルプ")
	FlagVersion = say1[string]("help.version", "version for {command}", "{command} のバージョン")
	DefaultIs   = say0("help.default", "(default", "(既定値")
)
