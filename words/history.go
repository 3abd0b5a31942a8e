package words

import (
	"time"

	"dswatch/event"
)

// What the history says of what happened.
var (
	HistoryState = say2[event.State, time.Time]("history.state", "{state} since {time}", "{state} ({time} から)")
	HistoryLost  = say3[event.State, time.Time, event.Impact]("history.lost",
		"{state} since {time}: {impact}", "{state} ({time} から): {impact}")
	HistoryNotExpected = say2[event.State, time.Time]("history.not_expected",
		"{state} since {time}, and need not be there", "{state} ({time} から)、監視対象外")
	HistoryGone  = say0("history.gone", "is there no longer", "監視項目がなくなりました")
	HistoryAlert = say3[string, event.Transition, event.Severity]("history.alert",
		"alert {id} {transition}, {severity}", "アラート {id} {transition} ({severity})")
	HistoryAck   = say2[string, string]("history.ack", "{who} looks after alert {id}", "{who} がアラート {id} を確認しました")
	HistoryUnack = say2[string, string]("history.unack",
		"{who} took back the acknowledgement of alert {id}", "{who} がアラート {id} の確認を取り消しました")
	HistorySilence = say2[string, string]("history.silence", "silence {id}, {who}", "サイレンス {id}、{who}")
	HistoryReload  = say2[int, []string]("history.reload",
		"the configuration was read again, {n} {n|key|keys} changed: {keys}", "設定を再読み込みしました。変更 {n} 件: {keys}")
	HistorySame        = say0("history.reload_same", "the configuration was read again, nothing has changed", "設定を再読み込みしました。変更はありません")
	HistoryNotReloaded = say0("history.not_reloaded",
		"the configuration could not be read again", "設定を再読み込みできませんでした")
	HistoryDeaf = say1[time.Time]("history.deaf",
		"it is not certain since {time} that changes are told", "{time} から、変化が通知されることを確認できていません")
	HistoryHearing = say1[time.Time]("history.hearing",
		"changes are told again; it was not certain since {time}", "変化の通知が回復しました ({time} から確認できていませんでした)")
	HistoryStart = say2[string, time.Time]("history.start",
		"dswatch {version} began; it ran last at {time}", "dswatch {version} を開始しました (前回の動作: {time} まで)")
	HistoryFirst = say1[string]("history.first", "dswatch {version} began for the first time", "dswatch {version} を初めて開始しました")
	HistoryStop  = say0("history.stop", "dswatch ended", "dswatch を終了しました")
	HistoryGap   = say2[int, time.Time]("history.gap",
		"{n} {n|entry|entries} since {time} could not be stored", "{time} からの記録 {n} 件を保存できませんでした")
	HistoryWhole = say1[int]("history.whole",
		"all {n} {n|item|items} as they are", "全監視項目 {n} 件の現在の状態")
	HistoryReported    = say2[string, string]("history.reported", "the report of {month} was handed to sink {name}", "{month} のレポートを通知先 {name} に渡しました")
	HistoryNotReported = say2[string, string]("history.not_reported",
		"the report of {month} could not be sent to sink {name}", "{month} のレポートを通知先 {name} に送信できませんでした")
	HistoryEmpty = say2[time.Time, time.Time]("history.empty",
		"Nothing happened from {from} to {until}, or nothing of that was kept.", "{from} から {until} までの記録はありません。")
	HistoryUnreadable = say1[int]("history.unreadable",
		"{n} {n|entry|entries} could not be read and {n|is|are} left out.", "記録 {n} 件を読み取れないため省きました。")

	ReportOf = say3[string, time.Time, time.Time]("report.of",
		"Report of {month}, from {from} to {to}", "{month} の月次報告書 ({from} から {to} まで)")
	ReportBase = say3[time.Time, time.Time, time.Duration]("report.base",
		"Observed from {from} to {to}; of that, {time} are unknown because dswatch did not run or could not tell.",
		"観測期間は {from} から {to} までです。このうち dswatch が動作していない、または通知できることを確認できない時間 (不明) は{time}です。")
	ReportNothing = say0("report.nothing", "Nothing was observed in this time, or nothing of it was kept.", "この期間の記録はありません。")
	ReportMissing = say1[int]("report.missing",
		"{n} {n|entry|entries} of the history could not be stored; that time counts as unknown.", "保存できなかった記録が {n} 件あります。その時間は不明として扱います。")
	ReportLooks = say1[[]string]("report.looks",
		"A change is seen with the next look, so each beginning and end may be later by that much: {looks}.",
		"変化は次の確認で検出するため、開始と終了はそれぞれ監視の間隔だけ遅れることがあります: {looks}。")
	ReportMeans = say0("report.means",
		"Available is up or degraded, of the time that is known and not silenced. A host is down while one of its rows is.",
		"可用性は、状態が分かり、通知を抑止していない時間のうち、正常または一部停止の割合です。ホストは、監視項目が 1 つでも停止している間を停止とします。")
	ReportAlerts = say3[int, int, int]("report.alerts",
		"{n} {n|alert was|alerts were} raised; {before} were open at the beginning, {after} at the end.",
		"発生したアラートは {n} 件、期首に未復旧だったものは {before} 件、期末に未復旧のものは {after} 件です。")
	ReportAcked = say3[int, time.Duration, time.Duration]("report.acked",
		"{n} {n|was|were} acknowledged, after {mean} on average and {most} at most.", "確認済みは {n} 件、確認までの時間は平均{mean}、最長{most}です。")
	ReportRecovered = say3[int, time.Duration, time.Duration]("report.recovered",
		"{n} {n|was|were} over, after {mean} on average and {most} at most, from the first look that saw the trouble.",
		"復旧したのは {n} 件、最初の検出から復旧までの時間は平均{mean}、最長{most}です。")
	NotAMonth        = say1[string]("report.month", `"{value}" is no month; write 2026-10`, `"{value}" は月として読み取れません。2026-10 のように書いてください`)
	NotAReport       = say1[string]("report.format", `"{value}" is none of text, csv or json`, `"{value}" は使えません。text、csv、json のいずれかを書いてください`)
	NotAHistoryEvent = say2[string, []string]("history.no_event",
		`"{value}" is none of {names:or}`, `"{value}" は使えません。{names:or} のいずれかを書いてください`)
	UntilBeforeSince = say2[time.Time, time.Time]("history.until_before",
		"until ({until}) is not after since ({since}); exchange them", "終わり ({until}) が始まり ({since}) より後ではありません。入れ替えてください")
	BadCursor    = say0("history.cursor", "the cursor in after is none of the answer before", "after のカーソルが、直前の応答のものではありません")
	BadParameter = say2[string, error]("request.parameter", "parameter {key}: {error}", "パラメータ {key}: {error}")
	BadLimit     = say1[int]("request.limit", "limit is none from 1 to {n}", "limit には 1 から {n} までの値を書いてください")
)

// historyEvents are what there is to tell of, by history.What.
var historyEvents = map[string]Both{
	"state":    {"state", "状態"},
	"alert":    {"alert", "アラート"},
	"ack":      {"acknowledged", "確認"},
	"silence":  {"silence", "サイレンス"},
	"reload":   {"reload", "再読み込み"},
	"deaf":     {"deaf", "確認不能"},
	"hearing":  {"hearing", "確認再開"},
	"start":    {"start", "開始"},
	"stop":     {"stop", "終了"},
	"gap":      {"gap", "欠落"},
	"whole":    {"whole", "全体"},
	"reported": {"report", "レポート"},
}

// HistoryEvent is what kind of thing an entry of the history tells of.
func (v Voice) HistoryEvent(what string) string {
	if b, ok := historyEvents[what]; ok {
		return v.Pick(b)
	}
	return what
}
