package words

// Who else may change what dswatch reads, writes or runs, and what mends it.
var (
	GuardOwner = say3[string, string, string]("guard.owner",
		"{path} belongs to user {name}, neither to root nor to {self}; see that nobody has put anything there, then run: chown {self}: {path}",
		"{path} の所有者が root でも {self} でもなく {name} です。不審な内容がないことを確認してから実行してください: chown {self}: {path}")
	GuardLinkOwner = say3[string, string, string]("guard.link_owner",
		"the link {path} belongs to user {name}, neither to root nor to {self}; see where it leads, then run: chown -h {self}: {path}",
		"リンク {path} の所有者が root でも {self} でもなく {name} です。リンク先を確認してから実行してください: chown -h {self}: {path}")
	GuardAll = say1[string]("guard.all",
		"everybody may write {path}; run: chmod o-w {path}",
		"{path} には誰でも書き込めます。実行してください: chmod o-w {path}")
	GuardGroup = say2[string, string]("guard.group",
		"group {group} may write {path}; run: chmod g-w {path}",
		"{path} にはグループ {group} が書き込めます。実行してください: chmod g-w {path}")
	GuardList = say2[string, string]("guard.list",
		"by its access list {name} may write {path}; run: setfacl -b {path}",
		"{path} には ACL により {name} が書き込めます。実行してください: setfacl -b {path}")
	GuardWindows = say2[string, string]("guard.windows",
		`{name} may change {path}; see that nobody has, then run: icacls "{path}" /setowner Administrators && icacls "{path}" /inheritance:r /grant:r Administrators:F SYSTEM:F`,
		`{name} が {path} を変更できます。変更されていないことを確認してから実行してください: icacls "{path}" /setowner Administrators && icacls "{path}" /inheritance:r /grant:r Administrators:F SYSTEM:F`)
	GuardMore = say1[int]("guard.more",
		"and {n} more of this kind",
		"ほかに同様のものが {n} 件あります")
	GuardNoFile = say1[string]("guard.no_file",
		"{path} is not a file",
		"{path} はファイルではありません")
	GuardLink = say1[string]("guard.link",
		"{path} is a link where dswatch keeps a file of its own; see who made it, then run: rm {path}",
		"{path} は dswatch が使うファイルですが、リンクになっています。誰が作成したかを確認してから実行してください: rm {path}")
	GuardNames = say1[string]("guard.names",
		"{path} is the file of another name, too, which dswatch would change with it; see who made it, then run: rm {path}",
		"{path} は別の名前のファイルと同じもの (ハードリンク) で、書き込むとそちらも変わります。誰が作成したかを確認してから実行してください: rm {path}")
	NotRun = say1[error]("guard.not_run",
		"it is not run: {error}",
		"実行しません: {error}")
	StrangeListener = say2[string, string]("guard.listener",
		"{address} is listened on by user {name}, who is neither root nor the user of dswatch; nothing was sent there; end that process, then restart dswatch",
		"{address} で待ち受けているのは root でも dswatch の実行ユーザでもなく {name} です。何も送信していません。そのプロセスを終了してから dswatch を再起動してください")
	NobodyAccepts = say1[string]("guard.nobody_accepts",
		"no process of this host accepts connections to {address}",
		"{address} への接続を受け付けるプロセスがこのホストにありません")
	StrangeHelper = say1[string]("guard.strange_helper",
		"it is run by user {uid}, not by root",
		"root ではなく UID {uid} のユーザのプロセスが待ち受けています")
	NoHelper = say2[string, error]("guard.no_helper",
		"dswatch does not run as root, and no helper that may ask the agent answers at {path}: {error}; run: systemctl enable --now dswatch-helper.socket",
		"dswatch が root で動作しておらず、Agent に問い合わせるヘルパーが {path} で応答しません ({error})。実行してください: systemctl enable --now dswatch-helper.socket")
	NotBecome = say3[string, string, error]("guard.not_become",
		"work as user {name}, whose {path} is: {error}",
		"{path} の所有者 {name} として動作できません: {error}")
	TurnedByOthers = say1[error]("guard.turned",
		"others can change what dswatch runs with: {error}",
		"dswatch の動作に使うファイルを他のユーザが変更できます: {error}")
	CannotJudge = say1[error]("guard.cannot_judge",
		"who may change what dswatch runs with cannot be found out: {error}",
		"dswatch の動作に使うファイルを誰が変更できるか確認できません: {error}")
	DirReadable = say1[string]("guard.dir_readable",
		"other users can read what is in bus.dir; run: chmod 700 {path}",
		"bus.dir の内容を他のユーザが読み取れます。実行してください: chmod 700 {path}")
	ProgramOfOthers = say1[error]("guard.program",
		"others can change the program that the service would run: {error}; or copy it where only root writes: install -m 755 dswatch /usr/local/bin/",
		"サービスが実行するプログラムを他のユーザが変更できます: {error}。または root だけが書き込める場所にコピーしてください: install -m 755 dswatch /usr/local/bin/")
)
