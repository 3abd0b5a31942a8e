package words

// Why a look could not be had: over SSH, at vSphere, at the list of drivers.
// What a library or the far end says is quoted.
var (
	SSHNotReached = say2[string, error]("ssh.not_reached",
		"connect to {address}: {error}; look whether the SSH server runs and a firewall lets it be reached",
		"{address} に接続できません ({error})。SSH サーバの稼働とファイアウォールを確認してください")
	SSHLateLogin = say1[string]("ssh.login_late",
		"log in to {address}: no end of the handshake in time; look what answers there, or raise detectors.remote.timeout",
		"{address} へのログインが時間内に終わりませんでした。応答しているサーバを確認するか、detectors.remote.timeout を延ばしてください")
	SSHGreeting = say2[string, int]("ssh.greeting",
		"log in to {address}: the server sent more than {n} bytes before the login was over; look at what answers on this port",
		"{address} へのログイン中に {n} バイトを超える応答がありました。このポートで応答しているサーバを確認してください")
	SSHAlgorithm = say2[string, error]("ssh.algorithm",
		"log in to {address}: no algorithm in common ({error}); if known_hosts has a key of another kind than the server's, add the server's; else write legacy_algorithms: true for this target if the server cannot be upgraded",
		"{address} と共通の暗号方式がありません ({error})。known_hosts の鍵の種別がサーバと異なる場合はサーバの鍵を追加し、サーバを更新できない場合はこの対象に legacy_algorithms: true を指定してください")
	SSHOldAlgorithm = say2[string, error]("ssh.algorithm_legacy",
		"log in to {address}: no algorithm in common ({error}); if known_hosts has a key of another kind than the server's, add the server's; else upgrade the server",
		"{address} と共通の暗号方式がありません ({error})。known_hosts の鍵の種別がサーバと異なる場合はサーバの鍵を追加し、そうでなければサーバを更新してください")
	HostKeyTrust = say3[string, string, string]("ssh.trust_key",
		"fetch it with ssh-keyscan -p {port} {host}, compare its fingerprint on the host's own console (ssh-keygen -l -f /etc/ssh/ssh_host_ed25519_key.pub), and only then add it to {file}",
		"ssh-keyscan -p {port} {host} で取得し、ホスト自身のコンソールでフィンガープリントを照合してから (ssh-keygen -l -f /etc/ssh/ssh_host_ed25519_key.pub) {file} に追加してください")
	KnownHostsUnreadable = say2[error, Phrase]("ssh.known_hosts",
		"read known_hosts: {error}; to trust this host's key {advice}",
		"known_hosts を読み取れません ({error})。このホストの鍵を {advice}")
	KnownHostsBadLine = say1[error]("ssh.known_hosts_line",
		"read known_hosts: {error}; correct the line",
		"known_hosts を解釈できません ({error})。該当の行を修正してください")
	HostKeyNone = say3[string, string, Phrase]("ssh.host_key_none",
		"no host key of {address} is in {file}; {advice}",
		"{address} のホスト鍵が {file} にありません。{advice}")
	HostKeyRevoked = say4[string, string, string, int]("ssh.host_key_revoked",
		"the host key {key} of {address} is revoked in {file} line {n}; find out who answers there",
		"{address} のホスト鍵 {key} は {file} の {n} 行目で失効しています。応答している相手を確認してください")
	LineOfFile     = say2[string, int]("ssh.line_of_file", "{file} line {n}", "{file} の {n} 行目")
	HostKeyChanged = say4[string, string, Phrase, string]("ssh.host_key_changed",
		"the host key of {address} has CHANGED: it is {key}, but {place} has {known}; somebody may be in between, or the host was installed anew: compare the fingerprint on its own console before you replace the line",
		"{address} のホスト鍵が変わりました。現在は {key}、{place}では {known} です。中間者攻撃か、ホストの再構築の可能性があります。ホスト自身のコンソールでフィンガープリントを照合してから、行を置き換えてください")
	HostKeyRefused = say4[string, string, error, Phrase]("ssh.host_key_refused",
		"the host key {key} of {address} was not accepted ({error}); {advice}",
		"{address} のホスト鍵 {key} を受け入れられません ({error})。{advice}")
	SSHRefusedKey = say3[string, string, string]("ssh.refused_key",
		"log in to {address}: user {user} was refused with the key of {file}; add its public key to the user's authorized_keys on the host",
		"{address} へのログインを拒否されました (ユーザ {user}、鍵 {file})。公開鍵をホスト上の authorized_keys に追加してください")
	SSHRefusedAgent = say2[string, string]("ssh.refused_agent",
		"log in to {address}: user {user} was refused with the keys of the SSH agent; add its public key to the user's authorized_keys on the host",
		"{address} へのログインを拒否されました (ユーザ {user}、SSH エージェントの鍵)。公開鍵をホスト上の authorized_keys に追加してください")
	SSHLogInFailed = say2[string, error]("ssh.login",
		"log in to {address}: {error}; look whether an SSH server answers on this port",
		"{address} にログインできません ({error})。このポートで SSH サーバが応答しているか確認してください")
	SSHNoAgent = say0("ssh.no_agent",
		"ask the SSH agent: SSH_AUTH_SOCK is not set for dswatch; start it where an agent runs, or write key_file instead",
		"SSH エージェントを利用できません (dswatch に SSH_AUTH_SOCK が設定されていません)。エージェントのある環境で起動するか、代わりに key_file を指定してください")
	SSHAgentFailed = say1[error]("ssh.agent",
		"ask the SSH agent: {error}; start it, or write key_file instead",
		"SSH エージェントを利用できません ({error})。エージェントを起動するか、代わりに key_file を指定してください")
	KeyMissing = say2[error, string]("ssh.key_missing",
		"read key_file: {error}; make one with ssh-keygen -t ed25519 -N '' -f {file}",
		"key_file を読み取れません ({error})。ssh-keygen -t ed25519 -N '' -f {file} で作成してください")
	KeyOpen = say1[string]("ssh.key_open",
		"read key_file: {file} may be read by others; run chmod 600 {file}",
		"key_file の {file} を他のユーザが読み取れます。chmod 600 {file} を実行してください")
	KeyLocked = say1[string]("ssh.key_locked",
		"read key_file: {file} has a passphrase; load it into an SSH agent and write agent: true, or remove the passphrase with ssh-keygen -p",
		"key_file の {file} にはパスフレーズがあります。SSH エージェントに登録して agent: true を指定するか、ssh-keygen -p でパスフレーズを外してください")
	KeyNone = say1[string]("ssh.key_none",
		"read key_file: {file} is not a private key in PEM or OpenSSH form; write the path of the private key, not the .pub",
		"key_file の {file} は PEM または OpenSSH 形式の秘密鍵ではありません。.pub ではなく秘密鍵のパスを指定してください")
	SSHKilled = say1[string]("ssh.killed",
		"run {command}: it did not end in time and was ended on the host; run it by hand as the same user, or raise detectors.remote.timeout",
		"{command} が時間内に終わらないため、ホスト上で終了させました。同じユーザで実行して確認するか、detectors.remote.timeout を延ばしてください")
	SSHNoAnswer = say1[string]("ssh.no_answer",
		"run {command}: no answer in time; run it by hand as the same user, or raise detectors.remote.timeout",
		"{command} の応答が時間内にありません。同じユーザで実行して確認するか、detectors.remote.timeout を延ばしてください")
	SSHRan       = say2[string, Phrase]("ssh.run", "run {command}: {why}", "{command} の実行結果を得られません: {why}")
	SSHNoSession = say1[error]("ssh.no_session",
		"the server refused a session ({error}); let the user run commands",
		"サーバがセッションを拒否しました ({error})。ユーザにコマンドの実行を許可してください")
	SSHLost       = say1[error]("ssh.lost", "the connection was lost ({error})", "接続が切れました ({error})")
	SSHLostEarly  = say1[error]("ssh.lost_early", "the connection was lost before it ended ({error})", "終了前に接続が切れました ({error})")
	SSHNotStarted = say1[error]("ssh.not_started",
		"the server did not start it ({error}); let the user run commands",
		"サーバがコマンドを開始しませんでした ({error})。ユーザにコマンドの実行を許可してください")
	SSHComplains = say2[int, error]("ssh.complains",
		"it complained of more than {n} bytes, first {error}; run it by hand as the same user and look why",
		"{n} バイトを超えるエラー出力がありました (先頭: {error})。同じユーザで実行して原因を確認してください")
	SSHTooLong = say1[int]("ssh.too_long",
		"it answered more than {n} bytes; run it by hand as the same user and look why",
		"応答が {n} バイトを超えました。同じユーザで実行して原因を確認してください")
	SSHStatus = say2[int, error]("ssh.status",
		"it ended with status {n} and said {error}; run it by hand as the same user",
		"終了ステータス {n}、出力 {error} で終了しました。同じユーザで実行して確認してください")
	SSHNothing = say1[error]("ssh.nothing",
		"it answered nothing and said {error}; run it by hand as the same user",
		"出力がありません (エラー出力: {error})。同じユーザで実行して確認してください")

	VSphereNoXML = say2[int, error]("vsphere.no_xml",
		"the server answered {status} with {error} instead of XML; look whether url is a vCenter or ESXi",
		"サーバの応答が XML ではありません (ステータス {status}、{error})。url が vCenter または ESXi か確認してください")
	VSphereTooLong = say1[int]("vsphere.too_long",
		"the server answered more than {n} bytes; look whether url is a vCenter or ESXi",
		"サーバの応答が {n} バイトを超えました。url が vCenter または ESXi か確認してください")
	VSphereRefusedFile = say1[string]("vsphere.refused_file",
		"user {user} was refused; look at user and password, and whether the account is locked; write the new one into the file of password_file, which is read again with each look, without a restart",
		"ユーザ {user} が拒否されました。ユーザ名とパスワード、アカウントのロックを確認してください。新しいパスワードを password_file のファイルに書くと、再起動なしで次の確認から使われます")
	VSphereRefused = say1[string]("vsphere.refused",
		"user {user} was refused; look at user and password, and whether the account is locked; correct password in the configuration and restart dswatch; with password_file a new one counts without a restart",
		"ユーザ {user} が拒否されました。ユーザ名とパスワード、アカウントのロックを確認し、設定の password を修正して dswatch を再起動してください。password_file を使うと再起動なしで反映されます")
	VSphereLate = say0("vsphere.late",
		"no answer in time; look whether the server is busy, or raise detectors.vsphere.timeout",
		"時間内に応答がありません。サーバの負荷を確認するか、detectors.vsphere.timeout を延ばしてください")
	VSphereMayNot = say1[string]("vsphere.may_not",
		"user {user} may not see this; give it the role Read-only on the hosts",
		"ユーザ {user} に参照の権限がありません。ホストに対する読み取り専用ロールを割り当ててください")
	VSphereSession = say0("vsphere.session",
		"the session ended; it is opened again with the next look",
		"セッションが終了しました。次の確認で再接続します")
	VSphereError = say1[error]("vsphere.error",
		"{error}; look at url and at the server's own log",
		"vSphere の応答はエラーです ({error})。url とサーバのログを確認してください")
	VSphereNoModule = say0("vsphere.no_module",
		"the host lists no kernel module, which no ESXi does; look at its management agents",
		"ホストのカーネルモジュールの一覧が空です (ESXi では起こりません)。管理エージェントを確認してください")
	VSphereNoHosts = say1[string]("vsphere.no_hosts",
		"user {user} sees no host in the inventory; give it the role Read-only on the hosts",
		"ユーザ {user} からインベントリのホストが見えません。ホストに対する読み取り専用ロールを割り当ててください")
	VSphereNoHost = say3[string, string, []string]("vsphere.no_host",
		"the inventory that user {user} sees has no host {name}; it has {names}",
		"ユーザ {user} から見えるインベントリにホスト {name} がありません (あるもの: {names})")
	VSphereFewer = say4[int, int, string, string]("vsphere.fewer",
		"{missing} of {all} hosts, {host} among them, are not in the inventory that user {user} sees; look at the role of that user on the hosts, and whether vCenter has just been started",
		"{all} 台中 {missing} 台のホスト ({host} など) が、ユーザ {user} から見えるインベントリにありません。ホストに対するこのユーザのロールと、vCenter が起動した直後でないかを確認してください")
	VSphereNearHost = say3[string, string, string]("vsphere.near_host",
		"the inventory that user {user} sees has no host {name}; did you mean {near}?",
		"ユーザ {user} から見えるインベントリにホスト {name} がありません。{near} ではありませんか?")
	VSphereState = say1[string]("vsphere.state",
		"the host is {state} in the inventory; look at it there",
		"インベントリでのホストの状態は {state} です。vSphere で確認してください")
	VSphereNoSystem = say0("vsphere.no_system",
		"the host has no kernel module system in the API; look at it over SSH, see detectors.remote",
		"API でこのホストのカーネルモジュールを参照できません。SSH で確認してください (detectors.remote)")

	DriverListClosed = say2[error, string]("driver.list_closed",
		"{error}; run dswatch as a user who may read {file}",
		"ドライバの一覧を読み取れません ({error})。{file} を読み取れるユーザで dswatch を実行してください")
	DriverListForm = say2[string, error]("driver.list_form",
		"parse {file}: {error}; please report the line",
		"ドライバの一覧 {file} を解釈できません ({error})。該当の行を開発元に連絡してください")
	DriverNoProc = say3[string, string, error]("driver.no_proc",
		"{file} does not exist and {root}/sys/kernel cannot be seen ({error}); mount the proc file system at {root}",
		"{file} がなく、カーネルの設定も参照できません ({error})。proc ファイルシステムを {root} にマウントしてください")
	DriverListHidden = say1[string]("driver.list_hidden",
		"{file} does not exist although the kernel has modules; let dswatch see the host's {file}, it may be hidden by a container",
		"カーネルはモジュールに対応していますが {file} がありません。コンテナに隠れている場合は、ホストの {file} を dswatch から参照できるようにしてください")
	NotOnThisOS = say1[string]("look.not_here",
		"this version cannot do it on {os}; put these rows into watch.ignore, or accept that they are unknown",
		"このバージョンは {os} でこの確認に対応していません。該当の行を watch.ignore に記述するか、不明のままにしてください")
)
