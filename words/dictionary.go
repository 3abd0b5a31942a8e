package words

import (
	"strings"

	"dswatch/event"
)

// The dictionary: one word for one thing, on every screen and in every message.
// What is not in it is shown as it is, so that a value of a newer version is
// shown and not hidden.
var (
	kinds = map[event.Kind]Both{
		event.Process:   {"process", "プロセス"},
		event.Service:   {"service", "サービス"},
		event.Driver:    {"driver", "ドライバ"},
		event.Port:      {"port", "ポート"},
		event.Heartbeat: {"heartbeat", "ハートビート"},
		event.Module:    {"protection module", "保護モジュール"},
		event.Host:      {"host", "ホスト"},

		event.Installation: {"installation", "導入状態"},
		event.Evidence:     {"evidence", "自己診断の結果"},
		event.Tamper:       {"tamper", "改変の痕跡"},
		event.Store:        {"message store", "メッセージストア"},
	}
	states = map[event.State]Both{
		event.Up:       {"up", "正常"},
		event.Degraded: {"degraded", "一部停止"},
		event.Down:     {"down", "停止"},
		event.Unknown:  {"unknown", "不明"},
	}
	severities = map[event.Severity]Both{
		event.Info:     {"info", "情報"},
		event.Warning:  {"warning", "警告"},
		event.Critical: {"critical", "重大"},
	}
	impacts = map[event.Impact]Both{
		event.ProtectionLost:    {"protection lost", "保護機能の停止"},
		event.ProtectionReduced: {"protection reduced", "保護機能の低下"},
		event.ManagementLost:    {"management lost, protection kept", "管理機能の停止 (保護は継続)"},
		event.UpdatesLost:       {"updates lost, protection kept", "アップデート配信の停止 (保護は継続)"},
		event.VisibilityLost:    {"cannot be seen by dswatch", "dswatch から確認不能"},
		event.NoticeLost:        {"only notices to the user lost", "利用者への通知のみ停止"},
		event.Noted:             {"for information", "お知らせ"},
	}
	transitions = map[event.Transition]Both{
		event.Raised:         {"raised", "発生"},
		event.Changed:        {"changed", "変化"},
		event.Repeated:       {"repeated", "再通知 (継続中)"},
		event.Cleared:        {"cleared", "復旧"},
		event.Acknowledged:   {"acknowledged", "確認済み"},
		event.Unacknowledged: {"unacknowledged", "確認の取り消し"},
		event.Beat:           {"heartbeat", "ハートビート"},
	}
	// marks stand before a headline.
	marks = map[event.Transition]Both{
		event.Raised:         {"ALERT", "発生"},
		event.Changed:        {"CHANGED", "変化"},
		event.Repeated:       {"STILL OPEN", "再通知 (継続中)"},
		event.Cleared:        {"RECOVERED", "復旧"},
		event.Acknowledged:   {"ACKNOWLEDGED", "確認済み"},
		event.Unacknowledged: {"UNACKNOWLEDGED", "確認の取り消し"},
		event.Beat:           {"ALIVE", "ハートビート"},
	}
	// outcomes are what else the rules decide, and in which phase a rule is.
	outcomes = map[string]Both{
		"quiet":         {"quiet", "異常なし"},
		"held":          {"held", "保留中"},
		"firing":        {"firing", "発生中"},
		"settled":       {"settled", "復旧"},
		"holding":       {"holding", "保留"},
		"settling":      {"settling", "復旧の確認中"},
		"recovered":     {"recovered", "通知前に復旧"},
		"in_transition": {"in_transition", "更新または再起動の完了待ち"},
		"flapping":      {"flapping", "状態変化の繰り返し (フラッピング)"},
		"explained":     {"explained", "原因のアラートに集約"},
		"silenced":      {"silenced", "通知の抑止"},
		"gathered":      {"gathered", "ダイジェストに集約"},
	}
	// origins are where facts come from; what follows in parentheses stays.
	origins = map[string]Both{
		"declared":     {"declared", "設定"},
		"assumed":      {"assumed", "仮定"},
		"learned":      {"learned", "学習"},
		"kernel":       {"kernel", "検出: カーネル"},
		"package":      {"package", "検出: パッケージ"},
		"registry":     {"registry", "検出: レジストリ"},
		"file version": {"file version", "検出: ファイルのバージョン"},
		"installed":    {"installed", "検出: 導入済みのファイル"},
		"dsa_query":    {"dsa_query", "検出: dsa_query"},
		"logons":       {"logons", "検出: ログオンセッション"},
		"manager API":  {"manager API", "検出: Manager の API"},
		"vSphere API":  {"vSphere API", "検出: vSphere の API"},
	}
	components = map[string]Both{
		event.Manager:   {"manager", "Manager"},
		event.Agent:     {"agent", "Agent"},
		event.Appliance: {"appliance", "Virtual Appliance"},
	}
	// facts are called in English as a facts file calls them.
	facts = map[string]Both{
		string(event.OS):                  {"os", "OS"},
		string(event.Components):          {"components", "導入コンポーネント"},
		string(event.AgentVersion):        {"agent_version", "Agent のバージョン"},
		string(event.ApplianceVersion):    {"appliance_version", "Virtual Appliance のバージョン"},
		string(event.KernelVersion):       {"kernel_version", "カーネルのバージョン"},
		string(event.Edition):             {"edition", "エディション"},
		string(event.Relay):               {"relay", "Relay"},
		string(event.Communication):       {"communication", "通信方向"},
		string(event.AntiMalware):         {"features.anti_malware", "不正プログラム対策"},
		string(event.WebReputation):       {"features.web_reputation", "Webレピュテーション"},
		string(event.Firewall):            {"features.firewall", "ファイアウォール"},
		string(event.IntrusionPrevention): {"features.intrusion_prevention", "侵入防御"},
		string(event.Sessions):            {"sessions", "ログオンセッション"},
		string(event.StartsAgent):         {"starts.agent", "Agent のサービスの起動設定"},
		string(event.StartsManager):       {"starts.manager", "Manager のサービスの起動設定"},
		string(event.StrangersAgent):      {"strangers.agent", "Agent を装ったプログラムの記録"},
		string(event.TLSInspection):       {"features.tls_inspection", "高度な TLS トラフィックインスペクション"},
	}
	// values are those of facts that are words.
	values = map[string]Both{
		event.On:            {event.On, "有効"},
		event.Off:           {event.Off, "無効"},
		"bidirectional":     {"bidirectional", "双方向"},
		"agent_initiated":   {"agent_initiated", "Agent から開始"},
		"manager_initiated": {"manager_initiated", "Manager から開始"},
		"deep_security":     {"deep_security", "Deep Security"},
		"workload_security": {"workload_security", "Workload Security"},
	}
	circuits = map[string]Both{
		"closed":    {"closed", "接続中"},
		"open":      {"open", "遮断中"},
		"half-open": {"half-open", "試行中"},
	}
	classes = map[string]Both{
		"permanent": {"permanent", "恒久的なエラー"},
		"temporary": {"temporary", "一時的なエラー"},
		"throttled": {"throttled", "通知先が待機を要求"},
		"timeout":   {"timeout", "タイムアウト"},
		"panic":     {"panic", "内部エラー"},
	}
	// attempts are how an attempt to deliver ended, beside the classes.
	attempts = map[string]Both{
		"delivered": {"delivered", "受領"},
		"duplicate": {"duplicate, not sent again", "重複のため再送せず"},
		"cut off":   {"cut off", "応答前に dswatch が停止"},
	}
	silences = map[string]Both{
		"pending":    {"pending", "開始前"},
		"active":     {"active", "有効"},
		"ended":      {"ended", "終了"},
		"unreadable": {"unreadable", "読み取り不能"},
	}
	expected = map[string]Both{
		"yes":     {"yes", "対象"},
		"no":      {"no", "対象外"},
		"unknown": {"unknown", "判定不能"},
	}
)

// Kind names k.
func (v Voice) Kind(k event.Kind) string { return word(v, kinds, k) }

// TryKind adds the words of a kind until undo is called, for the test that
// event.TryKind is for.
func TryKind(k event.Kind, w Both) (undo func()) {
	kinds[k] = w
	return func() { delete(kinds, k) }
}

// State names s.
func (v Voice) State(s event.State) string { return word(v, states, s) }

// Severity names s.
func (v Voice) Severity(s event.Severity) string { return word(v, severities, s) }

// Impact names i.
func (v Voice) Impact(i event.Impact) string { return word(v, impacts, i) }

// Transition names t.
func (v Voice) Transition(t event.Transition) string { return word(v, transitions, t) }

// Mark names t as a headline does: "ALERT", "RECOVERED", "復旧".
func (v Voice) Mark(t event.Transition) string { return word(v, marks, t) }

// Expected names yes, no and unknown, as an answer to whether an item is
// watched.
func (v Voice) Expected(s string) string { return word(v, expected, s) }

// Circuit names the state of a sink's circuit.
func (v Voice) Circuit(s string) string { return word(v, circuits, s) }

// Class names why a delivery failed.
func (v Voice) Class(s string) string { return word(v, classes, s) }

// Attempt names how an attempt to deliver ended: one of its own outcomes, or
// the class of its error.
func (v Voice) Attempt(s string) string {
	if w, ok := attempts[s]; ok {
		return v.Pick(w)
	}
	return v.Class(s)
}

// Silence names the state of a silence.
func (v Voice) Silence(s string) string { return word(v, silences, s) }

// Outcome names what was decided: a transition, or what else the rules do.
func (v Voice) Outcome(s string) string {
	if t, ok := transitions[event.Transition(s)]; ok {
		return v.Pick(t)
	}
	return word(v, outcomes, s)
}

// Component names one of the vendor's components.
func (v Voice) Component(s string) string { return word(v, components, s) }

// Fact names a fact.
func (v Voice) Fact(s string) string { return word(v, facts, s) }

// Value names what a fact is.
func (v Voice) Value(s string) string { return word(v, values, s) }

// Origin names where a fact comes from.
func (v Voice) Origin(s string) string {
	if file, ok := strings.CutPrefix(s, "declared in "); ok && v.JA() {
		return origins["declared"].JA + ": " + file
	}
	head, rest, more := strings.Cut(s, " (")
	head = word(v, origins, head)
	if more {
		head += " (" + rest
	}
	return head
}

func word[K ~string](v Voice, m map[K]Both, k K) string {
	if w, ok := m[k]; ok {
		return v.Pick(w)
	}
	return string(k)
}
