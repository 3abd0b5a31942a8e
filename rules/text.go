package rules

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"dswatch/event"
	"dswatch/words"
)

// write fills Title, Text, Reason and Confirm in the set's language.
func (s *Set) write(a *event.Alert, snap Snapshot) {
	if a.Rule == event.RuleStorm {
		s.writeStorm(a, nil, 0)
		return
	}
	ja := s.Language == "ja"
	a.Title = a.Key.Host + ": " + headline(a, ja)
	if snap.Row != nil {
		a.Reason = snap.Verdict.ReasonIn(s.Language)
		a.Confirm = snap.Row.ConfirmOn(a.OS)
		if a.Transition.Firing() {
			a.Short = snap.Row.ShortIn(snap.sight(), a.State, s.Language)
			a.Next = snap.Row.NextOn(a.OS, a.State, s.Language)
		} else {
			a.Short, a.Next = "", ""
		}
	}
	var text []string
	if a.Rule == FlapRule {
		if t := s.flapText(a, ja); t != "" {
			text = append(text, t)
		}
	}
	switch {
	case a.Transition == event.Cleared:
		text = append(text, lasted(a, ja))
	case a.Key.Kind == event.Host:
		text = append(text, s.silentText(ja))
	case a.Rule == FlapRule:
	case a.Rule == Unseen && ja:
		text = append(text, "状態を確認できないため、稼働しているかどうか判断できません。停止を意味するものではありません。")
	case a.Rule == Unseen:
		text = append(text, "It cannot be observed, so nobody can tell whether it runs. This does not mean that it is down.")
	case snap.Row != nil:
		text = append(text, snap.Row.MeaningIn(snap.sight(), a.State, s.Language))
	}
	if a.AffectedCount > 0 {
		text = append(text, affectedText(a, ja))
	}
	text = append(text, lookedAfter(a, ja)...)
	a.Text = strings.Join(text, " ")
}

// headline says in a few words what happened to what.
func headline(a *event.Alert, ja bool) string {
	if a.Key.Kind == event.Host {
		return silentHeadline(a, ja)
	}
	if a.Key.Kind == event.Installation {
		return installationHeadline(a, ja)
	}
	if a.Key.Kind == event.Evidence && a.Transition != event.Cleared {
		if text := evidenceHeadline(a.Key.Name, ja); text != "" {
			return text
		}
	}
	what := words.In(language(ja), nil).Kind(a.Key.Kind) + " " + a.Key.Name
	if a.Key.Kind == event.Heartbeat {
		what = speaker(a.Key, ja)
	}
	if ja {
		return what + " " + headlineJA(a)
	}
	return what + " " + headlineEN(a)
}

func headlineEN(a *event.Alert) string {
	still := ""
	if toldAgain(a.Transition) {
		still = "still "
	}
	switch {
	case a.Rule == FlapRule && a.Transition == event.Cleared && a.State.Lost():
		return "has settled: it is " + string(a.State)
	case a.Rule == FlapRule && a.Transition == event.Cleared && a.State == event.Up:
		return "has settled: it is up"
	case a.Rule == FlapRule && a.Transition != event.Cleared:
		return still + "comes and goes"
	case a.Transition == event.Cleared && a.State == event.Up && a.Rule == Loss:
		return "is back"
	case a.Transition == event.Cleared && a.Rule == Unseen && a.State != event.Unknown:
		return "can be observed again"
	case a.Transition == event.Cleared:
		return "is no longer expected"
	case a.Rule == Unseen:
		return still + "cannot be observed"
	case a.State == event.Degraded && a.Key.Kind == event.Module:
		return "is " + still + "degraded"
	case a.State == event.Degraded:
		return fmt.Sprintf("is %sdegraded (%d of %d)", still, a.Found, a.Want)
	case a.Key.Kind == event.Driver:
		return "is " + still + "not loaded"
	case a.Key.Kind == event.Port:
		return "is " + still + "not open"
	case a.Key.Kind == event.Module:
		return "is " + still + "not working"
	case a.Key.Kind == event.Heartbeat && a.Key.Component != event.Agent:
		return "is " + still + "not answering"
	case a.Key.Kind == event.Heartbeat:
		return "is " + still + "lost"
	}
	return "is " + still + "down"
}

func headlineJA(a *event.Alert) string {
	still := ""
	if toldAgain(a.Transition) {
		still = "引き続き"
	}
	switch {
	case a.Rule == FlapRule && a.Transition == event.Cleared && a.State.Lost():
		return "の状態は安定しましたが、" + strings.TrimPrefix(lostJA(a, ""), "が")
	case a.Rule == FlapRule && a.Transition == event.Cleared && a.State == event.Up:
		return "の状態が安定しました (正常)"
	case a.Rule == FlapRule && a.Transition != event.Cleared:
		return "が" + still + "停止と復旧を繰り返しています"
	case a.Transition == event.Cleared && a.State == event.Up && a.Rule == Loss:
		return "が復旧しました"
	case a.Transition == event.Cleared && a.Rule == Unseen && a.State != event.Unknown:
		return "の状態を再び確認できるようになりました"
	case a.Transition == event.Cleared:
		return "は監視の対象ではなくなりました"
	case a.Rule == Unseen:
		return "の状態を" + still + "確認できません"
	}
	return lostJA(a, still)
}

// lostJA says in which way something is lost.
func lostJA(a *event.Alert, still string) string {
	switch {
	case a.State == event.Degraded && a.Key.Kind == event.Module:
		return "が" + still + "一部制限された状態です"
	case a.State == event.Degraded:
		return fmt.Sprintf("が%s一部しか動いていません (%d/%d)", still, a.Found, a.Want)
	case a.Key.Kind == event.Driver:
		return "が" + still + "ロードされていません"
	case a.Key.Kind == event.Port:
		return "が" + still + "開いていません"
	case a.Key.Kind == event.Module:
		return "が" + still + "動作していません"
	case a.Key.Kind == event.Heartbeat && a.Key.Component != event.Agent:
		return "が" + still + "応答しません"
	case a.Key.Kind == event.Heartbeat:
		return "が" + still + "途絶えています"
	}
	return "が" + still + "停止しています"
}

// evidenceHeadline says what the agent tells of itself.
func evidenceHeadline(name string, ja bool) string {
	switch {
	case name == "anti_malware_engine" && ja:
		return "不正プログラム対策が基本機能だけで動作しています"
	case name == "anti_malware_engine":
		return "anti-malware works with basic functions only"
	case name == "last_heartbeat" && ja:
		return "Agent から Manager への最後のハートビートが古くなっています"
	case name == "last_heartbeat":
		return "the agent's last heartbeat to the manager is old"
	}
	return ""
}

// installationHeadline says what became of a component.
func installationHeadline(a *event.Alert, ja bool) string {
	what, whatJA := "the agent", "Agent "
	if a.Key.Component == event.Manager {
		what, whatJA = "the manager", "Deep Security Manager "
	}
	removed := a.Key.Name == "removed"
	switch {
	case ja && removed:
		return whatJA + "がアンインストールされました"
	case removed:
		return what + " was removed"
	case ja && a.Rule == Unseen:
		return whatJA + "が導入されているか確認できません"
	case a.Rule == Unseen:
		return "nobody can tell whether " + what + " is still installed"
	case ja && a.Transition == event.Cleared && a.State == event.Up:
		return whatJA + "が再び見つかりました"
	case a.Transition == event.Cleared && a.State == event.Up:
		return what + " is there again"
	case ja && a.Transition == event.Cleared:
		return whatJA + "は監視の対象ではなくなりました"
	case a.Transition == event.Cleared:
		return what + " is no longer expected"
	case ja:
		return whatJA + "が失われています"
	}
	return what + " has disappeared"
}

// speaker names what a heartbeat comes from.
func speaker(k event.Key, ja bool) string {
	en := map[string]string{"resolver": "name resolution", "network": "network", "targets": "look at the ports of other hosts", "ssh": "SSH login", "vsphere": "vSphere API"}
	words := map[string]string{"resolver": "名前解決", "network": "ネットワーク全体", "targets": "他ホストのポートの確認", "ssh": "SSH ログイン", "vsphere": "vSphere API"}
	switch {
	case k.Component == Component && ja:
		return cmp.Or(words[k.Name], "ネットワーク "+k.Name)
	case k.Component == Component:
		return cmp.Or(en[k.Name], "network "+k.Name)
	case k.Component == event.Manager && k.Name == "listing" && ja:
		return "Manager のコンピュータ一覧"
	case k.Component == event.Manager && k.Name == "listing":
		return "list of the manager's computers"
	case k.Component != event.Manager && ja:
		return "Agent のハートビート"
	case k.Component != event.Manager:
		return "heartbeat of the agent"
	case k.Name == event.Manager:
		return "Deep Security Manager"
	case ja:
		return "Manager の API"
	}
	return "API of the manager"
}

// language is the name of a language.
func language(ja bool) string {
	if ja {
		return "ja"
	}
	return "en"
}

// lasted says how long the trouble was.
func lasted(a *event.Alert, ja bool) string {
	d := max(0, a.EndedAt.Sub(a.StartedAt)) // the observer's clock and ours may differ
	if ja {
		return "継続時間: " + lengthJA(d) + "。"
	}
	return "It lasted " + d.Round(time.Second).String() + "."
}

// toldAgain reports whether t tells again what was told before.
func toldAgain(t event.Transition) bool {
	return t == event.Repeated || t == event.Acknowledged || t == event.Unacknowledged
}

// lookedAfter says who looks after the alert from now on, where that is what
// is told.
func lookedAfter(a *event.Alert, ja bool) []string {
	by, text := a.Ack, "%s looks after it"
	switch {
	case a.Transition == event.Unacknowledged && a.Withdrawn != nil:
		if by, text = a.Withdrawn, "Nobody looks after it any more; %s withdrew the acknowledgement"; ja {
			text = "%s が確認を取り消したため、現在は担当者がいません。"
		}
	case a.Transition != event.Acknowledged || by == nil:
		return nil
	case ja:
		text = "%s が担当しています。"
	}
	text = fmt.Sprintf(text, by.Author)
	switch {
	case by.Comment != "" && ja:
		text += "コメント: " + by.Comment
	case by.Comment != "":
		text += ": " + by.Comment
	case !ja:
		text += "."
	}
	return []string{text}
}

// lengthJA writes a duration with the units of the language: 1時間20分.
func lengthJA(d time.Duration) string {
	s := int64(d.Round(time.Second) / time.Second)
	text := ""
	for _, u := range []struct {
		seconds int64
		name    string
	}{{3600, "時間"}, {60, "分"}, {1, "秒"}} {
		if n := s / u.seconds; n > 0 || u.seconds == 1 && text == "" {
			text += fmt.Sprintf("%d%s", n, u.name)
		}
		s %= u.seconds
	}
	return text
}
