package words

import (
	"time"

	"dswatch/event"
)

// What the commands say of what they show and have done.
var (
	DecisionsCurrent = say0("screen.current", "Decisions are current.", "判定は最新です。")
	NeverCurrent     = say1[error]("screen.never_current",
		"Decisions are NOT CURRENT, not since the start: {why}",
		"判定は最新ではありません (起動後まだ一度も確認できていません): {why}")
	NotCurrent = say2[time.Time, error]("screen.not_current",
		"Decisions are NOT CURRENT since {time}: {why}",
		"判定は {time} から最新ではありません: {why}")
	DecisionsStale = say1[error]("pulse.stale", "decisions are not current: {why}", "判定は最新ではありません: {why}")
	AtStage        = say2[string, error]("pulse.at_stage", "{stage}: {why}", "{stage}: {why}")
	NotProvenYet   = say0("pulse.not_yet", "it has not been proven since the start", "起動後まだ動作を確認できていません")
	NotProven      = say1[time.Duration]("pulse.not_proven",
		"it has not been proven for more than {time}",
		"{time}を超えて動作を確認できていません")
	NothingMoves = say3[int, Phrase, time.Duration]("pulse.stuck",
		"{n} {n|waits|wait} before it ({queue}), and nothing of that has moved for {time}",
		"この段階を待つ {n} 件 ({queue}) が{time}間まったく進んでいません")
	QueueOfChanges    = say0("pulse.changes", "changes", "状態変化")
	QueueOfDeliveries = say0("pulse.deliveries", "deliveries", "通知")
	RecordUnreadable  = say1[string]("screen.record_unreadable",
		"A stored record cannot be read and does not count: {key}; see the log.",
		"保存された記録を読み取れないため無視しています: {key}。ログを確認してください。")
	HostSince = say3[string, string, time.Time]("screen.host",
		"{host}, version {version}, since {time}",
		"{host}、バージョン {version}、{time} に起動")
	SilencedForever = say1[[]string]("screen.silenced_forever",
		"silenced for ever by {ids}: dswatch silence list shows what; dswatch silence expire ID ends it",
		"無期限のサイレンスがあります: {ids}。対象は dswatch silence list で確認し、dswatch silence expire ID で終了できます")
	StoreIsAnew = say1[time.Time]("screen.store_anew",
		"The store was empty at {time} though there had been one; alerts that were open before may still be open at the sinks.",
		"{time} の起動時、以前あったはずのストアが空でした。それ以前のアラートが通知先で未復旧のまま残っている可能性があります。")
	StoreIsBack = say2[time.Time, time.Time]("screen.store_back",
		"The store that was found at {time} was an older copy, written last at {last}.",
		"{time} の起動時のストアは古いコピーでした (最後の書き込み: {last})。")
	NotKeptTwice = say1[error]("screen.open_dir",
		"What is open is not kept a second time, so a lost store cannot be ended at the sinks: {error}; make bus.open_dir writable for the user that runs dswatch.",
		"未復旧のアラートの控えを書き込めないため、ストアを失うと通知先に復旧を通知できません: {error}。bus.open_dir を dswatch の実行ユーザが書き込めるようにしてください。")
	NoHistoryNow = say1[error]("screen.no_history",
		"History cannot be stored: {error}. What happens meanwhile is missing in dswatch history and in reports; alerts do not depend on it.",
		"履歴を保存できません: {error}。この間の出来事は dswatch history とレポートに残らないことがあります。アラートには影響しません。")
	RefusedForRoom = say3[int, time.Time, error]("screen.refused",
		"MESSAGES OF THE BUS WERE REFUSED for want of room, {n} since the start, last at {time}: {why}. Find out who publishes them; what was known before goes on.",
		"バスのメッセージが上限を超えたため受け付けられませんでした。起動以降 {n} 件、最後は {time}: {why}。送信元を確認してください。すでに把握している対象の監視は続いています。")
	ConfigNotRead = say3[time.Time, time.Time, error]("screen.not_reloaded",
		"THE CONFIGURATION WAS NOT READ AGAIN at {time}; that of {before} is in force: {why}",
		"{time} の設定の再読み込みに失敗し、{before} の設定のまま動作しています: {why}")

	NotifiedOfEnds = say1[[]string]("screen.notified",
		"The system tells at once when something of these ends: {jobs}.",
		"次の監視では、終了がシステムから即時に通知されます: {jobs}。")
	NotNotified = say2[string, error]("screen.not_notified",
		"The system does not tell {job} when something ends, which is polled: {why}",
		"{job} の監視では、終了がシステムから通知されないため、定期的に確認しています: {why}")
	AgentUnasked = say1[error]("screen.agent_unasked",
		"The agent is not asked which features are on: {why}",
		"有効な機能を Agent に問い合わせできません: {why}")
	RowsBlind = say1[[]string]("screen.rows_blind",
		"Nobody knows therefore whether these rows are expected: {items}.",
		"そのため、次の行は監視対象かどうかを判定できません: {items}。")
	ListeningFails = say2[string, error]("screen.listening_fails",
		"Buttons of sink {name} do not work, or not all: {why}",
		"通知先 {name} のボタンが動作しないか、一部だけ動作しています: {why}")
	ListeningClosed = say2[string, time.Time]("screen.listening_closed",
		"Buttons of sink {name} do not work: no connection since {time}.",
		"通知先 {name} のボタンが動作しません: {time} から接続がありません。")
	SlackConnections = say1[int]("request.slack_connections",
		"{n} programs are connected with this app, and Slack hands each click to one of them at random; give each dswatch an app of its own",
		"このアプリには {n} 個のプログラムが接続しており、Slack はクリックごとにそのどれか 1 つだけに渡します。dswatch ごとに別のアプリを用意してください")
	SlackSocketOff = say0("request.slack_socket_off",
		"Socket Mode is switched off; switch it on at api.slack.com, Socket Mode",
		"Socket Mode が無効です。api.slack.com の Socket Mode で有効にしてください")

	NoteWaits   = say1[[]string]("note.waits", "waits for {sinks}", "送信待ち: {sinks}")
	NoteRefused = say1[[]string]("note.refused",
		"refused by {sinks}, see dswatch deadletter list",
		"配信不能: {sinks} (dswatch deadletter list で確認)")
	NoteDigest   = say1[string]("note.digest", "in digest {id}", "ダイジェスト {id} に集約")
	NoteAffected = say1[int]("note.affected", "stands for {n} {n|alert|alerts}", "アラート {n} 件を集約")
	NoteSilence  = say2[string, string]("note.silence", "silence {id} until {end}", "サイレンス {id} (終了: {end})")
	NoteSilenced = say4[string, string, string, string]("note.silence_by",
		"silence {id} until {end} by {author}: {comment}",
		"サイレンス {id} (終了: {end}、作成者: {author}、コメント: {comment})")
	NoteAcked        = say1[string]("note.acknowledged", "acknowledged by {author}", "担当者: {author}")
	NoteAckedSays    = say2[string, string]("note.acknowledged_says", "acknowledged by {author} {comment}", "担当者: {author} ({comment})")
	HoldsOpen        = say4[string, string, string, string]("screen.unpaired", "{sink} holds {alert} open: {rule} {item}", "{sink} では復旧したアラート {alert} が未復旧のままです: {rule} {item}")
	Replayed         = say1[int]("screen.replayed", "{n} replayed", "{n} 件を再送しました")
	LooksAfterNow    = say3[string, string, string]("screen.looks_after", "{alert} ({item}): {author} looks after it, it is not repeated any more", "{alert} ({item}): 担当者を {author} にしました。以後は再通知しません")
	LooksAfterNoMore = say3[string, string, string]("screen.looks_after_no_more",
		"{alert} ({item}): nobody looks after it any more, as {author} says; it is repeated again",
		"{alert} ({item}): {author} が確認を取り消しました。再通知を再開します")
	SilenceOverNow = say1[string]("screen.silence_over", "silence {id} has ended", "サイレンス {id} を終了しました")
	ToldNow        = say1[int]("screen.told_now", "{n} {n|loss|losses} that it kept quiet {n|is|are} told now", "抑止していた異常 {n} 件を通知します")
	ReplayTaken    = say1[string]("screen.replay_taken", "{sink}: accepted", "{sink}: 受領されました")
	ReplayRefused  = say3[string, int, error]("screen.replay_refused",
		"{sink}: {n} {n|is a dead letter|are dead letters} again: {why}",
		"{sink}: {n} 件が再び配信不能になりました: {why}")
	ReplayWaits = say2[string, int]("screen.replay_waits",
		"{sink}: {n} still {n|waits|wait}; dswatch status shows why",
		"{sink}: {n} 件が送信待ちです。理由は dswatch status で確認できます")
	StillWorking   = say2[string, time.Duration]("screen.still_working", "{command}: at it for {time}; Ctrl-C ends it", "{command}: 処理中 ({time}経過)。Ctrl-C で中止")
	KeptDead       = say2[string, Phrase]("screen.kept", "{id} kept: {why}", "{id} は再送していません: {why}")
	Dropped        = say1[int]("screen.dropped", "{n} dropped", "{n} 件を削除しました")
	NoAlertInIt    = say0("screen.no_alert", "It holds no alert and cannot be replayed.", "アラートを含まないため再送できません。")
	GivenUpAfter   = say2[time.Time, int]("screen.given_up", "{time}, after {n} {n|attempt|attempts}", "{time} ({n} 回試行)")
	TestConfirmed  = say1[string]("screen.confirmed", "confirmed the firing and the resolve in {time}", "発生と復旧の受領を確認しました ({time})")
	TestRefused    = say1[Phrase]("screen.not_confirmed", "NOT CONFIRMED: {why}", "確認できません: {why}")
	SinkRefused    = say1[error]("sink_test.refused", "refused: {error}", "通知先が拒否しました: {error}")
	NotWithin      = say2[time.Duration, error]("sink_test.failing", "not confirmed within {wait}: {error}", "{wait}以内に受領を確認できませんでした: {error}")
	NotWithinPause = say2[time.Duration, time.Time]("sink_test.paused",
		"not confirmed within {wait}: the far end asked for a pause until {time}",
		"{wait}以内に受領を確認できませんでした: 通知先が {time} までの待機を求めています")
	NotInTime      = say1[time.Duration]("sink_test.late", "not confirmed within {wait}", "{wait}以内に受領を確認できませんでした")
	ToldAgain      = say2[string, int]("screen.told_again", "{sink}: {n} open {n|alert is|alerts are} told again", "{sink}: 未復旧のアラート {n} 件を再送します")
	WaitAnyway     = say1[int]("screen.wait_anyway", "{n} more {n|waits|wait} in its outbox anyway", "このほか {n} 件が送信待ちです")
	TakenOver      = say3[string, int, string]("screen.taken_over", "{to}: {n} {n|alert|alerts} of {from} {n|is|are} its own now", "{to}: {from} のアラート {n} 件を引き継ぎました")
	ListedNoLonger = say2[string, int]("screen.removed", "{host}: {n} {n|item is|items are} no longer listed", "{host}: {n} 項目を一覧から外しました")
	ListedAsOther  = say3[string, int, string]("screen.renamed",
		"{host}: {n} {n|item is|items are} no longer listed; {n|it is that|they are those} of {to}",
		"{host}: {n} 項目を一覧から外し、{to} に引き継ぎました")
	Forgot      = say2[Component, string]("screen.forgot", "forgot that the {component} was installed on {host}", "{host} に {component} が導入されていたという記録を削除しました")
	SilenceWait = say1[time.Time]("screen.silence_waits",
		"it ends when all that it matches is well again; if nothing is lost now, it waits until {time} for the first alert",
		"対象がすべて復旧すると終了します。現在異常がなければ、{time} まで最初のアラートを待ちます")
	NoItemMatches = say0("screen.silence_nothing",
		"no item that dswatch knows matches; dswatch status lists them",
		"一致する監視項目がありません。dswatch status で一覧を確認してください")
	SilenceEndless = say1[string]("screen.silence_endless",
		"it has no end; dswatch status reminds of it, and dswatch silence expire {id} ends it",
		"無期限のサイレンスです。dswatch status に表示され、dswatch silence expire {id} で終了できます")
	Warning        = say0("screen.warning", "warning:", "警告:")
	Advice         = say0("screen.advice", "advice:", "助言:")
	SinksFailed    = say2[int, int]("screen.sinks_failed", "{failed} of {n} sinks did not confirm", "通知先 {n} 件のうち {failed} 件で確認できませんでした")
	MessagesLost   = say1[int]("screen.messages_lost", "lost messages: {n}", "消失したメッセージ: {n} 件")
	StoreKept      = say1[string]("screen.store_kept", "the store as it was is in {dir}", "修復前の保存データは {dir} にあります")
	NothingChanged = say0("screen.nothing_changed", "nothing has changed", "変更はありません")
	ConfigValid    = say0("screen.config_valid", "the configuration is valid", "設定は有効です")
	StrictWarnings = say1[int]("screen.strict_warnings",
		"{n} {n|warning|warnings} with --strict: correct what is named above",
		"--strict の指定により、上記の警告 {n} 件を誤りとして扱います。修正してください")
	ShortestOutage = say1[[]string]("screen.shortest",
		"the shortest outage that is certainly told (rules.hold and the schedules): {times}",
		"確実に通知される最短の停止時間 (rules.hold と確認の間隔から算出): {times}")
	Wrote = say1[string]("screen.wrote",
		"wrote {file}; next: dswatch config check -c {file}, then dswatch run -c {file}",
		"{file} に書き込みました。次に dswatch config check -c {file}、続けて dswatch run -c {file} を実行してください")
	ServiceInstalled = say3[string, string, string]("screen.service_installed",
		"installed the service {name}: {program} with {config}",
		"サービス {name} を登録しました: {program} (設定 {config})")
	ServiceAsRoot = say1[error]("screen.service_as_root",
		"it runs as root, not as the user dswatch: {why}",
		"サービスはユーザ dswatch ではなく root で動作します: {why}")
	ServiceNext = say0("screen.service_next", "next: dswatch service start", "次に dswatch service start を実行してください")
	ServiceDone = say2[Phrase, string]("screen.service_done", "{done} the service {name}", "サービス {name} を{done}")
	DoneRemoved = say0("service.removed", "removed", "削除しました")
	DoneStarted = say0("service.started", "started", "開始しました")
	DoneStopped = say0("service.stopped", "stopped", "停止しました")

	UpOfExpected = say2[int, int]("check.summary", "{up} of {n} expected items are up", "監視対象のうち正常なもの: {up} / {n}")
	AndMore      = say1[int]("check.more", "and {n} more", "ほか {n} 件")
	BadItem      = say3[event.Kind, string, event.State]("check.item", "{kind} {name} {state}", "{kind} {name} {state}")
	Undecided    = say0("check.undecided",
		"something of Deep Security runs here, but what must run cannot be told; declare the facts that are named as unknown, first of all watch.facts.components",
		"Deep Security の一部が動作していますが、監視対象を判定できません。不明と表示された事実を、まず watch.facts.components から設定に記述してください")
	FactsOfProcess = say0("check.of_process",
		"(as the running dswatch knows them and decides by)",
		"(実行中の dswatch が把握し、判断に使っている内容です)")
	AgentNotAsked = say1[[]string]("check.not_asked",
		"The agent is not up and could not be asked for {facts}. A running dswatch remembers what it said; else declare them in watch.facts.",
		"Agent が停止しているため、次の事実を確認できませんでした: {facts}。実行中の dswatch があれば Agent が最後に答えた内容を使います。なければ watch.facts に記述してください。")
	ProcessNotAsked = say1[error]("check.process_silent",
		"The running dswatch was not asked, so this is what one look shows: {error}",
		"実行中の dswatch に確認できなかったため、今回の確認だけの結果です: {error}")
	RulesSendNothing = say1[error]("sink_test.past_rules",
		"the test bypasses the rules, which send no alert now: {error}",
		"このテストはルールを経由しません。ルールからのアラートは現在送信されません: {error}")
	LeftOut = say1[int]("check.left_out",
		"{n} {n|item|items} of the manager's other computers {n|is|are} up or not expected, and not shown.",
		"Manager の他のコンピュータで、正常または監視対象外の {n} 項目は表示していません。")
	RowsLeftOut = say1[int]("check.rows_left_out",
		"{n} {n|row is|rows are} not expected here and not shown; --all shows {n|it|them}.",
		"監視対象外の {n} 行は表示していません。--all ですべて表示します。")
	NothingHere = say1[string]("check.absent",
		"no Deep Security was found on {host}; if it should be here, run as root, or declare it as watch.facts.components, such as [agent]",
		"{host} には Deep Security が見つかりません。導入済みのはずであれば root で実行するか、設定の watch.facts.components に manager や agent を記述してください")
	NothingForRoot = say1[string]("check.absent_root",
		"no Deep Security was found on {host}; if it should be here, declare it as watch.facts.components, such as [agent]",
		"{host} には Deep Security が見つかりません。導入済みのはずであれば、設定の watch.facts.components に manager や agent を記述してください")

	// Why a dead letter was not sent again.
	NoAlert = say0("replay.no_alert", "it holds no alert; drop it", "アラートを含みません。削除してください")
	NoSink  = say1[string]("replay.no_sink",
		"there is no sink {name} any more; drop it",
		"通知先 {name} はもうありません。削除してください")
	NothingEnds = say0("replay.nothing_ends",
		"the alert is over and its all-clear is not here, so nothing would end it at the far end; drop it",
		"アラートは復旧済みで復旧通知がここにないため、再送しても通知先で未復旧のまま残ります。削除してください")
	Outdated = say0("replay.outdated",
		"a later alert of the item is open at this sink, which knows alerts by their item alone and would end that one; drop it, or replay it once that is over",
		"この通知先はアラートを項目だけで区別し、同じ項目の新しいアラートが未復旧です。再送するとそれを復旧させてしまうため、削除するか、復旧後に再送してください")
)
