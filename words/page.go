package words

// What stands on the page that a browser shows. Sentences with a number in them
// come first, then the labels by their key.
var (
	PageHosts    = say1[int]("page.hosts", "{n} {n|host|hosts}", "{n} ホスト")
	PageItems    = say1[int]("page.items", "{n} {n|item|items}", "{n} 項目")
	PageAlerts   = say1[int]("page.alerts", "{n} {n|alert|alerts}", "アラート {n} 件")
	PageLosses   = say1[int]("page.losses", "{n} {n|problem|problems}", "異常 {n} 件")
	PageSymptoms = say1[int]("page.symptoms", "explains {n} {n|other problem|other problems}", "ほかの異常 {n} 件の原因")
	PageAttempts = say1[int]("page.attempts", "{n} {n|attempt|attempts}", "{n} 回試行")

	RoleMayNot   = say2[string, string]("web.may_not", "the token {name} has the role {role}, which does not allow this", "トークン {name} の権限 ({role}) では実行できません")
	TokenName    = say1[string]("config.token_name", "is empty, too long, surrounded by blanks or {taken}, which is the token in bus.dir; write who has the token, such as kim", "空、長すぎる、前後に空白がある、または bus.dir のトークンを表す {taken} です。kim のように、トークンの利用者を書いてください")
	TokenTwice   = say1[string]("config.token_twice", `"{name}" has the name or the token of another one; write one of its own`, `"{name}" の名前かトークンがほかと重複しています。それぞれ別の値にしてください`)
	TokenRole    = say1[string]("config.token_role", `"{role}" is not a role; write viewer, operator or admin`, `"{role}" という権限はありません。viewer、operator、admin のいずれかを書いてください`)
	TokenUnfit   = say0("config.token_unfit", "is shorter than 16 characters or holds blanks; write what `openssl rand -hex 16` prints into a file and name that as token_file", "16 文字未満か、空白を含んでいます。openssl rand -hex 16 の出力をファイルに保存し、token_file に指定してください")
	TokenExpires = say1[string]("config.token_expires", `"{day}" is not a day; write it as 2027-03-31`, `"{day}" は日付ではありません。2027-03-31 の形で書いてください`)

	PageLooksAfter = say0("page.looks_after", "It is acknowledged, and the sinks are told who looks after it.", "確認済みにしました。担当者を通知先に知らせます。")
	PageGivenBack  = say0("page.given_back", "The acknowledgement is withdrawn, and the sinks are told.", "確認を取り消しました。通知先に知らせます。")
	PageSilenced   = say0("page.silenced", "The silence is saved.", "サイレンスを保存しました。")
	PageExpired    = say0("page.expired", "The silence has ended.", "サイレンスを終了しました。")
	PageReplayed   = say0("page.replayed", "It is in the outbox again.", "再送の待ち行列に入れました。")
	PageDropped    = say0("page.dropped", "It is thrown away.", "削除しました。")
	PageMatches    = say2[int, int]("page.matches", "It matches {items} {items|item|items} now, {lost} of them lost.", "現在 {items} 項目が一致し、うち {lost} 項目に異常があります。")
	PageAtItsEnd   = say0("page.at_its_end", "What is lost when it ends is told then. What was told before is not repeated until then, and its all-clear is told.", "終了した時点で残っている異常は、そのとき通知します。すでに通知した異常は、終了まで再通知せず、復旧は通知します。")

	PageForeign    = say0("page.foreign", "the request did not come from a page of this session; go back, load the page again and repeat it", "このセッションのページからの要求ではありません。前のページを再読み込みして、もう一度実行してください")
	PageMayNot     = say0("page.may_not", "your role does not allow this; ask whoever gave you the token", "このトークンの権限では実行できません。トークンの発行者に確認してください")
	PageNotFound   = say0("page.not_found", "there is no such page", "ページが見つかりません")
	PageLoginFirst = say0("page.login_first", "log in first", "先にログインしてください")
	PageWrongToken = say0("page.wrong_token", "this is not a token of this dswatch, or it has expired", "この dswatch のトークンではないか、有効期限が切れています")
	PageTooMany    = say0("page.too_many", "too many attempts; wait ten seconds", "試行回数が多すぎます。10 秒待ってください")
)

// Page is a label of the page; what there is not is shown by its key, and a test
// finds it.
func (v Voice) Page(key string) string {
	if t, ok := page[key]; ok {
		return v.Pick(t)
	}
	return key
}

// PageKeys are the keys of all labels of the page.
func PageKeys() (all []string) {
	for k := range page {
		all = append(all, k)
	}
	return all
}

var page = map[string]Both{
	"nav.overview": {"Overview", "概要"},
	"nav.alerts":   {"Alerts", "アラート"},
	"nav.sinks":    {"Sinks", "通知先"},
	"nav.silences": {"Silences", "サイレンス"},
	"nav.main":     {"Pages", "ページ"},
	"nav.skip":     {"Skip to the content", "本文へ移動"},
	"nav.view":     {"View", "表示"},
	"nav.logout":   {"Log out", "ログアウト"},
	"nav.pages":    {"Pages of the list", "一覧のページ"},

	"view.language":    {"Language", "言語"},
	"view.japanese":    {"日本語", "日本語"},
	"view.theme":       {"Colours", "配色"},
	"view.theme.auto":  {"as the system", "システムに合わせる"},
	"view.theme.light": {"light", "ライト"},
	"view.theme.dark":  {"dark", "ダーク"},
	"view.zone":        {"Times", "時刻"},
	"view.zone.host":   {"of the server", "サーバの時刻"},
	"view.zone.mine":   {"of this browser", "このブラウザの時刻"},
	"view.zone.utc":    {"UTC", "UTC"},

	"pulse.current": {"Current: proven {} ago", "最新: {}前に動作を確認"},
	"pulse.broken":  {"NO CONNECTION for {}: this is how it was before", "接続が {}途絶えています: 表示は途絶える前の内容です"},
	"pulse.login":   {"Your session is over; load the page again", "セッションが終了しました。ページを再読み込みしてください"},

	"title.ok":    {"All well", "正常"},
	"title.stale": {"NOT CURRENT", "最新ではありません"},

	"login.title":  {"Log in", "ログイン"},
	"login.token":  {"Token", "トークン"},
	"login.help":   {"It stands in the file token below bus.dir, readable by the user that runs dswatch, or is one of those that the administrator handed out.", "トークンは bus.dir の下の token ファイル (dswatch の実行ユーザのみ読み取り可) にあります。管理者から受け取ったトークンも使えます。"},
	"login.button": {"Log in", "ログイン"},

	"error.title":  {"Not done", "実行できませんでした"},
	"error.broken": {"The page cannot be made; the log says why.", "ページを作成できません。原因はログを確認してください。"},
	"error.home":   {"To the overview", "概要へ戻る"},

	"over.lost":       {"What is lost now", "現在の異常"},
	"over.none":       {"Everything that must run is running.", "監視対象はすべて正常です。"},
	"over.up":         {"%d of %d expected items are up", "監視対象 %[2]d 項目のうち %[1]d 項目が正常"},
	"over.unread":     {"dswatch is still reading what it has stored; what is open is not known yet.", "保存データを読み込み中です。未復旧のアラートはまだ分かりません。"},
	"over.more":       {"%d more problems are in the list of alerts and on the pages of the hosts.", "ほか %d 件は、アラートの一覧と各ホストのページにあります。"},
	"over.hosts":      {"Hosts", "ホスト"},
	"over.failing":    {"Sinks to look after", "確認が必要な通知先"},
	"over.no_hosts":   {"No host fits the filter.", "条件に合うホストはありません。"},
	"over.not_loaded": {"The configuration was not read again", "設定を再読み込みできませんでした"},
	"over.details":    {"What it means and what to do", "影響と対応"},

	"filter.search":  {"Name of the host", "ホスト名"},
	"filter.state":   {"State", "状態"},
	"filter.all":     {"all", "すべて"},
	"filter.trouble": {"with problems", "異常あり"},
	"filter.sort":    {"Order", "並び順"},
	"filter.worst":   {"worst first", "悪い順"},
	"filter.name":    {"by name", "名前順"},
	"filter.since":   {"newest change first", "新しい変化の順"},
	"filter.most":    {"most problems first", "異常の多い順"},
	"filter.button":  {"Show", "表示"},

	"state.none": {"nothing to watch", "監視対象なし"},

	"col.host":      {"Host", "ホスト"},
	"col.state":     {"State", "状態"},
	"col.impact":    {"What is lost", "影響"},
	"col.since":     {"Since", "発生日時"},
	"col.for":       {"For", "継続"},
	"col.up":        {"Up / expected", "正常 / 監視対象"},
	"col.not":       {"Not expected", "対象外"},
	"col.undecided": {"Undecided", "判定不能"},
	"col.troubles":  {"Problems", "異常"},
	"col.item":      {"Item", "監視項目"},
	"col.found":     {"Found", "検出"},
	"col.expected":  {"Expected", "監視対象"},
	"col.why":       {"Why", "理由"},
	"col.severity":  {"Severity", "重大度"},
	"col.alert":     {"Alert", "アラート"},
	"col.told":      {"Told", "通知先"},
	"col.note":      {"Note", "備考"},
	"col.fact":      {"Fact", "事実"},
	"col.value":     {"Value", "値"},
	"col.origin":    {"From", "情報源"},
	"col.at":        {"At", "日時"},
	"col.sink":      {"Sink", "通知先"},
	"col.circuit":   {"Circuit", "サーキットブレーカー"},
	"col.waiting":   {"Waiting", "送信待ち"},
	"col.delivered": {"Delivered", "受領"},
	"col.dead":      {"Dead letters", "配信不能"},
	"col.last":      {"Last delivered", "最後の受領"},
	"col.error":     {"Last error", "直近のエラー"},
	"col.reason":    {"Reason", "理由"},
	"col.attempts":  {"Attempts", "試行"},
	"col.match":     {"Matchers", "対象"},
	"col.from":      {"From", "開始"},
	"col.until":     {"Until", "終了"},
	"col.author":    {"Author", "作成者"},
	"col.comment":   {"Comment", "コメント"},
	"col.rule":      {"Rule", "ルール"},
	"col.decision":  {"Decision", "判断"},
	"col.message":   {"Message", "メッセージ"},
	"col.progress":  {"Progress", "進捗"},

	"note.told":     {"told: %s", "受領: %s"},
	"note.waits":    {"waits for %s", "送信待ち: %s"},
	"note.refused":  {"refused by %s", "配信不能: %s"},
	"note.held":     {"told at", "通知予定"},
	"note.held_now": {"nobody is told yet", "まだ通知していません"},
	"note.acked":    {"acknowledged", "確認済み"},
	"note.acked_by": {"%s looks after it", "担当者: %s"},
	"note.silenced": {"silenced by %s: %s", "サイレンス (%s): %s"},
	"note.window":   {"silenced by the window %s", "メンテナンス時間 %s による抑止"},
	"note.cause":    {"explained by", "原因"},
	"note.digest":   {"in digest", "ダイジェスト"},
	"note.affected": {"stands for %s", "%sを集約"},
	"note.next":     {"Next step", "次の対応"},
	"note.by_hand":  {"By hand", "手動確認"},

	"host.watched":   {"What is watched", "監視項目"},
	"host.rest":      {"What need not run here", "監視対象外の項目"},
	"host.facts":     {"What is known of the host", "判定の根拠となる事実"},
	"host.footnotes": {"Footnotes of the vendor's list", "ベンダの一覧の注記"},
	"host.well":      {"Nothing is wrong on this host.", "このホストに異常はありません。"},
	"host.nothing":   {"Nothing must run on this host, as far as is known. If Deep Security is installed here, declare watch.facts.components.", "このホストに監視対象はありません。Deep Security が導入済みであれば watch.facts.components を設定してください。"},
	"host.no_facts":  {"Nothing is known.", "何も分かっていません。"},
	"host.note":      {"Note", "注記"},

	"alerts.none": {"No alert is open, and nothing is kept quiet.", "未復旧のアラートも、抑止中のアラートもありません。"},
	"alerts.held": {"nobody was told", "通知していません"},

	"why.state":     {"%d of %d found", "検出 %d / %d"},
	"why.seen":      {"seen by %s, last news", "%s が観測、最後の変化"},
	"why.facts":     {"Facts", "判定の根拠"},
	"why.decisions": {"What was decided", "判断の履歴"},
	"why.none":      {"Nothing was ever decided: nothing was wrong.", "判断の履歴はありません。異常は一度もありません。"},
	"why.told":      {"Who was told", "通知の状況"},
	"why.nobody":    {"Nobody was told anything.", "まだどこにも通知していません。"},
	"why.members":   {"What it stands for", "集約したアラート"},
	"why.of":        {"of the rule %s: %d alerts, %d of them open", "ルール %s: %d 件、うち未復旧 %d 件"},
	"why.due":       {"decided again", "次の判断"},
	"why.many":      {"Other items of this", "関係するほかの項目"},
	"why.to":        {"to %s", "通知先: %s"},
	"why.confirmed": {"confirmed", "受領"},
	"why.waiting":   {"waiting", "送信待ち"},
	"why.dead":      {"given up", "配信不能"},
	"why.more":      {"%d more in between", "この間にさらに %d 回"},
	"why.well":      {"Nothing is wrong with it.", "異常はありません。"},

	"sinks.none":      {"Alerts are written to standard output; no sink is configured.", "通知先の設定がないため、アラートは標準出力に書き出しています。"},
	"sinks.letters":   {"Dead letters", "配信不能のメッセージ"},
	"sinks.no_letter": {"Nothing was given up.", "配信不能のメッセージはありません。"},
	"sinks.failing":   {"fails", "障害"},
	"sinks.probe":     {"tried again", "次の試行"},
	"sinks.drill":     {"Last drill", "直近の定期テスト"},
	"sinks.drill_ok":  {"confirmed", "受領"},
	"sinks.drill_no":  {"NOT CONFIRMED", "確認できず"},

	"silences.none":    {"Nothing is silenced.", "サイレンスはありません。"},
	"silences.ended":   {"Ended", "終了したサイレンス"},
	"silences.forever": {"for ever", "無期限"},
	"silences.cleared": {"until all is well again", "すべて復旧するまで"},
	"silences.every":   {"%s, for %s each time (%s)", "%s、毎回 %s (%s)"},
	"silences.window":  {"window of the configuration", "設定のメンテナンス時間"},

	"do.ack":       {"Acknowledge", "確認済みにする"},
	"do.withdraw":  {"Withdraw the acknowledgement", "確認を取り消す"},
	"do.silence":   {"Silence", "サイレンス"},
	"do.new":       {"New silence", "サイレンスの追加"},
	"do.preview":   {"See what it matches", "対象を確認"},
	"do.save":      {"Save this silence", "このサイレンスを保存"},
	"do.expire":    {"End now", "今すぐ終了"},
	"do.replay":    {"Replay", "再送"},
	"do.drop":      {"Throw away", "削除"},
	"do.test":      {"Send a [TEST]", "[TEST] を送信"},
	"do.confirmed": {"%s confirmed the firing and the resolve in %s", "%s: 発生と復旧の受領を確認しました (%s)"},
	"do.failed":    {"%s did NOT confirm: %s", "%s: 受領を確認できませんでした: %s"},
	"do.author":    {"Your name", "あなたの名前"},
	"do.comment":   {"Comment", "コメント"},
	"do.match":     {"What it is about, one matcher a line", "対象 (1 行に 1 条件)"},
	"do.match_eg":  {`such as host=web01, host=~"web.*", kind=process`, `例: host=web01、host=~"web.*"、kind=process`},
	"do.lasts":     {"How long", "期間"},
	"do.cleared":   {"until all is well again", "すべて復旧するまで"},
	"do.affected":  {"What is lost of that now", "対象のうち現在の異常"},

	"paging.range":    {"%d to %d of %d", "%[3]d 件中 %[1]d から %[2]d 件目"},
	"paging.next":     {"Next", "次へ"},
	"paging.previous": {"Previous", "前へ"},

	"foot.since":  {"dswatch %s on %s, running since", "dswatch %s (%s)、起動"},
	"foot.config": {"configuration of", "設定の読み込み"},
	"foot.times":  {"times: %s", "時刻: %s"},
}
