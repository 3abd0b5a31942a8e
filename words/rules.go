package words

import (
	"time"

	"dswatch/event"
)

// Why a row is expected on a host, or is not.
var (
	// InBoth is a text that is there in both languages.
	InBoth  = say1[Both]("both", "{text}", "{text}")
	OtherOS = say3[string, Origin, []string]("row.other_os",
		"the host runs {os} [{origin}], and the row is for {systems}",
		"ホストの OS が {os} のため監視対象外です ({origin}、対象: {systems})")
	ComponentThere = say2[Component, Origin]("row.installed",
		"the {component} is installed [{origin}], so this is expected",
		"{component} が導入されているため監視対象です ({origin})")
	ComponentAbsent = say2[Component, Origin]("row.not_installed",
		"the {component} is not installed [{origin}], so this is not expected",
		"{component} が導入されていないため監視対象外です ({origin})")
	ManagerAsked = say0("row.manager_asked",
		"detectors.manager asks this manager, so it is expected",
		"detectors.manager で問い合わせているため監視対象です")
	NoCondition = say0("row.no_condition",
		"it is always expected",
		"常に監視対象です")
	// Note is what stands behind a reason: the vendor's footnotes, or notes of our own.
	Note = say1[Both]("row.note", "note: {text}", "注記: {text}")
	// Because and NotBecause say of a row with a condition which facts decided.
	Because = say1[Phrase]("row.because",
		"expected because {ground}",
		"{ground} のため監視対象です")
	NotBecause = say1[Phrase]("row.not_because",
		"not expected because {ground}",
		"{ground} のため監視対象外です")
	// Grounds joins what decided together.
	Grounds = say2[Phrase, Phrase]("row.grounds", "{one} and {other}", "{one}、{other}")
	FactIs  = say3[Fact, Value, Origin]("row.is",
		"{fact} is {value} [{origin}]",
		"{fact} が {value} ({origin})")
	FactVersion = say4[Fact, string, Origin, []string]("row.is_version",
		"{fact} is {value} [{origin}] ({relations})",
		"{fact} が {value} ({origin}、{relations})")
	FactUnknown = say1[Fact]("row.is_unknown",
		"{fact} is unknown",
		"{fact} が不明")
	// FactSaid and FactMissing are whole reasons: of what is there since it was seen.
	FactSaid = say3[Fact, Value, Origin]("row.remembers",
		"{fact} is {value} [{origin}]",
		"{fact} は {value} です ({origin})")
	FactMissing = say1[Fact]("row.remembers_nothing",
		"{fact} is unknown",
		"{fact} は不明です")
	ReadAs = say2[Fact, string]("row.reads_as",
		"{fact} is read as {version}",
		"{fact} は {version} と解釈しています")
	FactsMissing = say1[[]string]("row.facts_missing",
		"{facts} unknown",
		"{facts} が不明なため判定できません")
	FactsUnreadable = say1[[]string]("row.facts_unreadable",
		"{facts} cannot be read as a version",
		"{facts} をバージョンとして解釈できないため判定できません")
	FactsPartial = say1[[]string]("row.facts_partial",
		"{facts} tells no build",
		"{facts} にビルド番号がないため判定できません")
	DeclareIt = say0("row.declare_it",
		"declare it in a facts file or in watch.facts",
		"値を facts ファイルまたは watch.facts に記述してください")
	DeclareThem = say0("row.declare_them",
		"declare them in a facts file or in watch.facts",
		"それぞれの値を facts ファイルまたは watch.facts に記述してください")
	InTargets = say0("row.in_targets",
		"declared in detectors.port.targets",
		"detectors.port.targets で指定されているため監視対象です")
	MustReport = say1[time.Duration]("row.must_report",
		"its dswatch has reported before; every host must report within {wait} (rules.silent)",
		"以前に dswatch から報告があったため、{wait}以内の報告が必要です (rules.silent)")
)

// What the rules decided, and why.
var (
	WaitsBefore = say1[time.Duration]("why.waits",
		"waits {wait} before anybody is told",
		"{wait}続いた場合に通知します")
	OverBefore = say0("why.over_before",
		"over before anybody was told",
		"通知の前に復旧しました")
	WellAgain = say1[time.Duration]("why.well_again",
		"well again; waits {wait} before the all-clear",
		"正常に戻りました。{wait}続いた場合に復旧を通知します")
	OneOfMany = say1[string]("why.one_of_many",
		"one of many at once; digest {id}",
		"同時に多発したため、ダイジェスト {id} に集約しました")
	ComesAndGoes = say0("why.flapping",
		"comes and goes, which is an alert of its own",
		"状態変化の繰り返し (フラッピング) のため、別のアラートで通知します")
	SilencedBy = say1[string]("why.silenced",
		"silence {id}",
		"サイレンス {id} により通知を抑止しています")
	ExplainedBy = say1[string]("why.explained",
		"explained by {cause}, whose alert names it",
		"原因は {cause} のため、そのアラートに含めました")
	WaitsForCause = say1[string]("why.waits_for_cause",
		"waits for {cause}, which may explain it",
		"原因の可能性がある {cause} の判定を待っています")
	NoLongerExplains = say1[string]("why.no_longer_explains",
		"{cause} does not explain it any more",
		"{cause} では説明できなくなりました")
	Observed = say1[event.State]("why.observed",
		"observed {state}",
		"状態は{state}です")
	StateWas = say2[event.State, event.State]("why.was",
		"was {before}, is {now}",
		"状態が{before}から{now}に変わりました")
	SeverityWas = say2[event.Severity, event.Severity]("why.severity_was",
		"it was {before}, is {now} now",
		"重大度が{before}から{now}に変わりました")
	StillSince = say2[event.State, time.Time]("why.still",
		"still {state} since {time}",
		"{time} から{state}のままです")
	OffTheList = say0("why.off_the_list",
		"the row is no longer on the list",
		"監視対象の一覧から外れました")
	NoLonger = say0("why.no_longer",
		"no longer expected:",
		"監視対象外になりました:")
	MeansOther = say0("why.means_other",
		"what it means has changed with what else is known of the host",
		"ホストのほかの状態により影響が変わりました")
	LooksAfter = say1[string]("why.acknowledged",
		"{author} looks after it",
		"{author} が担当しています")
	LooksAfterSays = say2[string, string]("why.acknowledged_says",
		"{author} looks after it: {comment}",
		"{author} が担当しています ({comment})")
	Withdrew = say1[string]("why.withdrawn",
		"{author} withdrew the acknowledgement",
		"{author} が確認を取り消しました")
	WithdrewSays = say2[string, string]("why.withdrawn_says",
		"{author} withdrew the acknowledgement: {comment}",
		"{author} が確認を取り消しました ({comment})")
	ChangedTimes = say2[int, time.Duration]("why.changed_times",
		"changed {n} {n|time|times} within {window}",
		"{window}以内に {n} 回変化しました")
	StandsFor = say1[int]("why.stands_for",
		"stands for {n} {n|alert|alerts}",
		"アラート {n} 件を集約しています")
	NotHeardBefore = say0("why.sinks_not_heard",
		"these sinks had not heard of it",
		"これらの通知先には初めての通知です")
	InTransition = say1[time.Time]("why.in_transition",
		"the host is in transition until {time}:",
		"ホストの更新または再起動のため {time} まで待ちます:")
	AgentWent = say2[string, string]("why.agent_went",
		"the agent went from {before} to {now}",
		"Agent が {before} から {now} に更新されました")
	HostStarted = say1[time.Time]("why.host_started",
		"the host was started at {time}",
		"ホストが {time} に起動しました")
	PackageChanging = say1[string]("why.package_changing",
		"{by} is changing the agent's package",
		"{by} が Agent のパッケージを変更しています")
)

// What was done to a silence.
var (
	SilenceAdded      = say0("silence.added", "added", "追加しました")
	SilenceExpired    = say0("silence.expired", "expired", "終了させました")
	SilenceFirstAlert = say0("silence.first_alert",
		"its first alert has come; it ends when all that it matches is well again",
		"最初のアラートが発生しました。対象がすべて復旧すると終了します")
	SilenceNoAlert = say1[time.Time]("silence.no_alert",
		"ended: no alert that it matches came until {time}",
		"{time} までに対象のアラートがなかったため終了しました")
	SilenceWell = say0("silence.well",
		"ended: everything it matches is well again",
		"対象がすべて復旧したため終了しました")
	SilenceClock = say1[time.Duration]("silence.clock",
		"the clock was set back by {d}; it stays in force",
		"時計が{d}戻されましたが、引き続き有効です")
	SilenceMatchers = say2[string, string]("silence.matchers",
		"changed matchers {before} to {now}",
		"対象を {before} から {now} に変更しました")
	SilenceTimes = say2[string, string]("silence.times",
		"changed times {before} to {now}",
		"繰り返しを {before} から {now} に変更しました")
	SilenceEnd = say2[Both, Both]("silence.end",
		"changed end {before} to {now}",
		"終了を {before} から {now} に変更しました")
	SilenceComment = say2[string, string]("silence.comment",
		"changed comment {before} to {now}",
		"コメントを {before} から {now} に変更しました")
)

// What a version before said, which may still be stored. Nobody says it now.
var (
	_ = say1[[]string]("row.see_footnotes", "see footnote {ids}", "注記 {ids} を参照してください")
	_ = say1[[]string]("row.by_footnotes", "footnote {ids}:", "注記 {ids}:")
	_ = say1[[]string]("row.expected_by", "expected after footnote {ids}:", "注記 {ids} により監視対象です:")
	_ = say1[[]string]("row.not_expected_by", "not expected after footnote {ids}:", "注記 {ids} により監視対象外です:")
	_ = say3[Fact, string, Origin]("row.fact", "{fact} is {value} [{origin}]", "{fact} が {value} です ({origin})")
	_ = say4[Fact, string, Origin, []string]("row.version",
		"{fact} is {value} [{origin}] ({relations})", "{fact} が {value} です ({origin}、{relations})")
	_ = say1[Fact]("row.fact_unknown", "{fact} is unknown", "{fact} が不明です")
	_ = say1[string]("row.read_as", "read as {version}", "{version} と解釈しています")
)
