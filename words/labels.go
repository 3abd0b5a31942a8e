package words

import (
	"strings"
	"time"
)

// What stands around what is said: the heads of tables, and the labels of
// screens and messages, each once. A %s or %d is filled in where it is shown.
var (
	Comma                 = Both{", ", "、"}
	Semicolon             = Both{"; ", "。"}
	Colon                 = Both{": ", ": "}
	HeadsCheck            = Both{"STATE|KIND|NAME|FOUND|EXPECTED", "状態|種別|名前|検出|監視対象"}
	HeadWhy               = Both{"WHY", "理由"}
	SilenceForever        = Both{"forever", "無期限"}
	SilenceClearedWaits   = Both{"cleared; waits until ", "復旧まで、アラート待ちの期限 "}
	SilenceCleared        = Both{"cleared", "復旧まで"}
	SilenceEvery          = Both{"%s for %s, %s", "%s、毎回 %s、%s"}
	SilenceEveryUntil     = Both{"; until ", "、最終 "}
	WhyTimes              = Both{"times: ", "時刻: "}
	WhyState              = Both{"state", "状態"}
	WhyStateSince         = Both{"%s since %s, %d of %d found", "%s (%s から、%d/%d)"}
	WhySeen               = Both{"seen", "観測"}
	WhySeenBy             = Both{"by %s, last news at %s", "%s が観測、最後の変化は %s"}
	WhyExpected           = Both{"expected", "監視対象"}
	WhyFacts              = Both{"facts", "判定の根拠"}
	WhyByHand             = Both{"by hand", "手動確認"}
	WhyRule               = Both{"rule ", "ルール "}
	WhyDigest             = Both{"digest of the rule %s: stands for %d alerts, %d of them open", "ルール %s のダイジェスト: 集約したアラート %d 件、うち未復旧 %d 件"}
	WhyExplained          = Both{"explained by these alerts", "これらのアラートが原因"}
	WhyAlert              = Both{"alert ", "アラート "}
	WhyCause              = Both{"the alert of its cause names it: ", "原因のアラートに含まれる: "}
	WhyInDigest           = Both{"told as a part of digest ", "ダイジェストに含まれる: "}
	WhySilenced           = Both{"kept quiet by ", "通知の抑止: "}
	WhySilencedBy         = Both{" of %s (%s)", " %s (%s)"}
	WhySilencedUntil      = Both{" until ", "、終了 "}
	WhySilencedForever    = Both{", which has no end", "、無期限"}
	WhySilencedCleared    = Both{" until all is well again", "、すべて復旧するまで"}
	WhyAcked              = Both{"%s looks after it since %s %s", "担当者 %s (%s から) %s"}
	WhyDue                = Both{"looked at again at ", "次の判断 "}
	WhyDecisions          = Both{"Decisions", "判断の履歴"}
	HeadsTrail            = Both{"TIME|RULE|DECISION|STATE|WHY", "日時|ルール|判断|状態|理由"}
	WhyTo                 = Both{"-> ", "→ "}
	WhyNoDecisions        = Both{"none: nothing was ever wrong", "なし (異常はまだ一度もありません)"}
	WhySinks              = Both{"Sinks", "通知先"}
	WhyNothingOwn         = Both{"nothing of its own while its cause explains it; who was told of that: dswatch why %s", "原因のアラートに含まれるため、個別には通知していません。通知の状況: dswatch why %s"}
	WhyNobodyTold         = Both{"none: nobody was told anything", "なし (まだどこにも通知していません)"}
	WhyMoreBetween        = Both{"... and %d more between", "... この間にさらに %d 回"}
	WhyWaitsAfter         = Both{"waits in the outbox after %d attempts", "送信待ち (%d 回試行)"}
	WhyWaitsFailing       = Both{"waits in the outbox, not tried yet while the sink fails", "送信待ち (未送信、通知先に障害)"}
	WhyWaits              = Both{"waits in the outbox, not tried yet", "送信待ち (未送信)"}
	WhyGivenUp            = Both{"given up%s after %s", "配信不能%s (%s)"}
	WhyNotSent            = Both{"not sent", "送信せず"}
	WhyLetter             = Both{", dead letter ", "、配信不能の記録 "}
	WhyConfirmed          = Both{"confirmed%s after %s", "受領%s (%s)"}
	WhyOneAttempt         = Both{"1 attempt", "1 回目"}
	WhyAttempts           = Both{"%d attempts", "%d 回目"}
	HeadComponent         = Both{"COMPONENT", "コンポーネント"}
	HeadKind              = Both{"KIND", "種別"}
	HeadName              = Both{"NAME", "名前"}
	HeadExpected          = Both{"EXPECTED", "監視対象"}
	HeadsAlerts           = Both{"ALERT|RULE|STATE|SEVERITY|SINCE (%s)|ITEM|TOLD|NOTE", "アラート|ルール|状態|重大度|発生日時 (%s)|監視項目|通知先|備考"}
	LabelSink             = Both{"sink", "通知先"}
	LabelGivenUp          = Both{"given up", "配信不能"}
	LabelClass            = Both{"class", "分類"}
	LabelReason           = Both{"reason", "理由"}
	LabelDelivery         = Both{"delivery", "配信 ID"}
	LabelItem             = Both{"item", "監視項目"}
	HeadsReportHosts      = Both{"HOST|AVAILABLE %|DEGRADED|DOWN|UNKNOWN|SILENCED|PROTECTION LOST|ALERTS", "ホスト|可用性 %|一部停止|停止|不明|抑止中|保護停止|アラート"}
	HeadsReportRows       = Both{"ITEM|AVAILABLE %|DEGRADED|DOWN|UNKNOWN|SILENCED|LOSSES", "監視項目|可用性 %|一部停止|停止|不明|抑止中|停止回数"}
	HeadsReportGroups     = Both{"GROUP|OF|MEAN %|WORST %|WORST IS", "グループ|数|平均 %|最低 %|最低のホスト"}
	ReportAllHosts        = Both{"all hosts", "全ホスト"}
	HeadsHistory          = Both{"TIME (%s)|EVENT|ITEM|WHAT HAPPENED", "日時 (%s)|種類|監視項目|内容"}
	HeadsDeadLetters      = Both{"ID|SINK|GIVEN UP (%s)|ATTEMPTS|CLASS|TRANSITION|ALERT|ITEM|REASON", "ID|通知先|配信不能の日時 (%s)|試行|分類|変化|アラート|監視項目|理由"}
	FiringSilenced        = Both{"firing, silenced", "発生中 (通知の抑止)"}
	DrillConfirmed        = Both{"confirmed", "受領"}
	DrillNotConfirmed     = Both{"NOT CONFIRMED", "確認できず"}
	HeadsStatus           = Both{"STATE|EXPECTED|ALERT|ITEM|WHY", "状態|監視対象|アラート|監視項目|理由"}
	HeadsSinks            = Both{"SINK|TYPE|WAITING|DEAD|CIRCUIT|DRILL|FAILING SINCE (%s)|LAST ERROR", "通知先|方式|送信待ち|配信不能|サーキットブレーカー|定期テスト|障害の開始 (%s)|直近のエラー"}
	Unreadable            = Both{"unreadable", "読み取り不能"}
	HeadsStore            = Both{"STREAM|MESSAGES|LAST|REPAIRED|LAST|LOST", "ストリーム|メッセージ|末尾|修復後|末尾|消失"}
	InitNothing           = Both{"nothing of Deep Security was found here; declare it if it is installed elsewhere", "このホストに Deep Security は見つかりませんでした。別の場所に導入されていれば記述してください"}
	SilenceEntryBy        = Both{"%s by %s", "%s (%s)"}
	WhyPhaseSince         = Both{"%s since %s", "%s、%s から"}
	SemicolonComma        = Both{"; ", "、"}
	SilenceNever          = Both{"never", "なし"}
	SilenceUntilCleared   = Both{"until cleared", "復旧まで"}
	StoryPasses           = Both{"ok  ", "一致  "}
	StoryFails            = Both{"FAIL", "不一致"}
	StoryFaults           = Both{"restarts, kills and power losses", "再起動・強制終了・電源断"}
	SampleTitle           = Both{"agent process ds_agent is down on web01", "web01 の Agent プロセス ds_agent が停止しています"}
	SampleText            = Both{"The Deep Security Agent no longer reports.", "Deep Security Agent の管理機能が失われました。"}
	FieldItem             = Both{"Item", "監視項目"}
	FieldHost             = Both{"Host", "ホスト"}
	FieldComponent        = Both{"Component", "コンポーネント"}
	FieldState            = Both{"State", "状態"}
	FieldSeverity         = Both{"Severity", "重大度"}
	FieldImpact           = Both{"Impact", "影響"}
	FieldRule             = Both{"Rule", "ルール"}
	FieldSince            = Both{"Since", "発生日時"}
	FieldUntil            = Both{"Until", "復旧日時"}
	FieldLasted           = Both{"Lasted", "継続時間"}
	FieldFound            = Both{"Found", "検出数"}
	FieldOS               = Both{"OS", "OS"}
	FieldAgentVersion     = Both{"Agent version", "Agent のバージョン"}
	FieldReason           = Both{"Why it is expected", "監視する理由"}
	FieldDetail           = Both{"What was seen", "検出内容"}
	FieldConfirm          = Both{"How to confirm", "確認方法"}
	FieldObserver         = Both{"Seen by", "監視元"}
	FieldAlertID          = Both{"Alert", "アラート"}
	FieldTest             = Both{"TEST", "テスト"}
	FieldReplay           = Both{"REPLAY", "再送"}
	FieldAffected         = Both{"Affected", "影響を受ける項目"}
	FieldAckBy            = Both{"Acknowledged by", "担当者"}
	FieldWithdrawnBy      = Both{"Acknowledgement withdrawn by", "確認を取り消した担当者"}
	FieldOpen             = Both{"Open alerts", "未復旧のアラート"}
	FieldWaiting          = Both{"Waiting for this sink", "送信待ち"}
	FieldNext             = Both{"Next within", "次の通知まで"}
	LinkToPage            = Both{"Open the page of this alert", "このアラートのページを開く"}
	ButtonAck             = Both{"Acknowledge", "確認済みにする"}
	ButtonSilence         = Both{"Silence for 1 h", "1 時間抑止する"}
	ButtonWhy             = Both{"Why?", "理由を表示"}
	FieldStep             = Both{"Next step", "次の対応"}
	AffectedMore          = Both{"and %d more", "ほか %d 件"}
	FoundOfWant           = Both{"%d of %d", "%d / %d"}
	CharactersLeftOut     = Both{"%d characters left out", "%d 文字を省略"}
	UnitDay               = Both{"d", "日"}
	UnitHour              = Both{"h", "時間"}
	UnitMinute            = Both{"min", "分"}
	UnitSecond            = Both{"s", "秒"}
	DemoAgent             = Both{"a pretend agent runs: 2 x ds_agent, 2 x ds_am, TLS on 127.0.0.1:%d", "擬似エージェントを起動しました: ds_agent x 2、ds_am x 2、TLS 待ち受け 127.0.0.1:%d"}
	DemoTaken             = Both{"(4118 is taken or not permitted here, so the demo uses another port)", "(4118 番は使用中か許可されていないため、別のポートを使います)"}
	DemoReceivers         = Both{"an NMS listens for traps on %s, a SIEM for syslog on %s", "トラップを受ける NMS: %s、syslog を受ける SIEM: %s"}
	DemoHealthy           = Both{"dswatch watches: %d expected items are up; %d rows are not expected here, by their footnotes", "dswatch が監視を始めました: 監視対象 %d 件はすべて正常、残り %d 行は注記の条件により対象外です"}
	DemoKillOne           = Both{"kill one of the two ds_am processes", "ds_am の 2 プロセスのうち 1 つを強制終了します"}
	DemoKillOther         = Both{"kill the other one too", "もう 1 つも強制終了します"}
	DemoStart             = Both{"start both again", "2 つとも再起動します"}
	DemoKillListener      = Both{"kill the ds_agent process that listens: port 4118 closes too, as a symptom, so one alert tells it", "待ち受けている ds_agent プロセスを強制終了します。ポート 4118 も閉じますが、原因のアラート 1 件だけを知らせます"}
	DemoKillOtherListener = Both{"kill the ds_agent process that listens", "待ち受けている ds_agent プロセスを強制終了します"}
	DemoStartListener     = Both{"start it again", "再起動します"}
	DemoEnd               = Both{"done: %d traps and %d syslog lines, each exactly once, and every alert has its all-clear", "完了: トラップ %d 件、syslog %d 件。すべて 1 回ずつ届き、どのアラートにも復旧通知がありました"}
	ManualName            = Both{"dswatch Manual", "dswatch マニュアル"}
	HeadsSilences         = Both{"ID|STATE|FROM (%s)|UNTIL|AGAIN|MATCHERS|AUTHOR|COMMENT", "ID|状態|開始 (%s)|終了|繰り返し|対象|作成者|コメント"}
	SentenceStop          = Both{". ", "。"}
)

// Heads are the columns of a table.
//
// %s is the offset of the times below it.
func (v Voice) Heads(h Both) []string {
	text := strings.ReplaceAll(v.Pick(h), "%s", time.Now().In(v.Location()).Format("-07:00"))
	return strings.Split(text, "|")
}
