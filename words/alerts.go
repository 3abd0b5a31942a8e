package words

import (
	"time"

	"dswatch/event"
)

// What an alert's title says: of what, and what has become of it.
var (
	// Title is the whole line.
	Title = say2[string, Phrase]("title",
		"{host}: {headline}",
		"{host}: {headline}")
	TestTitle = say2[string, Phrase]("title.test",
		"[TEST] {host}: {headline}",
		"[TEST] {host}: {headline}")

	Named = say2[event.Kind, string]("title.named",
		"{kind} {name}",
		"{kind} {name}")
	NamesResolved = say0("title.resolver", "name resolution", "名前解決")
	WholeNetwork  = say0("title.whole_network", "network", "ネットワーク全体")
	OtherPorts    = say0("title.targets", "look at the ports of other hosts", "他ホストのポートの確認")
	SSHLogin      = say0("title.ssh", "SSH login", "SSH ログイン")
	VSphereAPI    = say0("title.vsphere", "vSphere API", "vSphere API")
	OneNetwork    = say1[string]("title.network", "network {name}", "ネットワーク {name}")
	ListOfManager = say0("title.listing", "list of the manager's computers", "Manager のコンピュータ一覧")
	AgentBeats    = say0("title.agent_heartbeat", "heartbeat of the agent", "Agent のハートビート")
	TheManager    = say0("title.manager", "Deep Security Manager", "Deep Security Manager")
	ManagerAPI    = say0("title.manager_api", "API of the manager", "Manager の API")

	// IsLost says in which way; again is 1 where it was told before.
	IsLost = say3[Phrase, int, Phrase]("headline.lost",
		"{what} is {again|still |}{how}",
		"{what} が{again|引き続き|}{how}")
	SettledLost = say2[Phrase, Phrase]("headline.settled_lost",
		"{what} has settled: it is {how}",
		"{what} の状態は安定しましたが、{how}")
	SettledUp = say1[Phrase]("headline.settled_up",
		"{what} has settled: it is up",
		"{what} の状態が安定しました (正常)")
	SettledUnseen = say1[Phrase]("headline.settled_unseen",
		"{what} no longer comes and goes: it cannot be observed",
		"{what} の停止と復旧の繰り返しは終わりましたが、状態を確認できません")
	UnseenLost = say1[Phrase]("headline.unseen_lost",
		"{what} was seen lost, which is an alert of its own now",
		"{what} は最後の確認で異常だったため、別のアラートとして通知しました")
	ComesGoes = say2[Phrase, int]("headline.flapping",
		"{what} {again|still |}comes and goes",
		"{what} が{again|引き続き|}停止と復旧を繰り返しています")
	IsBack = say1[Phrase]("headline.back",
		"{what} is back",
		"{what} が復旧しました")
	SeenAgain = say1[Phrase]("headline.seen_again",
		"{what} can be observed again",
		"{what} の状態を再び確認できるようになりました")
	NotExpectedNow = say1[Phrase]("headline.not_expected",
		"{what} is no longer expected",
		"{what} は監視の対象ではなくなりました")
	CannotSee = say2[Phrase, int]("headline.unseen",
		"{what} {again|still |}cannot be observed",
		"{what} の状態を{again|引き続き|}確認できません")

	HowDown          = say0("how.down", "down", "停止しています")
	HowDegraded      = say2[int, int]("how.degraded", "degraded ({found} of {want})", "一部しか動作していません ({found}/{want})")
	HowSomeDegraded  = say0("how.some_degraded", "degraded", "一部しか動作していません")
	HowModuleLimited = say0("how.module_degraded", "degraded", "一部制限された状態です")
	HowNotLoaded     = say0("how.not_loaded", "not loaded", "ロードされていません")
	HowNotOpen       = say0("how.not_open", "not open", "開いていません")
	HowNotWorking    = say0("how.not_working", "not working", "動作していません")
	HowNotAnswering  = say0("how.not_answering", "not answering", "応答しません")
	HowSilent        = say0("how.lost", "lost", "途絶えています")

	HostReports = say0("headline.host_reports",
		"its dswatch reports again",
		"dswatch からの報告が再開しました")
	HostUnwatched = say0("headline.host_unwatched",
		"its silence is no longer watched",
		"dswatch からの報告は監視の対象ではなくなりました")
	HostSilent = say0("headline.host_silent",
		"nothing is heard from its dswatch",
		"dswatch からの報告が途絶えています")

	BasicFunctionsOnly = say0("headline.basic_functions",
		"anti-malware works with basic functions only",
		"不正プログラム対策が基本機能だけで動作しています")
	HeartbeatOld = say0("headline.heartbeat_old",
		"the agent's last heartbeat to the manager is old",
		"Agent から Manager への最後のハートビートが古くなっています")

	Uninstalled  = say1[Component]("headline.removed", "the {component} was removed", "{component} がアンインストールされました")
	InstalledAsk = say1[Component]("headline.installed_unknown",
		"nobody can tell whether the {component} is still installed",
		"{component} が導入されているか確認できません")
	InstalledBack  = say1[Component]("headline.installed_again", "the {component} is there again", "{component} が再び見つかりました")
	InstalledNoNew = say1[Component]("headline.installed_unwatched", "the {component} is no longer expected", "{component} は監視の対象ではなくなりました")
	StartsTurned   = say1[Component]("headline.starts", "a service of the {component} no longer starts by itself", "{component} のサービスが自動で起動しない設定に変更されました")
	StartsBack     = say1[Component]("headline.starts_back", "the services of the {component} start by themselves again", "{component} のサービスが再び自動で起動する設定になりました")
	FilesOpen      = say1[Component]("headline.files", "others than root may change files of the {component}", "{component} のファイルを root 以外が変更できます")
	FilesClosed    = say1[Component]("headline.files_closed", "only root may change the files of the {component} again", "{component} のファイルを変更できるのは root だけになりました")
	Strangers      = say1[Component]("headline.strangers", "a stranger runs under a name of the {component}", "{component} を装ったプログラムが動作しています")
	StrangersGone  = say1[Component]("headline.strangers_gone", "no stranger runs under a name of the {component} any more", "{component} を装ったプログラムはなくなりました")
	ModulesGone    = say1[Component]("headline.modules", "a kernel module of the {component} was unloaded while it runs", "{component} の動作中にカーネルモジュールがアンロードされました")
	ModulesBack    = say1[Component]("headline.modules_back", "the kernel modules of the {component} are loaded again", "{component} のカーネルモジュールが再びロードされました")
	TamperAsk      = say1[Component]("headline.tamper_unknown", "nobody can tell whether the {component} is being disarmed", "{component} が無効化されようとしていないか確認できません")
	TamperNoNew    = say1[Component]("headline.tamper_unwatched", "the {component} is no longer watched for traces of tampering", "{component} の改変の監視を終了しました")
	StoreAnew      = say0("headline.store_anew", "dswatch started with an empty store; what was open before is not known", "dswatch が空のストアで起動しました。以前に未復旧だったアラートは不明です")
	StoreBack      = say0("headline.store_back", "dswatch started with an older store; what happened since then is not known", "dswatch が古い状態のストアで起動しました。それ以降の経過は不明です")
	StoreNoNews    = say0("headline.store_over", "the notice of the message store is over", "メッセージストアについてのお知らせを終了しました")
	Disappeared    = say1[Component]("headline.disappeared", "the {component} has disappeared", "{component} がなくなっています")
)

// What an alert means.
var (
	// NotWholly goes on with what its loss would mean.
	NotWholly = say1[Both]("meaning.degraded",
		"It is present but does not fully run. If it is lost: {loss}",
		"一部しか動作していません。停止した場合の影響は次のとおりです。{loss}")
	NotDescribed = say0("meaning.not_described",
		"The item was added in the configuration; what its loss means is shown once it is written in watch.items under loss.",
		"設定で追加された監視項目です。停止の影響は watch.items の loss に書くと表示されます。")
	NotObserved = say0("meaning.unknown",
		"It cannot be observed, so nobody can tell whether it runs. This does not mean that it is down.",
		"状態を確認できないため、稼働しているかどうか判断できません。停止を意味するものではありません。")
	LastSeen = say0("detail.last_seen",
		"This is how it was seen last; it cannot be observed now.",
		"最後に確認したときの状態です。現在は状態を確認できません。")
	ShortDegraded = say0("short.degraded",
		"It runs only in part.",
		"一部しか動作していません。")
	ShortUnknown = say0("short.unknown",
		"Nobody can tell whether it runs; it may be up.",
		"稼働しているか判断できません。停止とは限りません。")
	// ShortImpact is of a row whose author says nothing in a few words.
	ShortImpact = say1[event.Impact]("short.impact",
		"Impact: {impact}.",
		"影響: {impact}。")
	ShortFlap = say0("short.flap",
		"It does not stay up; single losses are not told meanwhile.",
		"安定して動作していません。その間、個々の停止は通知しません。")
	ShortDigest = say0("short.digest",
		"So many at once often have one cause.",
		"同時に多数で発生した場合、原因は 1 つであることがよくあります。")
	ShortSilent = say0("short.silent",
		"How it is there now is not known; the host may be down or cut off.",
		"現在の状態が分かりません。ホストの停止や通信断の可能性があります。")
	NextFlap = say0("next.flap",
		"Read in its log why it stops; if it goes on, call the administrator in charge.",
		"停止の原因をログで確認し、繰り返しが続く場合は担当の管理者に連絡してください。")
	NextDigest = say0("next.digest",
		"Look first for what these hosts have in common: network, power, virtualization, an update.",
		"まず、対象のホストに共通する要因 (ネットワーク、電源、仮想化基盤、更新作業) を確認してください。")
	NextSilent = say0("next.silent",
		"Check that the host is up and can be reached, then that dswatch runs on it.",
		"ホストが稼働し通信できることを確認し、次に dswatch の稼働を確認してください。")
	NextConfirm = say1[string]("next.confirm",
		"Check it on the host: {command}",
		"ホスト上で確認してください: {command}")
	NextDegraded = say0("next.degraded",
		"Look again in five minutes; if it lasts, call the administrator in charge.",
		"5 分後にもう一度確認し、続いている場合は担当の管理者に連絡してください。")
	NextUnknown = say0("next.unknown",
		"Run dswatch check to see why: mostly a missing right, name or route.",
		"dswatch check で確認できない理由を調べてください。多くは権限、名前解決、経路の問題です。")

	Lasted = say1[time.Duration]("text.lasted",
		"It lasted {time}.",
		"継続時間: {time}。")
	NothingHeard = say1[time.Duration]("text.host_silent",
		"Its dswatch has reported nothing for {time} or longer, so nobody knows how the items of this host are now. The host may be down or cut off, or its dswatch may have stopped. What was last seen stays as it was.",
		"このホストの dswatch から{time}以上報告がなく、監視項目の現在の状態が分かりません。ホストの停止、通信の断絶、または dswatch の停止が考えられます。最後に確認した状態はそのまま残します。")
	FlapStarted = say3[int, time.Duration, time.Duration]("text.flapping",
		"It changed between up and lost at least {n} {n|time|times} within {window}. Until it has kept still for {settle}, single losses and returns are not told.",
		"{window}の間に {n} 回以上、正常な状態と異常な状態が入れ替わりました。{settle}の間変化がなくなるまで、個々の異常と復旧は通知しません。")
	FlapEndedLost = say0("text.settled_lost",
		"It has not come back: its loss alert stays open, or is told now if that lasts for the hold.",
		"正常な状態には戻っていません。通知済みのアラートは継続し、まだ通知していなければ、この状態が続く場合にあらためて通知します。")
	ExplainsMore = say1[int]("text.explains",
		"It explains {n} more, which {n|is|are} not told on {n|its|their} own.",
		"この障害が原因とみられるものがほかに {n} 件あり、個別には通知しません。")
	ExplainedLeft = say1[int]("text.explained_left",
		"Of what it explained, {n} {n|is|are} not back yet; each becomes an alert of its own if that lasts.",
		"この障害とあわせて通知した {n} 件はまだ復旧していません。続く場合はそれぞれ通知します。")
	TheyExplain = say1[int]("text.they_explain",
		"They explain {n} more, which {n|is|are} not told on {n|its|their} own.",
		"これらの障害が原因とみられるものがほかに {n} 件あり、個別には通知しません。")
	LookedAfter = say1[string]("text.acknowledged",
		"{author} looks after it.",
		"{author} が担当しています。")
	LookedAfterSays = say2[string, string]("text.acknowledged_says",
		"{author} looks after it ({comment}).",
		"{author} が担当しています (コメント: {comment})。")
	NobodyLooks = say1[string]("text.withdrawn",
		"Nobody looks after it any more; {author} withdrew the acknowledgement.",
		"{author} が確認を取り消したため、現在は担当者がいません。")
	NobodyLooksSays = say2[string, string]("text.withdrawn_says",
		"Nobody looks after it any more; {author} withdrew the acknowledgement ({comment}).",
		"{author} が確認を取り消したため、現在は担当者がいません (コメント: {comment})。")
	ShortNobody = say0("short.withdrawn",
		"Nobody looks after it any more.",
		"現在は担当者がいません。")
	TakenOut = say0("text.sink_removed",
		"This receiver was taken out of the configuration, so dswatch tells it nothing more. The alert itself may go on.",
		"この通知先は設定から削除されたため、以後は通知しません。アラート自体は継続している可能性があります。")
)

// What a digest says.
var (
	TitleHosts = say2[int, Phrase]("title.hosts",
		"{n} {n|host|hosts}: {headline}",
		"ホスト {n} 台: {headline}")
	MostOf = say2[int, Phrase]("headline.digest",
		"{n} {n|alert|alerts}, most of them: {headline}",
		"アラート {n} 件 (最多: {headline})")
	DigestOver = say0("headline.digest_over",
		"the digest of many alerts is over",
		"多数のアラートの集約を終了しました")
	DigestOfOver = say1[int]("headline.digest_of_over",
		"the digest of {n} {n|alert|alerts} is over",
		"アラート {n} 件の集約を終了しました")
	ToldAsOne = say0("headline.digest_many",
		"many alerts at once, told as one",
		"多数のアラートを 1 件に集約しました")
	Tally = say2[Phrase, int]("text.tally",
		"{headline} ({n} {n|host|hosts});",
		"{headline} ({n} 台)、")
	TallyLast = say2[Phrase, int]("text.tally_last",
		"{headline} ({n} {n|host|hosts}).",
		"{headline} ({n} 台)。")
	TallyMore = say1[int]("text.tally_more",
		"and {n} more {n|kind|kinds}.",
		"ほか {n} 種別。")
	DigestPartOver = say2[int, int]("text.digest_part_over",
		"{over} of {total} alerts {over|is|are} over.",
		"集約した {total} 件のうち {over} 件は復旧しました。")
	DigestWhy = say0("text.digest",
		"So many alerts rose at once that they are told as one.",
		"多数のアラートが同時に発生したため、1 件に集約しています。")
	DigestOpen = say0("text.digest_open",
		"They were open already when this receiver was added or a route led to it, so they are told as one.",
		"この通知先の追加時または経路の変更時に、すでに発生していたアラートです。件数が多いため 1 件に集約しています。")
	DigestAllOver = say0("text.digest_over",
		"Its alerts are over, but for what lasts on and is told as an alert of its own.",
		"個別のアラートとしてあらためて通知したものを除き、すべて復旧しました。")
)

// What dswatch says of itself to a receiver.
var (
	TestFires   = say0("test.fires", "test of dswatch (firing)", "dswatch の通知テスト (発生)")
	TestClears  = say0("test.clears", "test of dswatch (resolve)", "dswatch の通知テスト (復旧)")
	TestRaised  = say0("test.raised", "This is a test. Nothing was lost. The all-clear follows.", "発生通知のテストです。実際に停止したものはありません。続けて復旧の通知が届きます。")
	TestCleared = say0("test.cleared", "This is a test of the all-clear. Nothing was lost.", "復旧通知のテストです。実際に停止したものはありません。")

	Alive = say1[string]("beat.alive",
		"dswatch on {host} is alive",
		"{host} の dswatch は稼働中です")
	AliveCounts = say3[int, int, time.Duration]("beat.counts",
		"{open} {open|alert is|alerts are} open and {waiting} {waiting|delivery waits|deliveries wait} for this sink. Decisions are current. If nothing comes within {every}, dswatch or the way from it is broken.",
		"未復旧のアラートは {open} 件、この通知先への送信待ちは {waiting} 件です。判定は最新です。{every}以内に次の通知がなければ、dswatch または経路の異常を疑ってください。")
	NotReloaded = say0("beat.not_reloaded",
		"Its configuration could not be read again, so the one before is in force; dswatch status says why.",
		"設定の再読み込みに失敗したため、以前の設定のまま動作しています。dswatch status で内容を確認してください。")

	DeafTitle = say2[string, Phrase]("deaf.title",
		"dswatch on {host} cannot store and tells nothing: {why}",
		"{host} の dswatch が変化を保存できず、通知できません: {why}")
	DeafOverTitle = say1[string]("deaf.over_title",
		"dswatch on {host} tells changes again",
		"{host} の dswatch が通知を再開しました")
	DeafText = say0("deaf.text",
		"What is lost or comes back meanwhile is not told. Once the cause is gone, dswatch goes on by itself and tells what it could not.",
		"この間の停止と復旧は通知されません。原因がなくなると dswatch は自動で再開し、未通知の変化を通知します。")
	DeafOver = say0("deaf.over",
		"Changes are stored and told again. What was lost or came back meanwhile is told now.",
		"状態変化の保存と通知が再びできるようになりました。その間の停止と復旧もこれから通知します。")
	DeafNext = say0("deaf.next",
		"Run dswatch status on this host and remove the cause that it names: space on the disk, the file system, the NATS server.",
		"このホストで dswatch status を実行し、示された原因 (ディスクの空き容量、ファイルシステム、NATS サーバ) を取り除いてください。")
)

// Tell fills the texts of a from its statements, in the voice's language. An
// alert of another version, which has none or says what is unknown here, keeps
// the texts that it came with.
func (v Voice) Tell(a *event.Alert) {
	texts := [...]struct {
		to *string
		of event.Said
	}{
		{&a.Title, a.TitleStatements}, {&a.Text, a.TextStatements}, {&a.Short, a.ShortStatements}, {&a.Next, a.NextStatements},
		{&a.Reason, a.ReasonStatements}, {&a.Detail, a.DetailStatements},
	}
	if a.TitleStatements.Empty() {
		return
	}
	for _, t := range texts {
		if !known(t.of) {
			return
		}
	}
	// All of them are kept as long as the alert, so one string holds them.
	room, all := borrow(), make([]byte, 0, 2048)
	defer rooms.Put(room)
	var ends [len(texts)]int
	for i, t := range texts {
		*room = v.say((*room)[:0], t.of)
		all = append(all, *room...)
		ends[i] = len(all)
	}
	said, begin := string(all), 0
	for i, t := range texts {
		*t.to, begin = said[begin:ends[i]], ends[i]
	}
	a.Language = v.Either("en", "ja")
}

// known reports whether s can be said here. Prose cannot be translated, and is
// said as it stands.
func known(s event.Said) bool {
	var args [mostGaps]string
	for !s.Empty() {
		var one event.Statement
		if one, s = s.Next(args[:0]); !knownOne(one, 0) {
			return false
		}
	}
	return true
}

func knownOne(one event.Statement, deep int) bool {
	e := table[one.Code]
	switch {
	case one.Code == "" || one.Text != "":
		return true
	case e == nil || len(e.kinds) != len(one.Args):
		return false
	}
	var args [mostGaps]string
	for i, k := range e.kinds {
		if k == phrase && !knownOne(unpack(one.Args[i], deep, args[:0]), deep+1) {
			return false
		}
	}
	return true
}
