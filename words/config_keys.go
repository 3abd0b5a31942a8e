package words

import "dswatch/event"

// What is wrong with the value of one key of the configuration, by the part
// that it belongs to. The place and the key stand before it.
var (
	AtPlace = say3[string, string, error]("at_place", "{position}: {key}: {error}", "{position}: {key}: {error}")

	NoLetterNorDigit = say1[string]("warning.host_sign",
		`"{host}" has no letter and no digit; write the host's name, or leave it out for that of the operating system`,
		`"{host}" に文字も数字もありません。ホストの名前を書くか、OS のホスト名を使う場合は削除してください`)
	LooksLike = say2[string, string]("warning.looks_like",
		`"{name}" looks like "{plain}" and is another name (composed and decomposed characters, or their widths); write the second`,
		`"{name}" は "{plain}" と見た目が同じで別の名前です (文字の合成・分解や全角・半角の違い)。後者を書いてください`)
	OneOnWindows = say2[string, string]("warning.one_on_windows",
		`"{name}" and "{into}" are one on Windows, which does not tell case; they are watched there as one item, "{into}": remove one of them, and write that name in routes and silences`,
		`Windows では大文字と小文字を区別しないため、"{name}" と "{into}" は 1 つの監視項目 "{into}" として扱います。どちらか一方を削除し、経路とサイレンスにも残した名前を書いてください`)
	NotRepeated = say2[string, string]("warning.not_repeated",
		"alerts are not repeated to sink {sink}, so one that lasts longer than {time} is taken for over there; repeat them, or write a longer time",
		"通知先 {sink} には再通知しないため、{time} を超えて続くアラートは復旧したとみなされます。再通知するか、より長い時間を書いてください")
	NoRouteLeads = say1[string]("warning.no_route",
		"no route leads to sink {sink}, so it is told nothing; add a route or remove the sink",
		"通知先 {sink} への経路がないため、何も通知されません。経路を追加するか、通知先を削除してください")
	AnAlert      = say0("warning.an_alert", "an alert", "アラート")
	AnAlertWith  = say1[string]("warning.an_alert_with", "an alert with {matchers}", "{matchers} のアラート")
	ToldNobodyAt = say3[Phrase, int, string]("warning.told_nobody_at",
		"{what} {certain|is|may be} told to nobody at {when}, for example, until the hours of a route begin; end with a route without match and hours",
		"{what} は、経路の時間帯が始まるまで (例: {when}) 誰にも{certain|通知されません|通知されない可能性があります}。最後に match も hours もない経路を置いてください")
	ToldNobody = say2[Phrase, int]("warning.told_nobody",
		"{what} {certain|is|may be} told to nobody, because no route matches it; end with a route without match",
		"{what} は、一致する経路がないため誰にも{certain|通知されません|通知されない可能性があります}。最後に match のない経路を置いてください")
	OpensOnEither = say1[string]("warning.opens_on_either",
		`"{schedule}" opens on each of these days of the month and, as cron has it, on each of these weekdays besides; for the second Saturday write 0 2 * * SAT#2`,
		`"{schedule}" は cron の規則により、指定した日と指定した曜日の両方で始まります。第 2 土曜日の場合は 0 2 * * SAT#2 と書いてください`)
	LastsForever = say2[string, string]("warning.bounded",
		"{value} is longer than anything can last; {most} counts instead",
		"{value} は扱える最長の時間を超えているため、{most} として扱います")
	VariableNotReplaced = say2[string, string]("warning.variable",
		"{name} is not replaced here; write the path as it is, such as {example}",
		"{name} はここでは展開されません。{example} のように実際のパスを書いてください")
	DirRelative = say2[string, string]("warning.dir_relative",
		"{dir} is below whatever directory dswatch is started in, another one as a service; write an absolute path, such as {example}",
		"{dir} は dswatch を起動したディレクトリからの相対パスで、サービスとして起動すると別の場所になります。{example} のように絶対パスを書いてください")
	APIIsPublic = say0("warning.api_public",
		"other hosts can reach the API and read the metrics, and nothing is encrypted; write 127.0.0.1 unless a firewall stands before it",
		"他のホストから API に接続してメトリクスを読み取れる状態で、通信は暗号化されません。ファイアウォールで保護していない場合は 127.0.0.1 を書いてください")
	BadTZ = say1[string]("warning.tz",
		`the environment variable TZ is "{zone}", which is no time zone known here, so all times are UTC; set it to a name such as Asia/Tokyo and see that tzdata is installed, or write time_zone in the configuration`,
		`環境変数 TZ の "{zone}" はこのホストで使えるタイムゾーンではないため、すべての時刻が UTC になります。Asia/Tokyo のような名前を設定して tzdata の導入を確認するか、設定に time_zone を書いてください`)

	PortBudget = say4[int, int, int, int]("budget.ports",
		"{n} ports of other hosts ({names} names to look up), at most {parallel} asked at a time and {rate} begun per second:",
		"他ホストのポート {n} 個 (名前解決 {names} 件)、同時に {parallel} 個、毎秒 {rate} 個まで:")
	RemoteBudget = say3[int, int, int]("budget.remote",
		"{n} hosts, at most {parallel} at a time, {logins} logins at one address:",
		"ホスト {n} 台、同時に {parallel} 台、1 つのアドレスへのログインは同時に {logins} 件まで:")
	VSphereBudget = say3[int, int, string]("budget.vsphere",
		"{n} hosts, at most {parallel} asked at a time, {time} for each:",
		"ホスト {n} 台、同時に {parallel} 台、1 台あたり {time} まで:")
	LookBudget = say3[string, string, string]("budget.look",
		"a look takes {worst} at worst (timeout {has}, schedule {schedule})",
		"1 回の確認は最長 {worst} (timeout は {has}、schedule は {schedule})")
	OneLookBudget = say2[string, string]("budget.one_look",
		"a look at one takes {most} at most, schedule {schedule}",
		"1 台の確認は最長 {most} (schedule は {schedule})")
	Negative20s = say1[string]("rule.negative20s",
		"{value} is negative; write 0s or more, such as 20s",
		"{value} は負の値です。0s 以上 (例: 20s) を書いてください")
	Negative5m = say1[string]("rule.negative5m",
		"{value} is negative; write 0s or more, such as 5m",
		"{value} は負の値です。0s 以上 (例: 5m) を書いてください")
	Negative30s = say1[string]("rule.negative30s",
		"{value} is negative; write 0s or more, such as 30s",
		"{value} は負の値です。0s 以上 (例: 30s) を書いてください")
	NegativeNever = say1[string]("rule.negative_never",
		"{value} is negative; write 0s for never, or a time such as 5m",
		"{value} は負の値です。使わない場合は 0s、使う場合は 5m のような時間を書いてください")
	SilentTooShort = say2[string, string]("rule.silent_too_short",
		"{value} is too short: hosts report every 5m; write 0s for never, or {least} or more",
		"{value} は短すぎます (ホストの報告は 5m ごとです)。使わない場合は 0s、使う場合は {least} 以上を書いてください")
	RepeatFloods = say1[string]("rule.repeat_floods",
		"{value} would flood the sinks; write 0s for never, or 1m or more",
		"{value} では通知が多すぎます。再通知しない場合は 0s、する場合は 1m 以上を書いてください")
	EscalateTooShort = say1[string]("rule.escalate_too_short",
		"{value} is too short; write 1m or more, such as 15m",
		"{value} は短すぎます。1m 以上 (例: 15m) を書いてください")
	EscalateNobody = say0("rule.escalate_nobody",
		"the escalation names no sink; write sinks: [NAME]",
		"エスカレーションの通知先がありません。sinks: [NAME] を書いてください")
	FlapChanges = say2[int, int]("rule.flap_changes",
		"{n} is out of range: one restart is 2 changes; write 3 to {most}, or 0 for never",
		"{n} は範囲外です (再起動 1 回で 2 回変化します)。3 から {most}、使わない場合は 0 を書いてください")
	FlapWindow = say1[string]("rule.flap_window",
		"{value} is too short for changes to be seen; write 1m or more, such as 10m",
		"{value} は変化を捉えるには短すぎます。1m 以上 (例: 10m) を書いてください")
	FlapSettle = say1[string]("rule.flap_settle",
		"{value} is too short to tell that it has settled; write 1m or more, such as 10m",
		"{value} は安定したと判断するには短すぎます。1m 以上 (例: 10m) を書いてください")
	NotAZone = say1[string]("rule.not_a_zone",
		`"{zone}" is not a time zone; write a name such as Asia/Tokyo or UTC`,
		`"{zone}" はタイムゾーンではありません。Asia/Tokyo や UTC のような名前を書いてください`)
	EndOfDay = say1[string]("rule.end_of_day",
		`"{time}" is the end of the day; write 00:00 and the next day`,
		`"{time}" は 1 日の終わりです。翌日の 00:00 を書いてください`)
	HoursNeverCome = say2[string, string]("rule.hours_never_come",
		`from {from} to {to} never comes; for the whole day write from: "00:00" and to: "24:00"`,
		`{from} から {to} までの時間帯はありません。終日の場合は from: "00:00" と to: "24:00" を書いてください`)
	NotATimeOfDay = say1[string]("rule.not_a_time_of_day",
		`"{time}" is not a time of the day; write one from 00:00 to 24:00, such as 09:00`,
		`"{time}" は時刻ではありません。00:00 から 24:00 の範囲 (例: 09:00) で書いてください`)
	NotADay = say2[string, []string]("rule.not_a_day",
		`"{day}" is not a day of the week; write some of {days}, such as mon-fri or sat,sun`,
		`"{day}" は曜日ではありません。{days} を使って mon-fri や sat,sun のように書いてください`)
	MatcherTooLong = say2[int, int]("rule.matcher_too_long",
		"a matcher of {n} bytes is too long; at most {most} are allowed",
		"条件が {n} バイトあり長すぎます (上限 {most} バイト)")
	NotAMatcher = say1[string]("rule.not_a_matcher",
		`"{text}" is not a matcher; write FIELD=VALUE, such as host=web01 or name=~"ds_.*"`,
		`"{text}" は条件ではありません。host=web01 や name=~"ds_.*" のように FIELD=VALUE の形で書いてください`)
	NotAField = say2[string, []string]("rule.not_a_field",
		`"{field}" is not a field of an alert; write one of {fields}`,
		`"{field}" はアラートの項目名ではありません。次のいずれかを書いてください: {fields}`)
	NoOperator = say1[string]("rule.no_operator",
		`"{text}" has no operator; write one of =, !=, =~, !~`,
		`"{text}" に演算子がありません。=、!=、=~、!~ のいずれかを書いてください`)
	ValueNotClosed = say1[string]("rule.value_not_closed",
		`the value {value} is not closed by a quote or holds a bad escape; write it as "VALUE"`,
		`値 {value} の引用符が閉じていないか、エスケープが正しくありません。"VALUE" の形で書いてください`)
	ValueOperator = say2[string, string]("rule.value_operator",
		`"{text}" has a value that begins with {sign}; write one operator, and such a value as "VALUE"`,
		`"{text}" の値が {sign} で始まっています。演算子は 1 つだけにし、そのような値は "VALUE" の形で書いてください`)
	MatcherNoValue = say2[string, string]("rule.matcher_no_value",
		`"{text}" has no value; write one: no alert is without a {field}`,
		`"{text}" に値がありません。{field} のないアラートはないため、値を書いてください`)
	NotRE2 = say2[string, error]("rule.not_re2",
		`"{text}" is not an RE2 expression: {error}; see https://golang.org/s/re2syntax`,
		`"{text}" は RE2 の正規表現ではありません ({error})。https://golang.org/s/re2syntax を参照してください`)
	AcceptsNone = say2[string, []string]("rule.accepts_none",
		`"{text}" accepts none of {values}; an expression must match the whole value`,
		`"{text}" に一致する値がありません ({values})。正規表現は値全体に一致する必要があります`)
	NotAValueOfField = say3[string, string, []string]("rule.not_a_value_of_field",
		`"{value}" is not a {field}; write one of {values}`,
		`"{value}" は {field} の値ではありません。次のいずれかを書いてください: {values}`)
	RouteNobody = say0("rule.route_nobody",
		"the route names no sink; write sinks: [NAME], or take unwanted rows off the list with watch.ignore",
		"通知経路に通知先がありません。sinks: [NAME] を書くか、不要な行を watch.ignore で監視対象から外してください")
	NotASeverity = say2[string, []string]("rule.not_a_severity",
		`"{text}" is not a severity; write one of {values}`,
		`"{text}" は重大度ではありません。次のいずれかを書いてください: {values}`)
	EscalateSame = say0("rule.escalate_same",
		"all of its sinks are told at once by the route itself; name another one, or remove it",
		"エスカレーションの通知先には、通知経路から最初にすべて通知されます。別の通知先を指定するか、削除してください")
	NoSuchCombination = say0("rule.no_such_combination",
		"no alert has such a combination; remove a matcher",
		"この組み合わせに一致するアラートはありません。条件を減らしてください")
	SilenceAll = say0("rule.silence_all",
		"a silence without matchers would silence everything; write at least one, such as host=web01",
		"条件のないサイレンスはすべての通知を抑止します。host=web01 のような条件を 1 つ以上書いてください")
	MatchersTooLong = say1[int]("rule.matchers_too_long",
		`the matchers are longer than {n} bytes; use an expression such as host=~"web.*", or several silences`,
		`条件が {n} バイトを超えています。host=~"web.*" のような正規表現を使うか、複数のサイレンスに分けてください`)
	SilenceNeedsAuthor = say0("rule.silence_needs_author",
		"a silence needs an author and a comment; say who and why, for those on the next shift",
		"サイレンスには作成者とコメントが必要です。引き継ぐ人のために、誰が、なぜ作成したかを書いてください")
	SilenceEndsEarly = say1[string]("rule.silence_ends_early",
		"the silence ends at {time}, which is not after its start; give a later end",
		"サイレンスの終了 {time} が開始以前です。開始より後の時刻を指定してください")
	SilenceEndAndWait = say0("rule.silence_end_and_wait",
		"the silence has an end, so it waits for nothing; leave out one of them",
		"終了を指定したサイレンスに待ち時間は指定できません。どちらか一方だけを指定してください")
	SilenceWaitsEarly = say1[string]("rule.silence_waits_early",
		"the silence waits for its first alert until {time}, which is not after its start; give a later time",
		"最初のアラートを待つ期限 {time} が開始以前です。開始より後の時刻を指定してください")
	SilenceForeverAndEnd = say0("rule.silence_forever_and_end",
		"a silence for ever has no other end; give one of them",
		"無期限のサイレンスに終了は指定できません。どちらか一方だけを指定してください")
	SilenceNoSchedule = say0("rule.silence_no_schedule",
		"only a silence that comes again and again has a length and a time zone; give a schedule, too",
		"毎回の長さとタイムゾーンは、繰り返すサイレンスだけに指定できます。スケジュールも指定してください")
	SilenceScheduleAndWait = say0("rule.silence_schedule_and_wait",
		"a silence that comes again and again does not wait for an alert; leave out one of them",
		"繰り返すサイレンスは最初のアラートを待てません。どちらか一方だけを指定してください")
	SilenceEnded = say1[string]("rule.silence_ended",
		"silence {id} has ended already; add a new one",
		"サイレンス {id} はすでに終了しています。新しく追加してください")
	SilenceNotAgain = say1[string]("rule.silence_not_again",
		"silence {id} does not come again; expire it and add one that does",
		"サイレンス {id} は繰り返しません。終了させ、繰り返すサイレンスを追加してください")
	SilenceAgainNoWait = say1[string]("rule.silence_again_no_wait",
		"silence {id} comes again and again and does not wait for an alert; give a time after which it does not come any more",
		"サイレンス {id} は繰り返すため、アラートを待ちません。繰り返しを終える時刻を指定してください")
	SilenceAgainForever = say1[string]("rule.silence_again_forever",
		"silence {id} comes again and again until somebody expires it; give how long it lasts each time",
		"サイレンス {id} は終了させるまで繰り返します。毎回の長さを指定してください")
	SilenceOneEnd = say0("rule.silence_one_end",
		"a silence has one end; give a time, or say that it ends when all is well again",
		"サイレンスの終了の指定は 1 つだけです。時刻か、復旧時の終了かのどちらかを指定してください")
	SilenceWaitAlone = say0("rule.silence_wait_alone",
		"only a silence that ends when all is well again waits for an alert; say so, too",
		"アラートを待つのは復旧時に終了するサイレンスだけです。復旧時の終了も指定してください")
	SilenceUnchanged = say0("rule.silence_unchanged",
		"nothing of the silence is changed; give matchers, an end, times or a comment",
		"変更がありません。条件、終了、時間またはコメントを指定してください")
	SilenceEditPast = say1[string]("rule.silence_edit_past",
		"the silence would have ended at {time}; give an end in the future, or expire it",
		"サイレンスの終了が過去の {time} になります。将来の時刻を指定するか、終了させてください")
	SilenceManyChanges = say1[int]("rule.silence_many_changes",
		"the silence was changed {n} times; expire it and add a new one",
		"サイレンスはすでに {n} 回変更されています。終了させて新しく追加してください")
	SilenceLongHistory = say1[int]("rule.silence_long_history",
		"the history of the silence is longer than {n} bytes; expire it and add a new one",
		"サイレンスの履歴が {n} バイトを超えています。終了させて新しく追加してください")
	StormAlerts = say1[int]("rule.storm_alerts",
		"{n} is out of range; write 2 to 10000, such as 20, or 0 for never",
		"{n} は範囲外です。2 から 10000 (例: 20)、使わない場合は 0 を書いてください")
	StormWindow = say1[string]("rule.storm_window",
		"{value} is out of range; write 1s to 1h, such as 1m",
		"{value} は範囲外です。1s から 1h (例: 1m) の範囲で書いてください")
	StormEvery = say1[string]("rule.storm_every",
		"{value} would flood the sinks; write 5s or more, such as 30s",
		"{value} では通知が多すぎます。5s 以上 (例: 30s) を書いてください")
	StormSettle = say2[string, string]("rule.storm_settle",
		"{value} is shorter than the window; write {least} or more, such as 10m",
		"{value} は window より短くなっています。{least} 以上 (例: 10m) を書いてください")
	NotAWindowName = say1[string]("rule.not_a_window_name",
		`"{name}" is not a name; write up to 64 letters, digits and dashes, such as patch-night`,
		`"{name}" は名前に使えません。64 文字以内の英数字とハイフン (例: patch-night) で書いてください`)
	WindowTooShort = say1[string]("rule.window_too_short",
		"{value} is too short; write 1m or more, such as 3h",
		"{value} は短すぎます。1m 以上 (例: 3h) を書いてください")
	CronTooLong = say2[int, int]("rule.cron_too_long",
		"{n} bytes are longer than a cron expression; write at most {most}, such as 0 2 * * SAT",
		"cron 式が {n} バイトあり長すぎます。{most} バイト以内 (例: 0 2 * * SAT) で書いてください")
	ZoneHasKey = say0("rule.zone_has_key",
		"the time zone has a key of its own; write it as time_zone",
		"タイムゾーンは time_zone キーに書いてください")
	NotCron = say2[string, error]("rule.not_cron",
		`"{text}" is not a cron expression: {error}; write minute, hour, day, month and weekday, such as 0 2 * * SAT`,
		`"{text}" は cron 式ではありません ({error})。分、時、日、月、曜日を 0 2 * * SAT のように書いてください`)
	NoFixedBeginning = say1[string]("rule.no_fixed_beginning",
		`"{text}" has no fixed beginning; write a cron expression, such as 0 2 * * SAT`,
		`"{text}" では開始時刻が決まりません。0 2 * * SAT のような cron 式を書いてください`)
	NotNthWeekday = say1[string]("rule.not_nth_weekday",
		`"{text}" is not the first to fifth of a weekday`,
		`"{text}" は第 1 から第 5 の曜日ではありません`)
	WeekdayAndDay = say1[string]("rule.weekday_and_day",
		`"{text}" and days of the month exclude each other`,
		`"{text}" と月の日は同時に指定できません`)
	CronNeverComes = say1[string]("rule.cron_never_comes",
		`"{text}" never comes; there is no such day`,
		`"{text}" に当てはまる日はありません。cron 式を修正してください`)
	WindowNeverCloses = say1[string]("rule.window_never_closes",
		"the window opens again before {value} are over, so it never closes; shorten it",
		"{value} が過ぎる前に再び始まるため、終了しません。時間を短くしてください")
	WindowFault = say2[string, error]("rule.window_fault",
		"window {name}: {error}",
		"window {name}: {error}")
	BadSchedule = say3[string, error, string]("detector.bad_schedule",
		`parse schedule "{text}": {error}; {example}`,
		`スケジュール "{text}" を解釈できません: {error}。{example}`)
	NothingAfterZone = say0("detector.nothing_after_zone",
		"nothing follows the time zone",
		"タイムゾーンの後に何もありません")
	ZoneEmpty = say0("detector.zone_empty",
		"the time zone is empty",
		"タイムゾーンが空です")
	NoDurationWithUnit = say1[string]("detector.no_duration_with_unit",
		`"{text}" is not a duration with a unit`,
		`"{text}" は単位のある時間ではありません`)
	IntervalNotWhole = say1[string]("detector.interval_not_whole",
		"the interval {value} is not one or more whole seconds",
		"間隔 {value} は 1 秒以上の整数秒ではありません")
	NeverComes = say0("detector.never_comes",
		"it never comes",
		"実行される時刻がありません")
	TimeoutRange = say2[string, string]("detector.timeout_range",
		"{value} is not above 0s and at most {most}; write for example 5s",
		"{value} は範囲外です。0s より長く {most} 以下の時間 (例: 5s) を書いてください")
	JitterTooLong = say3[string, string, string]("detector.jitter_too_long",
		"{value} is not shorter than the {gap} between two looks; write for example 0s or {example}",
		"{value} は確認の間隔 {gap} より短くありません。0s や {example} のように書いてください")
	NotAFingerprint = say0("detector.not_a_fingerprint",
		"is not a SHA-256 fingerprint; write the 64 digits that openssl x509 -noout -fingerprint -sha256 prints",
		"SHA-256 のフィンガープリントではありません。openssl x509 -noout -fingerprint -sha256 が表示する 64 桁を書いてください")
	NoReadablePEM = say1[error]("detector.no_readable_pem",
		"{error}; write the path of a readable PEM file",
		"{error}。読み取れる PEM ファイルのパスを書いてください")
	NoCertificate = say1[string]("detector.no_certificate",
		"{file} holds no certificate; write the path of a PEM file with -----BEGIN CERTIFICATE-----",
		"{file} に証明書がありません。-----BEGIN CERTIFICATE----- を含む PEM ファイルのパスを書いてください")
	LateTooShort = say1[string]("detector.late_too_short",
		"{value} is shorter than a minute; write three times the heartbeat interval, such as 30m",
		"{value} は 1 分未満です。ハートビート間隔の 3 倍 (例: 30m) を書いてください")
	PageRange = say1[int]("detector.page_range",
		"{n} is not between 1 and 5000; write for example 500",
		"{n} は 1 から 5000 の範囲にありません。500 のように書いてください")
	NotAnEdition = say1[string]("detector.not_an_edition",
		`"{text}" is neither deep_security nor workload_security; write one of them`,
		`"{text}" は deep_security でも workload_security でもありません。どちらかを書いてください`)
	KeyLineBreak = say0("detector.key_line_break",
		"holds a line break; write the key on one line",
		"改行が含まれています。キーを 1 行で書いてください")
	URLBesideKey = say0("detector.url_beside_key",
		"is missing beside api_key; write the manager's address, such as https://dsm.example.com:4119",
		"api_key に対応する値がありません。Manager のアドレスを https://dsm.example.com:4119 のように書いてください")
	NotManagerURL = say0("detector.not_manager_url",
		"is not an https address without user and query; write for example https://dsm.example.com:4119",
		"ユーザとクエリを含まない https のアドレスではありません。https://dsm.example.com:4119 のように書いてください")
	NotProxyAddress = say0("detector.not_proxy_address",
		"is not the address of a proxy; write for example http://proxy.example.com:3128, or none",
		"プロキシのアドレスではありません。http://proxy.example.com:3128 のように書くか、none と書いてください")
	ManagerURLEmpty = say0("detector.manager_url_empty",
		"is empty; write the manager's address, such as https://dsm.example.com:4119",
		"空です。Manager のアドレスを https://dsm.example.com:4119 のように書いてください")
	PatternEmpty = say0("detector.pattern_empty",
		"executable pattern is empty; write an absolute path",
		"実行ファイルのパターンが空です。絶対パスを書いてください")
	PatternNotAbsolute = say1[string]("detector.pattern_not_absolute",
		`executable pattern "{text}" is not absolute; write for example /opt/ds_agent/**/nginx`,
		`実行ファイルのパターン "{text}" は絶対パスではありません。/opt/ds_agent/**/nginx のように書いてください`)
	PatternBad = say2[string, error]("detector.pattern_bad",
		`executable pattern "{text}": {error}; write [...] closed and in order`,
		`実行ファイルのパターン "{text}" が正しくありません ({error})。[...] を閉じ、範囲は小さい順に書いてください`)
	RateRange = say3[int, int, int]("detector.rate_range",
		"{n} probes per second is out of range; write 1 to {most}, such as {example}",
		"毎秒 {n} 回は範囲外です。1 から {most} (例: {example}) の範囲で書いてください")
	PortsEmpty = say0("detector.ports_empty",
		"is empty; write at least one, such as [4118]",
		"空です。[4118] のように 1 つ以上書いてください")
	WriteAWord = say1[error]("detector.write_a_word",
		"{error}; write a word such as agent",
		"{error}。agent のような語を書いてください")
	PortListed = say2[int, int]("detector.port_listed",
		"{port} of this host is already listed in targets[{i}]; write it once",
		"このホストのポート {port} は targets[{i}] にもあります。1 回だけ書いてください")
	PortAskedOtherwise = say2[string, int]("detector.port_asked_otherwise",
		"{place} is asked in another way in targets[{i}]; an endpoint is probed once, so write the same method, timeout, min_version and server_name in both",
		"{place} は targets[{i}] で別の方法で確認されます。接続先の確認は 1 回だけのため、method、timeout、min_version、server_name を両方で同じにしてください")
	PortSameItem = say4[string, string, int, string]("detector.port_same_item",
		"{host} is {other} of targets[{i}], written in another way; they are one item, {key}; remove one of them",
		"{host} は targets[{i}] の {other} と表記が異なるだけの同じ監視項目 ({key}) です。どちらか一方を削除してください")
	PortsTooSlow = say3[int, string, string]("detector.ports_too_slow",
		"a look at {n} ports takes {worst} at worst, and timeout gives it {has}; what it does not get to is unknown and comes first the next time; leave timeout out, or raise it",
		"ポート {n} 個の確認に最長 {worst} かかりますが、timeout は {has} です。確認できなかったものは不明となり、次回は最初に確認します。timeout を削除するか、延ばしてください")
	PortsTooOften = say4[int, string, string, string]("detector.ports_too_often",
		"a look at {n} ports takes {worst} at worst, longer than the {every} between two; looks are left out then; write for example @every {example}",
		"ポート {n} 個の確認に最長 {worst} かかり、確認の間隔 {every} を超えるため、確認が省かれることがあります。@every {example} のように書いてください")
	NotAMethod = say1[string]("detector.not_a_method",
		`"{text}" is no method; write listen, syn, connect or tls`,
		`"{text}" は確認方法ではありません。listen、syn、connect、tls のいずれかを書いてください`)
	ListenIsLocal = say0("detector.listen_is_local",
		"listen reads this host's own table of sockets; leave host out, or write method: syn",
		"listen はこのホストのソケットの一覧を読み取ります。host を削除するか、method: syn を書いてください")
	HostEmpty = say1[string]("detector.host_empty",
		"is empty, and method {method} asks another host; write its name or address, or method: listen for this host",
		"空です。method {method} は他のホストを確認します。その名前かアドレスを書くか、このホストの場合は method: listen を書いてください")
	NotATCPPort = say1[int]("detector.not_a_tcp_port",
		"{n} is no TCP port; write a number from 1 to 65535",
		"{n} は TCP ポートではありません。1 から 65535 の数値を書いてください")
	NoEffectOnListen = say0("detector.no_effect_on_listen",
		"has no effect on method listen; leave it out",
		"method: listen では効果がありません。削除してください")
	ProbeTimeout = say3[string, string, string]("detector.probe_timeout",
		"{value} is out of range; write {least} to {most}, such as 3s",
		"{value} は範囲外です。{least} から {most} (例: 3s) の範囲で書いてください")
	ListenOnly = say0("detector.listen_only",
		"has an effect on method listen only; leave it out",
		"method: listen だけで有効です。削除してください")
	ConnectOnly = say0("detector.connect_only",
		"has an effect on methods connect and tls only; leave it out",
		"method: connect と tls だけで有効です。削除してください")
	TLSOnly = say0("detector.tls_only",
		"has an effect on method tls only; leave it out, or write method: tls",
		"method: tls だけで有効です。削除するか、method: tls を書いてください")
	NotATLSVersion = say1[string]("detector.not_a_tls_version",
		`"{text}" is no version of TLS; write "1.0", "1.1", "1.2" or "1.3"`,
		`"{text}" は TLS のバージョンではありません。"1.0"、"1.1"、"1.2"、"1.3" のいずれかを書いてください`)
	NotADNSName = say1[string]("detector.not_a_dns_name",
		`"{text}" is no DNS name; write one, or leave it out`,
		`"{text}" は DNS 名ではありません。DNS 名を書くか、削除してください`)
	HandshakeErrors = say1[string]("detector.handshake_errors",
		"{method} on port 4118 makes the agent log a failed handshake each time; write method: syn, or accept_handshake_errors: true beside it",
		"ポート 4118 に {method} を使うと、Agent が毎回ハンドシェイクの失敗を記録します。method: syn を書くか、accept_handshake_errors: true を併記してください")
	NotOneHost = say1[string]("detector.not_one_host",
		"{address} is not the address of one host; write that",
		"{address} は 1 台のホストのアドレスではありません。ホストのアドレスを書いてください")
	HostIsURL = say1[string]("detector.host_is_url",
		`"{text}" is a URL; write the host alone`,
		`"{text}" は URL です。ホストだけを書いてください`)
	HostHoldsPort = say3[string, string, string]("detector.host_holds_port",
		`"{text}" holds a port; write host: {host} and ports: [{port}]`,
		`"{text}" にポートが含まれています。host: {host} と ports: [{port}] に分けて書いてください`)
	NotAddressNorName = say1[string]("detector.not_address_nor_name",
		`"{text}" is neither an address nor a DNS name; write one, such as 192.0.2.10 or web01.example.com`,
		`"{text}" はアドレスでも DNS 名でもありません。192.0.2.10 や web01.example.com のように書いてください`)
	ConfirmRange = say2[string, string]("detector.confirm_range",
		"{value} is not between 0s and {most}; write for example 16s",
		"{value} は 0s から {most} の範囲にありません。16s のように書いてください")
	BesideKeyFile = say0("detector.beside_key_file",
		"is written beside key_file; keep one of them",
		"key_file と同時に書かれています。どちらか一方にしてください")
	PathNotAbsoluteNamed = say2[string, string]("detector.path_not_absolute_named",
		`"{text}" is not an absolute path; write for example /etc/dswatch/{name}`,
		`"{text}" は絶対パスではありません。/etc/dswatch/{name} のように書いてください`)
	TargetHostTwice = say2[string, int]("detector.target_host_twice",
		"{host} is the host of targets[{i}] already; give each target its own name",
		"{host} は targets[{i}] のホストです。対象ごとに別の名前を付けてください")
	OSMissing = say0("detector.os_missing",
		"is missing; write solaris, esxi, linux or aix",
		"値がありません。solaris、esxi、linux、aix のいずれかを書いてください")
	NotOverSSH = say2[string, Phrase]("detector.not_over_ssh",
		`"{os}" cannot be looked at over SSH; {next}`,
		`"{os}" は SSH では確認できません。{next}`)
	OSBesideHost = say1[string]("detector.os_beside_host",
		"belongs beside the host; write os: {os} there and remove it here",
		"host と並べて書きます。os: {os} をそこに書き、ここから削除してください")
	ComponentsBesideHost = say0("detector.components_beside_host",
		"belongs beside the host; write components: there and remove it here",
		"host と並べて書きます。components: をそこに書き、ここから削除してください")
	NotAVendorComponent = say1[string]("detector.not_a_vendor_component",
		`"{text}" is not a component; write manager, agent or appliance`,
		`"{text}" はコンポーネントではありません。manager、agent、appliance のいずれかを書いてください`)
	KindNotOverSSH = say3[event.Kind, string, []string]("detector.kind_not_over_ssh",
		"a {kind} cannot be seen on {os} over SSH; write one of {kinds}",
		"{os} の{kind}は SSH では確認できません。次のいずれかを書いてください: {kinds}")
	HostMissing = say0("detector.host_missing",
		"is missing; write the name that alerts shall show",
		"値がありません。アラートに表示する名前を書いてください")
	NotAHostName = say1[string]("detector.not_a_host_name",
		`"{text}" is not a host name; write letters, digits, dots and dashes`,
		`"{text}" はホスト名ではありません。英数字、ドット、ハイフンで書いてください`)
	NotNameOrAddress = say1[string]("detector.not_name_or_address",
		`"{text}" is not a name or an address; write it without brackets and port`,
		`"{text}" は名前でもアドレスでもありません。括弧とポートを付けずに書いてください`)
	NotAnSSHPort = say1[int]("detector.not_an_ssh_port",
		"{n} is not a TCP port; write 1 to 65535, such as 22",
		"{n} は TCP ポートではありません。1 から 65535 (例: 22) の範囲で書いてください")
	UserMissing = say0("detector.user_missing",
		"is missing; write the user to log in as, here or as detectors.remote.user",
		"値がありません。ログインするユーザをここか detectors.remote.user に書いてください")
	NotOneUser = say1[string]("detector.not_one_user",
		`"{text}" is not a user; write one name`,
		`"{text}" はユーザ名ではありません。名前を 1 つ書いてください`)
	KeyFileMissing = say0("detector.key_file_missing",
		"is missing; write the path of the user's private key, or agent: true; passwords are not supported",
		"値がありません。ユーザの秘密鍵のパスを書くか、agent: true を書いてください。パスワードは使えません")
	KeyNotAbsolute = say1[string]("detector.key_not_absolute",
		`"{text}" is not an absolute path; write for example /etc/dswatch/id_ed25519`,
		`"{text}" は絶対パスではありません。/etc/dswatch/id_ed25519 のように書いてください`)
	KnownHostsMissing = say0("detector.known_hosts_missing",
		"is missing; write the path of a file with the host's key, as ssh-keyscan prints it",
		"値がありません。ssh-keyscan が出力する形式でホスト鍵を保存したファイルのパスを書いてください")
	PathNotAbsolute = say2[string, string]("detector.path_not_absolute",
		`"{text}" is not an absolute path; write for example {example}`,
		`"{text}" は絶対パスではありません。{example} のように書いてください`)
	ManyHang = say3[int, int, string]("detector.many_hang",
		"at most {parallel} of {n} hosts are looked at at a time, so when many hang, the others wait longer than the {every} between two looks; write a longer schedule, or a shorter timeout",
		"ホスト {n} 台のうち同時に確認するのは {parallel} 台です。多くの応答が遅れると、残りの順番待ちが確認の間隔 {every} を超えます。schedule の間隔を長くするか、timeout を短くしてください")
	TargetIsThisHost = say1[string]("detector.target_is_this_host",
		"{host} is this host, which is looked at without SSH; remove the target",
		"{host} はこのホストで、SSH を使わずに確認します。この対象を削除してください")
	NothingToSee = say2[string, string]("detector.nothing_to_see",
		"no row of the list can be seen on {os} for components {components}; write items: of your own, or remove the target",
		"{os} のコンポーネント {components} には、確認できる行が一覧にありません。items: に独自の監視項目を書くか、この対象を削除してください")
	VSphereURLMissing = say0("detector.v_sphere_url_missing",
		"is missing; write the address of a vCenter or ESXi, such as https://vcenter.example.com",
		"値がありません。vCenter または ESXi のアドレスを https://vcenter.example.com のように書いてください")
	VSphereUserMissing = say0("detector.v_sphere_user_missing",
		"is missing; write a user with the role Read-only, such as dswatch@vsphere.local",
		"値がありません。読み取り専用ロールのユーザを dswatch@vsphere.local のように書いてください")
	PasswordMissing = say0("detector.password_missing",
		"is missing; write password_file: with the path of a file that holds it",
		"値がありません。パスワードを保存したファイルのパスを password_file: に書いてください")
	CANotAbsolute = say1[string]("detector.ca_not_absolute",
		`"{text}" is not an absolute path; write for example /etc/dswatch/vcenter-ca.pem`,
		`"{text}" は絶対パスではありません。/etc/dswatch/vcenter-ca.pem のように書いてください`)
	VSphereHostsEmpty = say0("detector.v_sphere_hosts_empty",
		"is empty; write the hosts' names in the inventory, such as [esx01.example.com]",
		"空です。インベントリでのホスト名を [esx01.example.com] のように書いてください")
	AlwaysESXi = say0("detector.always_es_xi",
		"is always esxi here; remove it",
		"ここでは常に esxi です。削除してください")
	AlwaysAppliance = say0("detector.always_appliance",
		"is always [appliance] here; remove it",
		"ここでは常に [appliance] です。削除してください")
	NotInventoryName = say1[string]("detector.not_inventory_name",
		`"{text}" is not the name of a host; write it as the inventory shows it`,
		`"{text}" はホストの名前ではありません。インベントリの表示のとおりに書いてください`)
	HostListed = say2[string, int]("detector.host_listed",
		"{host} is hosts[{i}] already; write it once",
		"{host} は hosts[{i}] にもあります。1 回だけ書いてください")
	NotVSphereURL = say0("detector.not_v_sphere_url",
		"is not an https address without user, path and query; write for example https://vcenter.example.com",
		"ユーザ、パス、クエリを含まない https のアドレスではありません。https://vcenter.example.com のように書いてください")
	HostsTooSlow = say3[int, string, string]("detector.hosts_too_slow",
		"a look at {n} hosts takes {worst} at worst, and timeout gives it {has}; what it does not get to is unknown and comes first the next time; leave timeout out, or raise it",
		"ホスト {n} 台の確認に最長 {worst} かかりますが、timeout は {has} です。確認できなかったものは不明となり、次回は最初に確認します。timeout を削除するか、延ばしてください")
	HostsTooOften = say3[int, string, string]("detector.hosts_too_often",
		"a look at {n} hosts may take {has}, longer than the {every} between two; looks are left out then; write a longer schedule",
		"ホスト {n} 台の確認に最長 {has} かかり、確認の間隔 {every} を超えるため、確認が省かれることがあります。schedule の間隔を長くしてください")
	LooksOverrun = say2[string, string]("detector.looks_overrun",
		"a look may take {has} before it is given up, longer than the {every} between two; looks are left out then; write a longer schedule, or a shorter timeout",
		"1 回の確認に最長 {has} かかり、確認の間隔 {every} を超えるため、確認が省かれることがあります。schedule の間隔を長くするか、timeout を短くしてください")
	HostElsewhere = say2[string, string]("detector.host_elsewhere",
		"{host} is in {place} already; keep one of them",
		"{host} は {place} にもあります。どちらか一方にしてください")
	VSphereURLEmpty = say0("detector.v_sphere_url_empty",
		"is empty; write the address of a vCenter or ESXi, such as https://vcenter.example.com",
		"空です。vCenter または ESXi のアドレスを https://vcenter.example.com のように書いてください")
	NotAFootnote = say2[string, Phrase]("row.not_a_footnote",
		`"{text}" is not a footnote; {next}`,
		`"{text}" という注記はありません。{next}`)
	RowListed = say3[string, string, string]("row.row_listed",
		"{row} of {component} is on the list already; to replace the vendor's row, write {same} into watch.ignore as well",
		"{component} の {row} はすでに一覧にあります。ベンダの行を置き換える場合は、{same} を watch.ignore にも書いてください")
	MatchesNoRow = say2[string, Phrase]("row.matches_no_row",
		`"{text}" matches no row; {next}`,
		`"{text}" に一致する行がありません。{next}`)
	KindNotLookedFor = say2[event.Kind, []string]("row.kind_not_looked_for",
		"a {kind} is not looked for on a host; write {kinds:either}",
		"{kind}はホスト上では確認しません。{kinds:either} を書いてください")
	NotAComponent = say2[string, Phrase]("row.not_a_component",
		`"{text}" is not a component; {next}`,
		`"{text}" はコンポーネントではありません。{next}`)
	ThereTwice = say1[string]("row.there_twice",
		"{text} is there twice; remove one",
		"{text} が 2 つあります。どちらか一方を削除してください")
	FolderNotAbsolute = say1[string]("row.folder_not_absolute",
		`"{text}" is not an absolute path; write one like /opt/ds_agent`,
		`"{text}" は絶対パスではありません。/opt/ds_agent のように書いてください`)
	NotAComputer = say1[string]("row.not_a_computer",
		`"{text}" is not the number of a computer; write the one that the manager's API and events give it, such as 42`,
		`"{text}" はコンピュータの番号ではありません。Manager の API やイベントに表示される番号 (例: 42) を書いてください`)
	NotAValueOfFact = say2[string, Phrase]("row.not_a_value_of_fact",
		`"{text}" is not a value of it; {next}`,
		`"{text}" はこの項目の値ではありません。{next}`)
	ConditionTooLong = say2[int, int]("row.condition_too_long",
		"parse condition: {n} bytes, at most {most} are allowed; split the row",
		"条件が {n} バイトあり長すぎます (上限 {most} バイト)。行を分けてください")
	AfterAlways = say1[string]("row.after_always",
		`"{text}" after always; write always alone`,
		`always の後に "{text}" があります。always は単独で書いてください`)
	WhereAndOr = say1[string]("row.where_and_or",
		`"{text}" where AND, OR or the end was expected`,
		`"{text}" の位置には AND、OR または条件の終わりが必要です`)
	TooNested = say1[int]("row.too_nested",
		"more than {n} parentheses or NOTs inside each other; write it flatter",
		"括弧や NOT の入れ子が {n} 段を超えています。入れ子を浅くしてください")
	WhereParenthesis = say1[string]("row.where_parenthesis",
		`"{text}" where ) was expected`,
		`"{text}" の位置には ) が必要です`)
	NothingAskedVersion = say2[string, string]("row.nothing_asked_version",
		"nothing is asked of {fact}; write {same} >= VERSION",
		"{fact} の条件がありません。{same} >= VERSION のように書いてください")
	NothingAskedValue = say3[string, string, []string]("row.nothing_asked_value",
		"nothing is asked of {fact}; write {same} is VALUE with one of {values}",
		"{fact} の条件がありません。{same} is VALUE のように書いてください (VALUE: {values})")
	ValueMissing = say2[string, string]("row.value_missing",
		"a value is missing after {fact} {sign}",
		"{fact} {sign} の後に値がありません")
	NotComparable = say2[string, string]("row.not_comparable",
		"{fact} is not a version and cannot be compared by {sign}; write is or is not",
		"{fact} はバージョンではないため {sign} で比較できません。is または is not を使ってください")
	NotAValueOf = say3[string, string, Phrase]("row.not_a_value_of",
		`"{text}" is not a value of {fact}; {next}`,
		`"{text}" は {fact} の値ではありません。{next}`)
	ConditionEnds = say0("row.condition_ends",
		"the condition ends where a fact was expected",
		"事実の名前が必要な位置で条件が終わっています")
	NoComponentsAsked = say0("row.no_components_asked",
		"components cannot be asked for; write the row's component instead",
		"components は条件に使えません。代わりに行の component を書いてください")
	NotAFact = say2[string, Phrase]("row.not_a_fact",
		`"{text}" is not a fact; {next}`,
		`"{text}" という事実はありません。{next}`)
	NotAComparison = say1[string]("row.not_a_comparison",
		`"{text}" is not a comparison; write is, is not, <, <=, > or >=`,
		`"{text}" は比較演算子ではありません。is、is not、<、<=、>、>= のいずれかを書いてください`)
	NotARow = say1[string]("row.not_a_row",
		`"{text}" is not a row; write it as kind/name, such as process/ds_agent`,
		`"{text}" は行ではありません。process/ds_agent のように kind/name の形で書いてください`)
	RowItself = say1[string]("row.row_itself",
		"{row} is the row itself; remove it",
		"{row} はこの行自身です。削除してください")
	RowWaitsForItself = say3[string, string, string]("row.row_waits_for_itself",
		"{row} waits for itself: {from} -> {way}; remove one of them",
		"{row} の依存が循環しています ({from} -> {way})。いずれかを削除してください")
	NotACount = say2[int, int]("row.not_a_count",
		"{n} is not a count; write 1 to {most}",
		"{n} は個数ではありません。1 から {most} の範囲で書いてください")
	KindOnce = say1[event.Kind]("row.kind_once",
		"a {kind} is there once or not at all; remove it",
		"{kind}の個数は指定できません。削除してください")
	NotAStateAsked = say2[string, string]("row.not_a_state_asked",
		`"{text}" is not a state that can be asked of {row}; write up or lost`,
		`"{text}" は {row} の条件に使えません。up または lost を書いてください`)
	BadCommand = say1[int]("row.bad_command",
		"is empty, longer than {n} bytes or holds control characters; write one command in one line",
		"空か、{n} バイトを超えるか、制御文字を含んでいます。1 つのコマンドを 1 行で書いてください")
	BadComponentName = say1[string]("row.bad_component_name",
		`"{text}" cannot name a component; write manager, agent, appliance or one word of your own`,
		`"{text}" はコンポーネント名に使えません。manager、agent、appliance か、独自の 1 語を書いてください`)
	KindMissing = say1[[]string]("row.kind_missing",
		"is missing; write {kinds:either}",
		"値がありません。{kinds:either} を書いてください")
	NotAKind = say2[string, Phrase]("row.not_a_kind",
		`"{text}" is not a kind; {next}`,
		`"{text}" は種別ではありません。{next}`)
	NameMissing = say1[event.Kind]("row.name_missing",
		"is missing; write the name of the {kind}",
		"値がありません。{kind}の名前を書いてください")
	BadName = say1[string]("row.bad_name",
		`"{text}" is too long, holds control characters or is surrounded by blanks; write the name as the system shows it`,
		`"{text}" は長すぎるか、制御文字を含むか、前後に空白があります。システムに表示されるとおりの名前を書いてください`)
	NameIsFolder = say1[string]("row.name_is_folder",
		`"{text}" is a directory; write the executable, and the directory below match.paths`,
		`"{text}" はディレクトリです。実行ファイルの名前を書き、ディレクトリは match.paths に書いてください`)
	NotAPort = say1[string]("row.not_a_port",
		`"{text}" is not a port; write it like 4118/tcp`,
		`"{text}" はポートではありません。4118/tcp のように書いてください`)
	NotAnArgument = say1[string]("row.not_an_argument",
		`"{text}" is not an argument or a pattern of one; write it like --config=*`,
		`"{text}" は引数でも引数のパターンでもありません。--config=* のように書いてください`)
	NotAUser = say1[string]("row.not_a_user",
		`"{text}" is not a user; write a name or a number`,
		`"{text}" はユーザではありません。名前か番号を書いてください`)
	KindByName = say1[event.Kind]("row.kind_by_name",
		"a {kind} is known by its name alone; remove it",
		"{kind}は名前だけで識別します。削除してください")
	NotAnAlias = say1[string]("row.not_an_alias",
		`"{text}" is not a name; write one without a directory, or a path below match.paths`,
		`"{text}" は名前ではありません。ディレクトリのない名前を書くか、パスを match.paths に書いてください`)
	NotAPathPattern = say1[string]("row.not_a_path_pattern",
		`"{text}" is not an absolute path or a pattern of one; write it like /opt/ds_agent/**/nginx`,
		`"{text}" は絶対パスでもそのパターンでもありません。/opt/ds_agent/**/nginx のように書いてください`)
	NotAnImpact = say2[string, Phrase]("row.not_an_impact",
		`"{text}" is not an impact; {next}`,
		`"{text}" は影響の区分ではありません。{next}`)
	TextTooLong = say1[int]("row.text_too_long",
		"is longer than {n} bytes or holds control characters; write one or two sentences in one line",
		"{n} バイトを超えるか、制御文字を含んでいます。1 行に 1、2 文で書いてください")
	ShortTooLong = say1[int]("row.short_too_long",
		"is longer than {n} bytes or holds control characters; write one short sentence in one line",
		"{n} バイトを超えるか、制御文字を含んでいます。1 行に短い 1 文で書いてください")
	StepMissing = say0("row.step_missing",
		"is missing; write one sentence that says what to do first",
		"値がありません。最初の対応を 1 文で書いてください")
	NotASystem = say2[string, Phrase]("row.not_a_system",
		`"{text}" is not a system; {next}`,
		`"{text}" は OS ではありません。{next}`)
	VersionEmpty = say0("row.version_empty",
		"parse version: it is empty; write it like 20.0.0-8438",
		"バージョンが空です。20.0.0-8438 のように書いてください")
	VersionTooLong = say2[int, int]("row.version_too_long",
		"parse version: {n} bytes, at most {most} are allowed; write it like 20.0.0-8438",
		"バージョンが {n} バイトあり長すぎます (上限 {most} バイト)。20.0.0-8438 のように書いてください")
	VersionNotASCII = say1[string]("row.version_not_ascii",
		`parse version "{text}": holds a blank or a character that is not ASCII; write it like 20.0.0-8438`,
		`バージョン "{text}" に空白か ASCII 以外の文字があります。20.0.0-8438 のように書いてください`)
	VersionPartEmpty = say2[string, int]("row.version_part_empty",
		`parse version "{text}": part {n} is empty; write it like 20.0.0-8438`,
		`バージョン "{text}" の {n} 番目が空です。20.0.0-8438 のように書いてください`)
	VersionNoNumber = say1[string]("row.version_no_number",
		`parse version "{text}": does not begin with a number; write it like 20.0.0-8438`,
		`バージョン "{text}" が数値で始まっていません。20.0.0-8438 のように書いてください`)
	VersionPartLarge = say3[string, int, int]("row.version_part_large",
		`parse version "{text}": part {n} is above {most}; write it like 20.0.0-8438`,
		`バージョン "{text}" の {n} 番目が {most} を超えています。20.0.0-8438 のように書いてください`)
	KeyOfCertMissing = say0("sink.key_of_cert_missing",
		"is missing; write the path of the key of cert_file",
		"値がありません。cert_file の鍵のパスを書いてください")
	CertOfKeyMissing = say0("sink.cert_of_key_missing",
		"is missing; write the path of the certificate of key_file",
		"値がありません。key_file の証明書のパスを書いてください")
	BadKeyPair = say1[error]("sink.bad_key_pair",
		"{error}; write a PEM certificate and, as key_file, its PEM key",
		"{error}。PEM 形式の証明書と、key_file にその PEM 形式の鍵を書いてください")
	URLMissing = say0("sink.url_missing",
		"is missing; write the far end's URL, such as https://example.com/hook",
		"値がありません。通知先の URL を https://example.com/hook のように書いてください")
	NotAURL = say0("sink.not_a_url",
		"is not a URL; write one such as https://example.com/hook",
		"URL ではありません。https://example.com/hook のように書いてください")
	NotHTTP = say0("sink.not_http",
		"is not an http or https URL; write one such as https://example.com/hook",
		"http または https の URL ではありません。https://example.com/hook のように書いてください")
	URLNoHost = say0("sink.url_no_host",
		"has no host; write a URL such as https://example.com/hook",
		"ホストがありません。https://example.com/hook のように書いてください")
	NotAProxy = say0("sink.not_a_proxy",
		"is not the URL of a proxy; write one such as http://proxy.example.com:3128, with https or socks5 where it speaks that",
		"プロキシの URL ではありません。http://proxy.example.com:3128 のように書いてください (プロキシによっては https や socks5)")
	ProxyMore = say0("sink.proxy_more",
		"holds more than a proxy's address; write one such as http://proxy.example.com:3128",
		"プロキシのアドレス以外のものが含まれています。http://proxy.example.com:3128 のように書いてください")
	NotARate = say1[string]("sink.not_a_rate",
		`"{text}" is not a rate; write one such as 10/s, 20/m or 100/h, or 0 for no limit`,
		`"{text}" は頻度として解釈できません。10/s、20/m、100/h のように書くか、制限しない場合は 0 を書いてください`)
	NotASinkName = say1[string]("sink.not_a_sink_name",
		`"{text}" is not a name; write 1 to 32 letters, digits, - or _`,
		`"{text}" は名前に使えません。32 文字以内の英数字、-、_ で書いてください`)
	NotSpoken = say1[string]("sink.not_spoken",
		`"{text}" is not spoken here; write en or ja`,
		`"{text}" は使用できない言語です。en または ja を書いてください`)
	SinkTimeout = say1[string]("sink.sink_timeout",
		"{value} is out of range; write 10ms to 10m, such as 10s",
		"{value} は範囲外です。10ms から 10m (例: 10s) の範囲で書いてください")
	SinkPatience = say1[string]("sink.sink_patience",
		"{value} is out of range; write 1s to 720h, such as 24h",
		"{value} は範囲外です。1s から 720h (例: 24h) の範囲で書いてください")
	SinkConcurrency = say1[int]("sink.sink_concurrency",
		"{n} is out of range; write 1 to 256",
		"{n} は範囲外です。1 から 256 の範囲で書いてください")
	SinkHeartbeat = say1[string]("sink.sink_heartbeat",
		"{value} is out of range; write 1s to 24h, such as 5m, or 0s for none",
		"{value} は範囲外です。1s から 24h (例: 5m)、使わない場合は 0s を書いてください")
	CircuitFailures = say1[int]("sink.circuit_failures",
		"{n} is out of range; write 1 to 1000, or 0 for never",
		"{n} は範囲外です。1 から 1000、使わない場合は 0 を書いてください")
	CircuitPause = say1[string]("sink.circuit_pause",
		"{value} is out of range; write 100ms to 1h, such as 15s",
		"{value} は範囲外です。100ms から 1h (例: 15s) の範囲で書いてください")
	TemplateEmptyTitle = say0("sink.template_empty_title",
		"makes an empty title",
		"題名が空になります")
	TemplateTooLong = say2[int, int]("sink.template_too_long",
		"is {n} bytes long; write a template of at most {most}",
		"{n} バイトあります。{most} バイト以内のテンプレートにしてください")
	TemplateSyntax = say1[string]("sink.template_syntax",
		"{reason}; correct it after https://pkg.go.dev/text/template and docs/sinks.md",
		"{reason}。https://pkg.go.dev/text/template と docs/sinks.md を参照して修正してください")
	TemplatePanics = say0("sink.template_panics",
		"panics; write it another way",
		"実行時に異常終了します。別の書き方にしてください")
	TemplateSlow = say1[string]("sink.template_slow",
		"takes longer than {most}; write it without a loop of that many turns",
		"{most} を超える時間がかかります。繰り返しを減らしてください")
	TemplateMakesTooMuch = say1[int]("sink.template_makes_too_much",
		"makes more than {most} bytes; write a shorter one, cut has what cuts a text",
		"結果が {most} バイトを超えます。短くしてください (cut で文字列を切り詰められます)")
	TemplateVerbs = say2[int, int]("sink.template_verbs",
		"holds {n} verbs; write at most {most}",
		"書式指定が {n} 個あります。{most} 個以内にしてください")
	WeakBus = say0("bus.weak",
		"credentials and all messages may go to another host in clear text; write tls:// URLs, or bus.tls.ca_file",
		"認証情報とすべてのメッセージが暗号化されずに他のホストへ送られる可能性があります。tls:// の URL か bus.tls.ca_file を書いてください")
	WeakPin = say0("trust.weak_pin",
		"the fingerprint alone decides: neither authority nor name nor end of the certificate is looked at; write ca_file, too",
		"フィンガープリントだけで判定し、証明書の認証局、名前、有効期限を確認しません。ca_file も書いてください")
	WeakSSH = say0("remote.weak_ssh",
		"algorithms that are no longer safe (SHA-1, CBC) are accepted; update the server, then leave this out",
		"安全でなくなったアルゴリズム (SHA-1、CBC) を受け入れます。サーバを更新し、この設定を外してください")
	WeakClearText = say0("sink.weak_clear_text",
		"credentials go to another host in clear text; write an https URL",
		"認証情報が暗号化されずに他のホストへ送られます。https の URL を書いてください")
	EntryFault = say2[int, error]("sink.entry_fault",
		"entry {n} {error}",
		"{n} 番目の要素: {error}")
	URLsCount = say2[int, int]("sink.ur_ls_count",
		`has {n} entries; write a list of 1 to {most}, such as ["http://192.0.2.30:9093"]`,
		`要素が {n} 個あります。["http://192.0.2.30:9093"] のように 1 から {most} 個のリストを書いてください`)
	EntryTwice = say1[int]("sink.entry_twice",
		"entry {n} stands there twice; leave one out",
		"{n} 番目の要素が重複しています。どちらか一方を削除してください")
	NotALabelName = say0("sink.not_a_label_name",
		"is not a label name; write letters, digits and _, not beginning with a digit",
		"ラベル名に使えません。数字で始まらない英数字と _ で書いてください")
	SetByItself = say0("sink.set_by_itself",
		"is set by dswatch itself; write another name",
		"dswatch 自身が設定します。別の名前にしてください")
	BadLabel = say0("sink.bad_label",
		"is empty, too long or holds a line break or a control character; write one short line of text",
		"空か、長すぎるか、改行や制御文字を含んでいます。短い 1 行の文字列を書いてください")
	EndsAfterRange = say1[string]("sink.ends_after_range",
		"{value} is out of range; write 10m to 8760h, and more than rules.repeat, such as 168h",
		"{value} は範囲外です。10m から 8760h の範囲で、rules.repeat より長い時間 (例: 168h) を書いてください")
	BesidePassword = say0("sink.beside_password",
		"stands beside username or password; keep one way to authenticate",
		"username または password と同時に書かれています。認証方法を 1 つにしてください")
	UsernameMissing = say0("sink.username_missing",
		"is missing; write the name that belongs to password",
		"値がありません。password に対応するユーザ名を書いてください")
	HoldsColon = say0("sink.holds_colon",
		"holds a colon, which basic authentication cannot carry; write it without",
		"Basic 認証で使えないコロンが含まれています。コロンを取り除いてください")
	HoldsLineBreak = say0("sink.holds_line_break",
		"holds a line break or a control character; write the token alone",
		"改行や制御文字が含まれています。トークンだけを書いてください")
	URLHoldsUser = say0("sink.url_holds_user",
		"holds a user; write it as username and password",
		"ユーザが含まれています。username と password に書いてください")
	URLHoldsQuery = say0("sink.url_holds_query",
		"holds a query or a fragment; write the base URL alone, such as http://192.0.2.30:9093",
		"クエリまたはフラグメントが含まれています。基本の URL だけを http://192.0.2.30:9093 のように書いてください")
	URLHoldsPath = say0("sink.url_holds_path",
		"ends with /api/v2/alerts; write the base URL alone, such as http://192.0.2.30:9093",
		"/api/v2/alerts で終わっています。基本の URL だけを http://192.0.2.30:9093 のように書いてください")
	NotAStyle = say1[string]("sink.not_a_style",
		`"{text}" is neither blocks nor attachment; write one of them`,
		`"{text}" は blocks でも attachment でもありません。どちらかを書いてください`)
	SlackURLMissing = say0("sink.slack_url_missing",
		"is missing; write the URL that Slack shows under Incoming Webhooks, or webhook_url_file with a file that holds it; or bot_token and channel",
		"値がありません。Slack の Incoming Webhooks に表示される URL か、それを保存したファイルを webhook_url_file に書いてください。または bot_token と channel を書いてください")
	BesideWebhookURL = say0("sink.beside_webhook_url",
		"stands beside webhook_url; keep one of them",
		"webhook_url と同時に書かれています。どちらか一方にしてください")
	ChannelOfBot = say0("sink.channel_of_bot",
		"belongs to bot_token, an incoming webhook has its own channel; leave it out",
		"bot_token と併用する項目です (Incoming Webhook のチャネルは決まっています)。削除してください")
	NotASlackURL = say0("sink.not_a_slack_url",
		"is not an http or https URL; write the one that Slack shows under Incoming Webhooks, https://hooks.slack.com/services/...",
		"http または https の URL ではありません。Slack の Incoming Webhooks に表示される https://hooks.slack.com/services/... を書いてください")
	NotABotToken = say0("sink.not_a_bot_token",
		"is not a bot token; write the Bot User OAuth Token, xoxb-..., that Slack shows under OAuth & Permissions",
		"ボットトークンではありません。Slack の OAuth & Permissions に表示される Bot User OAuth Token (xoxb-...) を書いてください")
	NotAlone = say0("sink.not_alone",
		"has app_token, which counts only where dswatch is alone: with bus.url other processes may serve this sink, and Slack hands each click to one of them at random. Messages have no buttons",
		"app_token は dswatch が単独で動作するときだけ有効です。bus.url を設定すると、ほかのプロセスも同じ通知先を担当することがあり、Slack はクリックごとにそのどれか 1 つだけに渡すためです。メッセージにボタンは付きません")
	NotAPageURL = say1[string]("web.not_a_page_url",
		`"{text}" is not the address of a page; write one such as https://dswatch.example.com, without user or query`,
		`"{text}" はページのアドレスではありません。https://dswatch.example.com のように、ユーザやクエリを付けずに書いてください`)
	NotAnAppToken = say0("sink.not_an_app_token",
		"is not an app-level token; write the one with the scope connections:write, xapp-..., that Slack shows under Basic Information, App-Level Tokens",
		"アプリレベルトークンではありません。Slack の Basic Information の App-Level Tokens に表示される、スコープ connections:write のトークン (xapp-...) を書いてください")
	AppTokenOfBot = say0("sink.app_token_of_bot",
		"belongs to bot_token; an incoming webhook has no buttons that somebody could press. Leave it out, or write bot_token and channel instead of webhook_url",
		"bot_token と併用する項目です (Incoming Webhook のメッセージにボタンは付きません)。削除するか、webhook_url の代わりに bot_token と channel を書いてください")
	ButtonsNeedBlocks = say0("sink.buttons_need_blocks",
		"needs style: blocks, which alone has buttons; leave out style, or app_token",
		"style: blocks が必要です (ほかの形式にはボタンがありません)。style か app_token のどちらかを削除してください")
	OperatorsOfApp = say0("sink.operators_of_app",
		"belongs to app_token, without which there are no buttons; write app_token, or leave it out",
		"app_token と併用する項目です (app_token がなければボタンは付きません)。app_token を書くか、削除してください")
	OperatorsMissing = say0("sink.operators_missing",
		"is missing; write the ids of the Slack users who may press the buttons, such as [U0123456789] (profile, three dots, Copy member ID)",
		"値がありません。ボタンを押せる Slack ユーザの ID を [U0123456789] のように書いてください (プロフィールの「…」の「メンバー ID をコピー」)")
	NotASlackUser = say1[string]("sink.not_a_slack_user",
		`"{text}" is not the id of a Slack user; write one such as U0123456789 (profile, three dots, Copy member ID)`,
		`"{text}" は Slack ユーザの ID ではありません。U0123456789 のように書いてください (プロフィールの「…」の「メンバー ID をコピー」)`)
	ChannelMissing = say0("sink.channel_missing",
		"is missing; write the id (C0123456789) or the name of the channel that the bot writes to",
		"値がありません。ボットが投稿するチャネルの ID (C0123456789) か名前を書いてください")
	NotAChannel = say1[string]("sink.not_a_channel",
		`"{text}" is neither an id nor a name of a channel; write one such as C0123456789 or alerts`,
		`"{text}" はチャネルの ID でも名前でもありません。C0123456789 や alerts のように書いてください`)
	APIURLHoldsUser = say0("sink.apiurl_holds_user",
		"holds a user or a query; write a URL such as https://slack.com/api",
		"ユーザまたはクエリが含まれています。https://slack.com/api のように書いてください")
	NotAnSNMPVersion = say1[string]("sink.not_an_snmp_version",
		`"{text}" is no version of SNMP; write 1, 2c or 3`,
		`"{text}" は SNMP のバージョンではありません。1、2c、3 のいずれかを書いてください`)
	CommunityEmpty = say0("sink.community_empty",
		"is empty; write the community that the receiver accepts",
		"空です。受信側が受け付けるコミュニティ名を書いてください")
	NotInVersion3 = say0("sink.not_in_version3",
		"means nothing in version 3; remove it and set v3.user",
		"バージョン 3 では使いません。削除して v3.user を設定してください")
	CommunityTooLong = say0("sink.community_too_long",
		"is longer than 127 bytes; write a shorter one",
		"127 バイトを超えています。短くしてください")
	NoInforms = say0("sink.no_informs",
		"version 1 has no informs; write version: 2c or 3, or inform: false",
		"バージョン 1 に INFORM はありません。version: 2c か 3、または inform: false を書いてください")
	RetriesRange = say1[int]("sink.retries_range",
		"{n} is out of range; write 0 to 10",
		"{n} は範囲外です。0 から 10 の範囲で書いてください")
	SNMPSize = say3[string, int, int]("sink.snmp_size",
		"{value} is out of range; write {least}B to {most}B, such as 1472B",
		"{value} は範囲外です。{least}B から {most}B (例: 1472B) の範囲で書いてください")
	NotFullOrShort = say1[string]("sink.not_full_or_short",
		`"{text}" is neither full nor short; write one of them`,
		`"{text}" は full でも short でもありません。どちらかを書いてください`)
	NotACharset = say1[string]("sink.not_a_charset",
		`"{text}" is neither utf-8 nor shift_jis; write one of them`,
		`"{text}" は utf-8 でも shift_jis でもありません。どちらかを書いてください`)
	OnlyVersion3 = say0("sink.only_version3",
		"is only for version 3; write version: 3 or remove it",
		"バージョン 3 だけで使えます。version: 3 を書くか、削除してください")
	SameEngine = say1[string]("sink.same_engine",
		"sink {name} sends to the same receiver as the same engine; give each its own, or leave it out",
		"通知先 {name} が同じ受信側に同じエンジン ID で送信しています。それぞれ別にするか、削除してください")
	BadV3User = say0("sink.bad_v3_user",
		"is empty or longer than 32 bytes; write the user that the receiver knows",
		"空か、32 バイトを超えています。受信側に登録されたユーザを書いてください")
	UnknownProtocol = say2[string, string]("sink.unknown_protocol",
		`"{text}" is unknown; write one of {values}`,
		`"{text}" は不明です。次のいずれかを書いてください: {values}`)
	NeedsAuth = say0("sink.needs_auth",
		"needs an auth_protocol; write one, such as SHA-256",
		"auth_protocol が必要です。SHA-256 のように書いてください")
	Over32Bytes = say0("sink.over32_bytes",
		"is longer than 32 bytes; write a shorter one",
		"32 バイトを超えています。短くしてください")
	PasswordNoProtocol = say0("sink.password_no_protocol",
		"has no protocol beside it; set the protocol or remove the password",
		"対応するプロトコルがありません。プロトコルを設定するか、パスワードを削除してください")
	PasswordShort = say0("sink.password_short",
		"is shorter than 8 bytes; write the password that the receiver knows",
		"8 バイト未満です。受信側に登録されたパスワードを書いてください")
	NotASNMPReceiver = say1[string]("sink.not_a_snmp_receiver",
		`"{text}" is no receiver; write host:port, such as 192.0.2.20:162 or [2001:db8::20]:162`,
		`"{text}" は受信側のアドレスではありません。192.0.2.20:162 や [2001:db8::20]:162 のように host:port の形で書いてください`)
	NotASNMPPort = say1[string]("sink.not_a_snmp_port",
		`"{text}" is no port; write 1 to 65535, such as 162`,
		`"{text}" はポートではありません。1 から 65535 (例: 162) の範囲で書いてください`)
	WeakSNMP = say1[string]("sink.weak_snmp",
		"version {version} sends community and alerts in clear text, and anybody can forge them; use version 3 with auth_protocol and priv_protocol where the receiver can",
		"バージョン {version} ではコミュニティ名とアラートが暗号化されず、偽造も可能です。受信側が対応していれば、auth_protocol と priv_protocol を指定したバージョン 3 を使ってください")
	NotAnEngineID = say1[string]("sink.not_an_engine_id",
		`"{text}" is not an engine id; write 5 to 32 bytes in hexadecimal, such as 0x80001f8805a1b2c3d4`,
		`"{text}" はエンジン ID ではありません。0x80001f8805a1b2c3d4 のように 5 から 32 バイトの 16 進数で書いてください`)
	NotBelowEnterprises = say2[string, string]("sink.not_below_enterprises",
		`"{text}" is not below enterprises (1.3.6.1.4.1); {hint}`,
		`"{text}" は enterprises (1.3.6.1.4.1) の下にありません。{hint}`)
	NotAnOID = say2[string, string]("sink.not_an_oid",
		`"{text}" is not an object identifier; {hint}`,
		`"{text}" はオブジェクト識別子ではありません。{hint}`)
	OIDTooLong = say4[string, int, int, string]("sink.oid_too_long",
		`"{text}" takes {n} bytes below enterprises, and that in every name of a message; at most {most} are allowed; {hint}`,
		`"{text}" は enterprises の下で {n} バイトを占めます (上限 {most} バイト)。メッセージのすべての名前に含まれるため、{hint}`)
	VendorsOID = say2[int, string]("sink.vendors_oid",
		"{n} is the enterprise number of Trend Micro, whose name dswatch must not use; {hint}",
		"{n} は Trend Micro の企業番号で、dswatch では使えません。{hint}")
	NotTextOrJSON = say1[string]("sink.not_text_or_json",
		`"{text}" is not a format; write text or json`,
		`"{text}" は形式の名前ではありません。text または json を書いてください`)
	UnknownChoice = say2[string, []string]("sink.unknown_choice",
		`"{text}" is unknown; write one of {values}`,
		`"{text}" は不明です。次のいずれかを書いてください: {values}`)
	UnknownFacility = say2[string, []string]("sink.unknown_facility",
		`"{text}" is unknown; write 0 to 23 or one of {values}`,
		`"{text}" は不明です。0 から 23、または次のいずれかを書いてください: {values}`)
	BadAppName = say1[string]("sink.bad_app_name",
		`"{text}" is empty, too long or not printable ASCII without spaces; write a word such as dswatch`,
		`"{text}" は空か、長すぎるか、空白や ASCII 以外の文字を含んでいます。dswatch のような語を書いてください`)
	NotAnEnterprise = say1[int]("sink.not_an_enterprise",
		"{n} is no enterprise number; write your own, or 32473",
		"{n} は企業番号ではありません。自社の番号か 32473 を書いてください")
	VendorsNumber = say1[int]("sink.vendors_number",
		"{n} is the number of Trend Micro, whose name dswatch must not use; write your own, or 32473",
		"{n} は Trend Micro の番号で、dswatch では使えません。自社の番号か 32473 を書いてください")
	SyslogSize = say1[string]("sink.syslog_size",
		"{value} is out of range; write 1200B to 64KiB, such as 2KiB",
		"{value} は範囲外です。1200B から 64KiB (例: 2KiB) の範囲で書いてください")
	OnlyForTLS = say0("sink.only_for_tls",
		"is only for network: tls; write network: tls or remove it",
		"network: tls だけで使えます。network: tls を書くか、削除してください")
	NotASocket = say1[string]("sink.not_a_socket",
		`"{text}" is no path; write the path of a socket, such as /dev/log`,
		`"{text}" はパスではありません。/dev/log のようにソケットのパスを書いてください`)
	NotASyslogReceiver = say1[string]("sink.not_a_syslog_receiver",
		`"{text}" is no receiver; write host:port, such as 192.0.2.21:514 or [2001:db8::21]:6514`,
		`"{text}" は受信側のアドレスではありません。192.0.2.21:514 や [2001:db8::21]:6514 のように host:port の形で書いてください`)
	NotASyslogPort = say1[string]("sink.not_a_syslog_port",
		`"{text}" is no port; write 1 to 65535, such as 514`,
		`"{text}" はポートではありません。1 から 65535 (例: 514) の範囲で書いてください`)
	TeamsURLMissing = say0("sink.teams_url_missing",
		"is missing; write the URL that the flow shows under 'When a Teams webhook request is received', or webhook_url_file with a file that holds it",
		"値がありません。フローの「Teams Webhook 要求を受信したとき」に表示される URL か、それを保存したファイルを webhook_url_file に書いてください")
	NotATeamsURL = say0("sink.not_a_teams_url",
		"is not an http or https URL; write the one that the flow shows under 'When a Teams webhook request is received'",
		"http または https の URL ではありません。フローの「Teams Webhook 要求を受信したとき」に表示される URL を書いてください")
	TeamsSize = say1[int]("sink.teams_size",
		"{n} bytes is out of range; write 16KB to 100KB, such as 25KB",
		"{n} バイトは範囲外です。16KB から 100KB (例: 25KB) の範囲で書いてください")
	NotAnExpression = say1[error]("sink.not_an_expression",
		"is not a regular expression ({error}); write one such as ^accepted",
		"正規表現ではありません ({error})。^accepted のように書いてください")
	NotAHeader = say0("sink.not_a_header",
		"is not a header name; write letters, digits and -",
		"ヘッダ名に使えません。英数字と - で書いてください")
	SetByItselfHeader = say0("sink.set_by_itself_header",
		"is set by dswatch itself; leave it out",
		"dswatch 自身が設定します。削除してください")
	HeaderLineBreak = say0("sink.header_line_break",
		"holds a line break or a control character; write one line of text",
		"改行や制御文字が含まれています。1 行の文字列を書いてください")
	ManyWaysToAuthenticate = say0("sink.many_ways_to_authenticate",
		"more than one way to authenticate is set; keep one of bearer, username and password, headers.Authorization, or the user in url",
		"認証方法が複数設定されています。bearer、username と password、headers.Authorization、url 内のユーザのいずれか 1 つにしてください")
	NotAFormat = say2[string, []string]("sink.not_a_format",
		`"{text}" is not a format; write one of {values}`,
		`"{text}" は形式の名前ではありません。次のいずれかを書いてください: {values}`)
	BesideFormat = say0("sink.beside_format",
		"stands beside format; keep one of them",
		"format と同時に書かれています。どちらか一方にしてください")
	OfAlertmanager = say0("sink.of_alertmanager",
		"belongs to format: alertmanager; leave it out",
		"format: alertmanager だけで使えます。削除してください")
	NotAMediaType = say1[string]("sink.not_a_media_type",
		`"{text}" is not a media type; write one such as application/json or text/plain; charset=utf-8`,
		`"{text}" はメディアタイプではありません。application/json や text/plain; charset=utf-8 のように書いてください`)
	OfBody = say0("sink.of_body",
		"belongs to body; leave it out",
		"body と併用する項目です。削除してください")
	SecretNoPrefix = say0("sink.secret_no_prefix",
		"does not begin with whsec_; write whsec_ and what `openssl rand -base64 32` prints, at both ends",
		"whsec_ で始まっていません。whsec_ に続けて openssl rand -base64 32 の出力を、双方に設定してください")
	SecretNotBase64 = say0("sink.secret_not_base64",
		"is not base64 after whsec_; write whsec_ and what `openssl rand -base64 32` prints, at both ends",
		"whsec_ の後が Base64 ではありません。whsec_ に続けて openssl rand -base64 32 の出力を、双方に設定してください")
	SecretWrongLength = say0("sink.secret_wrong_length",
		"does not hold 24 to 64 bytes; write whsec_ and what `openssl rand -base64 32` prints, at both ends",
		"24 から 64 バイトではありません。whsec_ に続けて openssl rand -base64 32 の出力を、双方に設定してください")
	NotAnAddress = say1[string]("config.not_an_address",
		`"{text}" is not an address; write HOST:PORT, such as 127.0.0.1:9418`,
		`"{text}" はアドレスではありません。127.0.0.1:9418 のように HOST:PORT の形で書いてください`)
	NoSinkNamed = say2[string, Phrase]("config.no_sink_named",
		`there is no sink "{name}"; {next}`,
		`"{name}" という通知先はありません。{next}`)
	EndsTooSoon = say4[string, string, string, string]("config.ends_too_soon",
		"{value} is not 10m longer than the {longest} between two notices ({from}), so an open alert would be taken for over; write {least} or more",
		"{value} は再通知の間隔 {longest} ({from}) より 10m 以上長くないため、未復旧のアラートが復旧したとみなされます。{least} 以上を書いてください")
	WindowTwice = say1[string]("config.window_twice",
		`another window is named "{name}"; give each its own name`,
		`"{name}" という名前の window がほかにもあります。それぞれ別の名前を付けてください`)
	NeitherTextNorJSON = say1[string]("config.neither_text_nor_json",
		`"{text}" is neither text nor json; write one of them`,
		`"{text}" は text でも json でもありません。どちらかを書いてください`)
	DeafRange = say1[string]("config.deaf_range",
		"{value} is out of range; write 10s to 1h",
		"{value} は範囲外です。10s から 1h の範囲で書いてください")
	PingNotURL = say0("config.ping_not_url",
		"is not a URL; write https://host/path",
		"URL ではありません。https://host/path の形で書いてください")
	DrillTooOften = say1[string]("config.drill_too_often",
		`"{text}" comes more often than once an hour; write a cron expression, such as 0 9 1 * * for 09:00 on the first of each month`,
		`"{text}" は 1 時間に 1 回より頻繁です。0 9 1 * * (毎月 1 日の 09:00) のような cron 式を書いてください`)
	NotASinkKind = say2[string, Phrase]("config.not_a_sink_kind",
		`"{text}" is not a kind of sink; {next}`,
		`"{text}" は通知先の種別ではありません。{next}`)
	SinkTwice = say1[string]("config.sink_twice",
		`another sink is named "{name}"; give each its own name`,
		`"{name}" という名前の通知先がほかにもあります。それぞれ別の名前を付けてください`)
	BusDirEmpty = say1[string]("bus.bus_dir_empty",
		"is empty; write a directory, such as {example}",
		"空です。{example} のようにディレクトリを書いてください")
	BusDirControl = say1[string]("bus.bus_dir_control",
		`"{text}" holds a tab, a line break or the like; between double quotes \t and \n mean those, so write a path with \ between single quotes`,
		`"{text}" にタブや改行などが含まれています。二重引用符の中の \t や \n はそれらを意味するため、\ を含むパスは単一引用符で囲んでください`)
	OpenDirInside = say1[string]("bus.open_dir_inside",
		"is bus.dir, below it or above it, so both are lost together; write a directory beside it, such as {example}",
		"bus.dir と同じか、その上位または下位です。同時に失われるため、{example} のように別のディレクトリを書いてください")
	OpenDirExternal = say0("bus.open_dir_external",
		"belongs to the embedded store; remove it, or remove url",
		"組み込みのストア用の項目です。削除するか、url を削除してください")
	BusSync = say1[string]("bus.bus_sync",
		"{value} is out of range; write always or a duration from 100ms to 10m",
		"{value} は範囲外です。always か、100ms から 10m の時間を書いてください")
	BusTooLittle = say2[string, string]("bus.bus_too_little",
		"{value} is too little; write at least {least}",
		"{value} は小さすぎます。{least} 以上を書いてください")
	HistoryKeep = say1[string]("history.keep",
		"{value} is out of range; write 24h to 3660d, such as 400d",
		"{value} は範囲外です。24h から 3660d まで (例: 400d) を書いてください")
	NotAnAge = say1[string]("history.not_an_age",
		`"{value}" is no time; write 400d or 9600h`,
		`"{value}" は時間として読み取れません。400d または 9600h のように書いてください`)
	BusReplicas = say1[int]("bus.bus_replicas",
		"{n} is none of 1, 3, 5",
		"{n} は使えません。1、3、5 のいずれかを書いてください")
	BusExternal = say0("bus.bus_external",
		"belongs to an external server; set url beside it, or remove it",
		"外部サーバ用の項目です。url も設定するか、削除してください")
	BusURL = say0("bus.bus_url",
		"is not a NATS address; write nats://host:4222, tls://host:4222 or several with commas",
		"NATS のアドレスではありません。nats://host:4222 や tls://host:4222 のように書いてください (複数はカンマ区切り)")
	BusURLUser = say0("bus.bus_url_user",
		"holds a user; write it as user and password_file, or use creds_file",
		"ユーザが含まれています。user と password_file に書くか、creds_file を使ってください")
	BusUserPassword = say0("bus.bus_user_password",
		"and password_file belong together; set both or neither",
		"user と password_file は両方を設定するか、両方を削除してください")
	BusTwoWays = say0("bus.bus_two_ways",
		"and user are two ways to log in; keep one",
		"creds_file と user は別々の認証方法です。どちらか一方にしてください")
	BusCertKey = say0("bus.bus_cert_key",
		"and key_file belong together; set both or neither",
		"cert_file と key_file は両方を設定するか、両方を削除してください")
	BusFile = say1[error]("bus.bus_file",
		"{error}; write the path of a file that this user can read",
		"{error}。このユーザが読み取れるファイルのパスを書いてください")
	BusFileEmpty = say1[string]("bus.bus_file_empty",
		"{file} is empty",
		"{file} が空です")
	BusFileMark = say2[string, string]("bus.bus_file_mark",
		"{file} has no {mark} in it; is it the right file?",
		"{file} に {mark} がありません。正しいファイルか確認してください")
	NotASecurity = say1[string]("sink.not_a_security",
		`"{text}" is unknown; write one of starttls, tls, none`,
		`"{text}" は不明です。starttls、tls、none のいずれかを書いてください`)
	OnlyForSecurity = say0("sink.only_for_security",
		"is only for security: starttls and tls; write one of them or remove it",
		"security: starttls と tls だけで使えます。どちらかを書くか、削除してください")
	MailPasswordMissing = say0("sink.mail_password_missing",
		"is missing; write password_file with a file that holds the password of username, or leave username out",
		"値がありません。username のパスワードを保存したファイルを password_file に書くか、username を削除してください")
	LoginNull = say0("sink.login_null",
		"or its password holds a null character, which no login can carry; write it without",
		"username またはパスワードに、ログインで使えない NULL 文字が含まれています。取り除いてください")
	NotAHelloName = say1[string]("sink.not_a_hello_name",
		`"{text}" is no name of a host; write one such as web01.example.com`,
		`"{text}" はホスト名ではありません。web01.example.com のように書いてください`)
	MailFromMissing = say0("sink.mail_from_missing",
		"is missing; write the sender's address, such as dswatch@example.com",
		"値がありません。送信者のアドレスを dswatch@example.com のように書いてください")
	MailToMissing = say0("sink.mail_to_missing",
		"is missing; write a list of recipients, such as [noc@example.com]",
		"値がありません。宛先のリストを [noc@example.com] のように書いてください")
	MailTooMany = say2[int, int]("sink.mail_too_many",
		"and cc name {n} recipients; write at most {most}, or the address of a list",
		"to と cc の宛先が {n} 件あります。{most} 件以内にするか、メーリングリストのアドレスを書いてください")
	NotAMailAddress = say2[string, string]("sink.not_a_mail_address",
		`{entry}"{text}" is no address; write one such as noc@example.com, or "On call <oncall@example.com>"`,
		`{entry}"{text}" はメールアドレスではありません。noc@example.com や "On call <oncall@example.com>" のように書いてください`)
	MailTwice = say2[string, string]("sink.mail_twice",
		"{entry}{address} stands there twice; leave one out",
		"{entry}{address} が重複しています。どちらか一方を削除してください")
	MailServerMissing = say0("sink.mail_server_missing",
		"is missing; write the mail server as host:port, such as mail.example.com:587",
		"値がありません。メールサーバを mail.example.com:587 のように host:port の形で書いてください")
	NotAMailServer = say1[string]("sink.not_a_mail_server",
		`"{text}" is no mail server; write host:port, such as mail.example.com:587`,
		`"{text}" はメールサーバのアドレスではありません。mail.example.com:587 のように host:port の形で書いてください`)
	NotAMailPort = say1[string]("sink.not_a_mail_port",
		`"{text}" is no port; write 1 to 65535, such as 587`,
		`"{text}" はポートではありません。1 から 65535 (例: 587) の範囲で書いてください`)
	WeakLogin = say0("sink.weak_login",
		"the login goes to another host in clear text; write starttls or tls",
		"ログイン情報が暗号化されずに他のホストへ送られます。starttls または tls を書いてください")
	WeakExchange = say0("sink.weak_exchange",
		"Exchange Online ends the login by name and password at the end of 2026; relay through a connector that knows this host by its address or certificate, see the manual",
		"Exchange Online では 2026 年末で名前とパスワードによるログインが終了します。このホストをアドレスか証明書で識別するコネクタで中継してください (マニュアルを参照)")
)
