package words

import "time"

// Why a far end was not told, as the sinks find it. What a library or the far end
// itself says is an argument. What to do about it is a statement of its own, behind.
var (
	Orphaned = say0("deliver.orphaned",
		"the far end refused the raise of this firing, so there is nothing to resolve; replay both together",
		"このアラートの発生通知は通知先に拒否されているため、復旧は送信しません。再送する場合は両方まとめて行ってください")
	GaveUp = say2[time.Duration, error]("deliver.gave_up",
		"gave up after {patience}: {error}",
		"{patience}再試行しましたが、送信できませんでした: {error}")
	CutOff = say0("deliver.cut_off",
		"dswatch stopped before the far end answered",
		"通知先が応答する前に dswatch が停止しました")
	LeftAlone = say1[time.Time]("deliver.left_alone",
		"the far end asked to be left alone until {time}",
		"通知先が {time} まで送信を控えるよう求めています")
	LetterUnreadable = say0("deliver.letter_unreadable",
		"this dead letter cannot be read",
		"この配信不能の記録は読み取れません")
	LetterDropped = say0("deliver.letter_dropped",
		"the dead letter was dropped",
		"配信不能の記録は破棄されました")

	// Over HTTP.
	PostFailed = say2[string, error]("deliver.post",
		"post to {host}: {error}",
		"{host} への送信: {error}")
	PostThroughFailed = say3[string, string, error]("deliver.post_through",
		"post to {host} through the proxy {proxy}: {error}",
		"{host} への送信 (プロキシ {proxy} 経由): {error}")
	ProxyWantsLogin = say0("deliver.proxy_wants_login",
		"the proxy answered 407 Proxy Authentication Required; write user and password into the URL of proxy, http://USER:PASSWORD@HOST:PORT",
		"プロキシが 407 Proxy Authentication Required で応答しました。proxy の URL にユーザー名とパスワードを書いてください (http://USER:PASSWORD@HOST:PORT)")
	Answered = say1[string]("deliver.answered",
		"answered {status}",
		"{status} の応答がありました")
	AnsweredSaying = say2[string, string]("deliver.answered_saying",
		"answered {status}: {quote}",
		"{status} の応答がありました ({quote})")
	SaidNo = say1[string]("deliver.said_no",
		"answered 200, but said no: {quote}",
		"200 の応答がありましたが、内容は拒否でした ({quote})")
	SaidNothing = say0("deliver.said_nothing",
		"answered 200, but said no: nothing",
		"200 の応答がありましたが、期待した内容がありませんでした")
	FinalURL = say0("deliver.next_redirect",
		"redirects are not followed, write the final URL",
		"リダイレクトには従いません。最終的な URL を書いてください")
	CheckLogin = say0("deliver.next_credentials",
		"check the credentials of this sink",
		"この通知先の認証情報を確認してください")
	CheckURL = say0("deliver.next_url",
		"check the URL of this sink",
		"この通知先の URL を確認してください")
	RaiseBodyLimit = say0("deliver.next_body",
		"raise the far end's limit for request bodies",
		"通知先で受け付けるリクエスト本文の上限を大きくしてください")
	CorrectAndReload = say0("deliver.next_reload",
		"correct it in the configuration and run dswatch reload",
		"設定を修正し、dswatch reload を実行してください")
	WriteIntoFile = say1[string]("deliver.next_file",
		"write the new one into its file ({files}), which is read again after each refusal, without a restart",
		"新しい値をファイル ({files}) に書いてください。拒否されるたびに読み直すため、再起動は不要です")
	FilesUnusable = say2[error, error]("deliver.files_unusable",
		"{error}; its files have changed, and cannot be used: {problem}",
		"{error}。設定が参照するファイルが変更されましたが、使用できません: {problem}")
	PageOfHTML = say1[string]("deliver.html",
		"answer is a page of HTML and not from {service}; check what stands between here and {service} (HTTPS_PROXY, a portal)",
		"応答が {service} のものではなく、HTML のページでした。{service} との間にあるもの (HTTPS_PROXY や認証ポータルなど) を確認してください")
	TemplateFailed = say1[string]("deliver.template",
		"render body: {why}; correct the template and replay the dead letter",
		"本文を作成できません: {why}。テンプレートを修正し、配信不能の記録を再送してください")

	// To Slack.
	SlackAnswered = say2[string, string]("deliver.slack",
		"{method}: Slack answered {code}",
		"{method}: Slack が {code} と応答しました")
	SlackAnsweredMore = say3[string, string, string]("deliver.slack_more",
		"{method}: Slack answered {code}{more}",
		"{method}: Slack が {code} と応答しました{more}")
	NotSlacks = say1[string]("deliver.not_slack",
		"{method}: the answer is not Slack's; check api_url, and what stands between here and Slack (HTTPS_PROXY, a portal)",
		"{method}: Slack の応答ではありません。api_url と、Slack との間にあるもの (HTTPS_PROXY や認証ポータルなど) を確認してください")
	NamesNoMessage = say1[string]("deliver.slack_no_message",
		"{method}: the answer names no message; check api_url",
		"{method}: 応答にメッセージの識別子がありません。api_url を確認してください")
	SlackToken = say0("deliver.slack_token",
		"write a bot token (xoxb-...) of an installed app as bot_token",
		"bot_token に、インストール済みアプリのボットトークン (xoxb-...) を書いてください")
	SlackScope = say0("deliver.slack_scope",
		"give the app the scope chat:write and install it again",
		"アプリにスコープ chat:write を与え、インストールし直してください")
	SlackInvite = say0("deliver.slack_invite",
		"invite the bot to the channel (/invite), or give the app the scope chat:write.public",
		"ボットをチャンネルに招待する (/invite) か、アプリにスコープ chat:write.public を与えてください")
	SlackChannel = say0("deliver.slack_channel",
		"check channel; to a private channel the bot must be invited (/invite)",
		"channel を確認してください。プライベートチャンネルにはボットを招待する必要があります (/invite)")
	SlackPolicy = say0("deliver.slack_policy",
		"ask the workspace's administrators to let the app post there, or choose another channel",
		"ワークスペースの管理者にアプリの投稿を許可してもらうか、別のチャンネルにしてください")
	SlackWebhook = say0("deliver.slack_webhook",
		"make a new incoming webhook and write its URL as webhook_url",
		"Incoming Webhook を作り直し、その URL を webhook_url に書いてください")
	SlackDefect = say0("deliver.slack_defect",
		"this is a defect of dswatch, please report it",
		"dswatch の不具合です。ご報告ください")
	SlackArchived = say0("deliver.slack_archived",
		"unarchive the channel, or choose another one",
		"チャンネルのアーカイブを解除するか、別のチャンネルにしてください")
	SlackArchivedHook = say0("deliver.slack_archived_webhook",
		"unarchive the channel, or make a webhook for another one",
		"チャンネルのアーカイブを解除するか、別のチャンネルの Webhook を作ってください")
	SlackAppToken = say0("deliver.slack_app_token",
		"write the app-level token (xapp-...) with the scope connections:write as app_token, and switch on Socket Mode (deploy/packs/slack)",
		"app_token に、スコープ connections:write を持つアプリレベルトークン (xapp-...) を書き、Socket Mode を有効にしてください (deploy/packs/slack)")
	TriedAgain = say0("deliver.tried_again",
		"it will be tried again",
		"再試行します")
	TriedAgainSee = say1[string]("deliver.tried_again_see",
		"it will be tried again, see the reference of {method}",
		"再試行します。{method} のリファレンスを参照してください")

	// To a syslog server.
	SyslogFailed = say3[string, string, error]("deliver.syslog",
		"send syslog to {address} over {network}: {error}",
		"{address} への syslog 送信 ({network}): {error}")
	ConnectionLost = say0("deliver.lost",
		"the connection was lost before the receiver had acknowledged the message",
		"受信側が受領を確認する前に接続が切れました")
	ConnectionLostBy = say1[error]("deliver.lost_by",
		"the connection was lost before the receiver had acknowledged the message: {error}",
		"受信側が受領を確認する前に接続が切れました: {error}")
	CheckReads = say0("deliver.next_reads",
		"check the network and that the receiver still reads",
		"ネットワークと、受信側が読み取りを続けているかを確認してください")
	HungUp = say0("deliver.hung_up",
		"the receiver ended the connection right after the message; it may want the other framing (framing: newline or octet-counting), TLS, or it does not know this host",
		"受信側がメッセージの直後に接続を切りました。別のフレーミング (framing: newline または octet-counting) や TLS が必要か、このホストが許可されていない可能性があります")
	EndedAtOnce = say1[error]("deliver.ended_at_once",
		"the receiver ended the connection at once ({error}); check that the server behind the address runs and takes connections of this host",
		"受信側がすぐに接続を切りました ({error})。サーバが稼働し、このホストからの接続を受け付けるかを確認してください")
	TLSRefused = say1[error]("deliver.tls_refused",
		"tls handshake: the receiver refused it ({error}); check tls.cert_file and tls.key_file, and which certificates the receiver takes",
		"TLS ハンドシェイクを受信側が拒否しました ({error})。tls.cert_file と tls.key_file、および受信側が受け付ける証明書を確認してください")
	TLSUntrusted = say1[error]("deliver.tls_untrusted",
		"tls handshake: {error}; check tls.ca_file and tls.server_name, and the receiver's certificate",
		"TLS ハンドシェイク: {error}。tls.ca_file と tls.server_name、および受信側の証明書を確認してください")
	NobodyListens = say1[error]("deliver.nobody_listens",
		"{error}; check that the receiver is running and listens on this port",
		"{error}。受信側が稼働し、このポートで待ち受けているかを確認してください")

	// Over SNMP.
	SNMPFailed = say2[string, error]("deliver.snmp",
		"send snmp to {address}: {error}",
		"{address} への SNMP 送信: {error}")
	NoResponse = say2[int, error]("deliver.no_response",
		"no response to {n} requests: {error}; check the address, the community or the user with its passwords, and that the receiver takes informs",
		"{n} 回の要求に応答がありません: {error}。アドレス、コミュニティまたはユーザーとパスワード、受信側が Inform を受け付けるかを確認してください")
	NoAnswerYet = say1[error]("deliver.wait",
		"wait for the answer: {error}",
		"応答待ち: {error}")
	InformRefused = say1[Phrase]("deliver.inform_refused",
		"inform refused: {why}",
		"Inform が拒否されました: {why}")
	InformLevel = say0("deliver.inform_level",
		"the receiver has no such security level for this user; check auth_protocol and priv_protocol",
		"受信側のこのユーザーには該当するセキュリティレベルがありません。auth_protocol と priv_protocol を確認してください")
	InformTime = say0("deliver.inform_time",
		"the receiver's engine time does not settle; check its clock",
		"受信側のエンジン時刻が定まりません。受信側の時計を確認してください")
	InformUser = say0("deliver.inform_user",
		"the receiver does not know this user; check v3.user",
		"受信側にこのユーザーがありません。v3.user を確認してください")
	InformEngine = say0("deliver.inform_engine",
		"the receiver's engine id does not settle; check that one receiver answers at this address",
		"受信側のエンジン ID が定まりません。このアドレスで応答する受信側が 1 つだけかを確認してください")
	InformDigest = say0("deliver.inform_digest",
		"the receiver has another auth_password or auth_protocol; check both",
		"受信側の auth_password または auth_protocol が異なります。両方を確認してください")
	InformDecrypt = say0("deliver.inform_decrypt",
		"the receiver has another priv_password or priv_protocol; check both",
		"受信側の priv_password または priv_protocol が異なります。両方を確認してください")
	InformReport = say1[string]("deliver.inform_report",
		"the receiver reports {counter}; look into its log",
		"受信側が {counter} を報告しました。受信側のログを確認してください")
	InformOther = say1[string]("deliver.inform_other",
		"the answer is {type}, not a response",
		"応答が {type} で、Response ではありません")
	InformTooBig = say0("deliver.inform_too_big",
		"too big for the receiver; lower max_size",
		"受信側が受け付ける大きさを超えています。max_size を小さくしてください")
	InformStatus = say1[string]("deliver.inform_status",
		"the receiver answers {status}; look into its log",
		"受信側が {status} と応答しました。受信側のログを確認してください")

	// By mail.
	MailFailed = say2[string, error]("deliver.mail",
		"send mail through {address}: {error}",
		"{address} 経由のメール送信: {error}")
	MailStep = say2[string, error]("deliver.mail_step",
		"{step}: {error}",
		"{step}: {error}")
	MailAnswered = say2[string, int]("deliver.mail_answered",
		"{step}: answered {code}",
		"{step}: {code} の応答がありました")
	MailAnsweredSaying = say3[string, int, string]("deliver.mail_answered_saying",
		"{step}: answered {code} {quote}",
		"{step}: {code} の応答がありました ({quote})")
	MailMore   = say1[int]("deliver.mail_more", "and {n} more", "ほか {n} 件")
	MailOthers = say0("deliver.mail_others",
		"the other recipients have it",
		"ほかの宛先には届いています")
	NoStartTLS = say0("deliver.no_starttls",
		"the server offers no STARTTLS, so nothing was sent; check that nothing between here and there takes it away, or write security: tls with its port, or none",
		"サーバが STARTTLS を提供していないため、送信していません。途中で取り除かれていないかを確認するか、security: tls とそのポート、または none を書いてください")
	NoPasswordLogin = say1[string]("deliver.no_password_login",
		`the server offers no login by name and password (it offers "{offer}"); leave username out, or relay through another server`,
		`サーバはユーザー名とパスワードによるログインを提供していません (提供しているもの: "{offer}")。username を省くか、別のサーバで中継してください`)
	EndedUnanswered = say0("deliver.ended_unanswered",
		"the server ended the connection without an answer",
		"サーバが応答せずに接続を切りました")
	MailLogin = say0("deliver.mail_login",
		"check username and password",
		"ユーザー名とパスワードを確認してください")
	MailExchange = say0("deliver.mail_exchange",
		"Exchange Online no longer takes a login by name and password there; relay through a connector that knows this host, see the manual",
		"Exchange Online はこの方法でのユーザー名とパスワードによるログインを受け付けなくなりました。このホストを登録したコネクタで中継してください (マニュアルを参照)")
	MailWants = say0("deliver.mail_wants",
		"the server wants a login or encryption first; write username and password_file, or another security",
		"サーバが先にログインまたは暗号化を求めています。username と password_file、または別の security を書いてください")
	MailRelay = say0("deliver.mail_relay",
		"check the address; if it is right, let this host relay there, or write username and password_file",
		"宛先を確認してください。正しい場合は、このホストからの中継をサーバで許可するか、username と password_file を書いてください")
	MailSize = say0("deliver.mail_size",
		"raise the server's limit for a message",
		"サーバのメッセージサイズの上限を大きくしてください")

	WriteLineFailed = say1[error]("deliver.stdout", "write line: {error}", "行の書き出し: {error}")
)
