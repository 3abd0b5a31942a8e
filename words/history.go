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
