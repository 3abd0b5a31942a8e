package words

import "time"

// What is wrong with a configuration file as such, whatever its keys mean. Each
// ends with what to write instead; the place and the key stand before it.
var (
	ConfigNotThere = say3[string, error, string]("config.not_there",
		"read configuration {path}: {error}; check the path given with -c, or write a file with dswatch init -o {file}",
		"設定ファイル {path} を読み取れません ({error})。-c で指定したパスを確認するか、dswatch init -o {file} で作成してください")
	ConfigClosed = say2[string, error]("config.closed",
		"read configuration {path}: {error}; let the user that runs dswatch read it",
		"設定ファイル {path} を読み取れません ({error})。dswatch を実行するユーザに読み取りを許可してください")
	ConfigUnreadable = say2[string, error]("config.unreadable",
		"read configuration {path}: {error}; name a readable file with -c",
		"設定ファイル {path} を読み取れません ({error})。読み取れるファイルを -c で指定してください")
	IsNamedPipe    = say0("config.named_pipe", "is a named pipe", "名前付きパイプです")
	SecretFileRead = say3[string, string, Phrase]("config.secret_file",
		"read {key}: {file} {problem}",
		"{key} を読み取れません: {file} {problem}")
	SecretFileFault   = say2[Phrase, Phrase]("config.secret_file_fault", "{file} {problem}", "{file} {problem}")
	SecretNotWellRead = say1[string]("config.secret_read_malformed",
		"read {key}: the secret is not well-formed; dswatch config reference says how it is written",
		"{key} を読み取れません。シークレットの形式が正しくありません。書き方は dswatch config reference で確認してください")
	SecretMalformed = say0("config.secret_malformed",
		"the secret is not well-formed; dswatch config reference says how it is written",
		"シークレットの形式が正しくありません。書き方は dswatch config reference で確認してください")

	FileTooLarge = say1[int]("config.too_large",
		"the file is larger than {n} KiB; check that it is the right file",
		"ファイルが {n} KiB を超えています。正しいファイルか確認してください")
	FileUTF16 = say0("config.utf16",
		"the file is UTF-16; save it as UTF-8",
		"ファイルの文字コードが UTF-16 です。UTF-8 で保存してください")
	LineTooLong = say1[int]("config.long_line",
		"the line is longer than {n} KiB; break it into several lines",
		"行が {n} KiB を超えています。複数の行に分けてください")
	NotUTF8 = say0("config.not_utf8",
		"not UTF-8 text; save the file as UTF-8",
		"UTF-8 の文字ではありません。ファイルを UTF-8 で保存してください")
	ControlCharacter = say2[string, string]("config.control_character",
		"a control character ({code}); remove it, or write it as {escape} inside double quotes",
		"制御文字 ({code}) があります。取り除くか、二重引用符の中に {escape} と書いてください")
	TooManyTabs = say1[int]("config.tabs",
		"more than {n} tabs in one line; use spaces",
		"1 行のタブが {n} 個を超えています。空白を使ってください")

	AliasesExpand = say1[int]("config.aliases",
		"aliases expand to more than {n} values; write the values out",
		"エイリアスの展開後の値が {n} 個を超えています。値を直接書いてください")
	NotReadAsType = say1[error]("config.not_read",
		"{error}; dswatch config reference says how it is written",
		"{error}。書き方は dswatch config reference で確認してください")
	NotASize = say1[string]("config.not_a_size",
		`"{text}" is not a size; write a number and a unit, such as 64KiB, 10MB or 1472B`,
		`"{text}" はサイズとして解釈できません。64KiB、10MB、1472B のように数値と単位を書いてください`)
	HasNoValue = say0("config.no_value",
		"has no value; write one, or remove the key",
		"値がありません。値を書くか、キーを削除してください")
	WrongShape     = say2[Phrase, Phrase]("config.shape", "{found} where {wanted}", "{found}。{wanted}")
	FoundNothing   = say0("config.found_nothing", "nothing", "値がありません")
	FoundSingle    = say0("config.found_single", "a single value", "単一の値になっています")
	FoundList      = say0("config.found_list", "a list", "リストになっています")
	FoundMap       = say0("config.found_map", "a map", "マップになっています")
	MapWanted      = say0("config.map_wanted", "a map is wanted; write key: value lines", "key: value の行を並べたマップとして書いてください")
	SingleWanted   = say0("config.single_wanted", "a single value is wanted; put quotes around text that begins with [ or {{ or holds a colon", "単一の値を書いてください。[ や {{ で始まる文字列、コロンを含む文字列は引用符で囲んでください")
	ListWanted     = say0("config.list_wanted", `a list is wanted; write [a, b], or each entry in a line that begins with "- "`, `[a, b] の形か、"- " で始まる行を並べたリストとして書いてください`)
	SecretWanted   = say0("config.secret_wanted", "a secret is wanted; put quotes around text that begins with [ or {{ or holds a colon", "シークレットを単一の値として書いてください。[ や {{ で始まる文字列、コロンを含む文字列は引用符で囲んでください")
	PathWanted     = say0("config.path_wanted", "the path of a file is wanted; write the path", "ファイルのパスを書いてください")
	StandsAsWell   = say2[string, int]("config.twin", "{key} stands in line {line} as well; keep one of the two", "{key} は {line} 行目にもあります。どちらか一方にしてください")
	UnknownKey     = say1[Phrase]("config.unknown_key", "unknown key; {next}", "不明なキーです。{next}")
	DidYouMeanText = say1[string]("meant.text", `did you mean "{near}"?`, `"{near}" ではありませんか?`)
	DidYouMean     = say1[string]("meant.one", "did you mean {near}?", "{near} ではありませんか?")
	WriteOneOf     = say1[[]string]("meant.one_of", "write one of {valid}", "次のいずれかを書いてください: {valid}")
	WriteEither    = say1[[]string]("meant.either", "write {valid:either}", "{valid:either} を書いてください")
	SeeReference   = say0("meant.reference", "dswatch config reference lists the valid ones", "使用できるキーは dswatch config reference で確認してください")
	EmptyEntry     = say0("config.empty_entry", "an empty entry; write a value behind the dash, or remove the dash", "空の要素です。- の後に値を書くか、- を削除してください")
	NotABool       = say2[string, string]("config.not_a_bool", `"{text}" is not true or false; write {which}, without quotes`, `"{text}" は true でも false でもありません。引用符なしで {which} と書いてください`)
	TrueOrFalse    = say1[string]("config.true_or_false", `"{text}" is not true or false; write true or false, without quotes`, `"{text}" は true でも false でもありません。引用符なしで true または false と書いてください`)
	NotANumber     = say1[string]("config.not_a_number", `"{text}" is not a number; write digits without quotes, such as 0.5`, `"{text}" は数値ではありません。0.5 のように引用符なしの数字で書いてください`)
	NotWhole       = say1[string]("config.not_whole", `"{text}" is not a whole number; write digits without quotes, such as 10`, `"{text}" は整数ではありません。10 のように引用符なしの数字で書いてください`)
	NotInRange     = say3[string, string, string]("config.out_of_range", `"{text}" is out of range; write {least} to {most}`, `"{text}" は範囲外です。{least} から {most} の範囲で書いてください`)
	NoUnit         = say2[string, string]("config.no_unit", `"{text}" has no unit; write {n}s, {n}m or {n}h`, `"{text}" に単位がありません。{n}s、{n}m、{n}h のように書いてください`)
	DaysNoUnit     = say2[string, int]("config.days", `"{text}" is written in days, which is no unit here; write {n}h`, `"{text}" の単位「日」は使えません。{n}h と書いてください`)
	NotADuration   = say1[string]("config.not_a_duration", `"{text}" is not a duration; write a number and a unit, such as 500ms, 20s, 5m or 4h`, `"{text}" は時間として解釈できません。500ms、20s、5m、4h のように数値と単位を書いてください`)

	SecretNoValue = say0("config.secret_no_value", "has no value; write one", "値がありません。値を書いてください")
	SecretNoTwin  = say1[string]("config.secret_no_value_or_file",
		"has no value; write one, or {key} and the path of a file that holds it",
		"値がありません。値を書くか、{key} に値を保存したファイルのパスを書いてください")
	SecretRedacted = say1[string]("config.secret_redacted",
		"{text} is what config show prints instead of a secret; write the secret itself",
		"{text} は config show がシークレットの代わりに表示するものです。シークレットそのものを書いてください")
	SecretRedactedTwin = say2[string, string]("config.secret_redacted_or_file",
		"{text} is what config show prints instead of a secret; write the secret itself, or {key} and the path of a file that holds it",
		"{text} は config show がシークレットの代わりに表示するものです。シークレットそのものを書くか、{key} に値を保存したファイルのパスを書いてください")
	SecretExposed = say4[string, string, string, string]("config.secret_exposed",
		"{position}: {path}: a secret stands in this file, which every user can read (mode {mode}); run chmod o-rwx {file}",
		"{position}: {path}: このファイルにはシークレットがあり、すべてのユーザが読み取れます (モード {mode})。chmod o-rwx {file} を実行してください")
	SecretShort = say3[string, string, int]("config.secret_short",
		"{position}: {path}: a secret of {n} bytes is too short to be kept out of messages, and easily guessed; take one of 16 characters or more",
		"{position}: {path}: {n} バイトのシークレットは短すぎるため、メッセージから隠せず、安全でもありません。16 文字以上にしてください")
	SecretReadable = say4[string, string, string, string]("config.secret_readable",
		"{position}: {path}: other users can read {file} (mode {mode}); run chmod 600 on it",
		"{position}: {path}: {file} を他のユーザが読み取れます (モード {mode})。chmod 600 を実行してください")
	TheFileNamed   = say0("config.file_named_here", "the file named here", "指定されたファイル")
	FileHasNoName  = say0("config.file_no_name", "has no name; write the path of the file that holds the secret", "の名前がありません。シークレットを保存したファイルのパスを書いてください")
	FileNotRegular = say0("config.file_not_regular", "is not a regular file; name the file that holds the secret", "は通常のファイルではありません。シークレットを保存したファイルを指定してください")
	FileNotThere   = say0("config.file_not_there", "does not exist; create it, or correct the path", "がありません。作成するか、パスを修正してください")
	FileDenied     = say0("config.file_denied", "cannot be read: permission denied; give it to the user that runs dswatch (chown), with chmod 600", "を読み取る権限がありません。dswatch を実行するユーザの所有にして (chown)、chmod 600 を実行してください")
	FileUnreadable = say1[error]("config.file_unreadable", "cannot be read: {error}; correct the path", "を読み取れません ({error})。パスを修正してください")
	FileOverlong   = say1[int]("config.file_too_large", "is larger than {n} KiB; name the file that holds the secret and nothing else", "が {n} KiB を超えています。シークレットだけを保存したファイルを指定してください")
	FileByteOrder  = say0("config.file_byte_order", "begins with a byte order mark; save it as UTF-8 without one", "が BOM で始まっています。BOM なしの UTF-8 で保存してください")
	FileEmpty      = say0("config.file_empty", "is empty; write the secret into it", "が空です。シークレットを書き込んでください")
	MoreProblems   = say1[int]("config.more", "and {n} more; correct these first", "ほか {n} 件あります。先に上記を修正してください")
	ParserGaveUp   = say0("config.parser_gave_up", "the YAML parser gave up on this file; look for unusual indentation or brackets", "この YAML ファイルを解釈できません。字下げや括弧を確認してください")
	WeakNoAuth     = say0("advice.no_auth", "is missing, so anybody can forge alerts; write SHA-256 or better", "設定がないため、アラートを偽造できます。SHA-256 以上を書いてください")
	WeakMD5        = say0("advice.md5", "MD5 is broken; write SHA-256 or better", "MD5 は安全ではありません。SHA-256 以上を書いてください")
	WeakNoPriv     = say0("advice.no_priv", "is missing, so alerts can be read on the way; write AES", "設定がないため、アラートを通信経路で読み取れます。AES を書いてください")
	WeakDES        = say0("advice.des", "DES is broken; write AES", "DES は安全ではありません。AES を書いてください")
	WeakPassword   = say1[int]("advice.password",
		"is shorter than {n} bytes and can be guessed from one recorded message; write a longer one",
		"{n} バイト未満のため、記録された 1 つのメッセージから推測できます。より長いパスワードにしてください")
	CertificateEnds  = say2[string, time.Time]("advice.certificate_ends", "the certificate {subject} expires at {time}; renew it", "証明書 {subject} の有効期限は {time} です。更新してください")
	CertificateEnded = say2[string, time.Time]("advice.certificate_ended", "the certificate {subject} expired at {time}; renew it", "証明書 {subject} の有効期限は {time} に切れています。更新してください")
	WriteARow        = say0("meant.row", "write a row's name or kind/name as `dswatch catalog` shows them", "dswatch catalog に表示される行の名前か kind/name を書いてください")
	ConfigureSink    = say0("meant.sink", "configure it under sinks", "sinks に設定してください")
	BadCondition     = say2[int, error]("row.condition", "parse condition: column {n}: {error}", "条件の {n} 文字目: {error}")
	RouteShadowed    = say1[string]("config.route_shadowed",
		"no alert gets here, because {route} takes all of them; move this route before it, or write continue: true there",
		"すべてのアラートが {route} に一致するため、ここに届くアラートはありません。この経路をその前に移すか、そこに continue: true を書いてください")
	RouteShadowedByAll = say1[[]string]("config.route_shadowed_by_all",
		"no alert gets here, because {routes:and} together take all of them; move this route before them, or write continue: true there",
		"すべてのアラートが {routes:and} のいずれかに一致するため、ここに届くアラートはありません。この経路をそれらの前に移すか、そこに continue: true を書いてください")
)

// What a fault of YAML means to an operator.
var (
	YAMLGeneral = say0("yaml.general", "not understood; check the indentation, the colons and the quotes here and in the line above", "解釈できません。この行と上の行の字下げ、コロン、引用符を確認してください")
	YAMLDeeper  = say0("yaml.deeper", "the next line is indented deeper, but this one already has its value; correct the indentation", "次の行の字下げが深くなっていますが、この行にはすでに値があります。字下げを修正してください")
	YAMLTab     = say0("yaml.tab", "a tab in the indentation; use spaces", "字下げにタブがあります。空白を使ってください")
	YAMLLine    = say0("yaml.line", `not a "key: value" line; check the indentation and the space after the colon, here and in the lines around`, `"key: value" の形の行ではありません。この行と前後の行の字下げ、コロンの後の空白を確認してください`)
	YAMLMap     = say0("yaml.map", "the {{ is not closed or a comma is missing; write {{key: value, other: value}", "{{ が閉じていないか、カンマがありません。{{key: value, other: value} のように書いてください")
	YAMLList    = say0("yaml.list", "the [ is not closed or a comma is missing; write [a, b]", "[ が閉じていないか、カンマがありません。[a, b] のように書いてください")
	YAMLQuote   = say0("yaml.quote", "the quote is not closed; close it, or double it inside the text", "引用符が閉じていません。閉じるか、文字列の中では 2 つ重ねて書いてください")
	YAMLEscape  = say0("yaml.escape", `an unknown escape inside double quotes; use single quotes, or write \\ for a backslash`, `二重引用符の中に不明なエスケープがあります。単一引用符を使うか、バックスラッシュを \\ と書いてください`)
	YAMLUnicode = say0("yaml.unicode", `a broken \u escape inside double quotes; use single quotes, or write \\ for a backslash`, `二重引用符の中の \u エスケープが正しくありません。単一引用符を使うか、バックスラッシュを \\ と書いてください`)
	YAMLAt      = say0("yaml.at", "text cannot begin with @ or `; put quotes around it", "@ や ` で始まる文字列は書けません。引用符で囲んでください")
	YAMLPipe    = say0("yaml.pipe", "text cannot begin with | or >; put quotes around it", "| や > で始まる文字列は書けません。引用符で囲んでください")
	YAMLBlock   = say0("yaml.block", "the text after | or > is not indented; indent it", "| や > の後の文字列が字下げされていません。字下げしてください")
	YAMLDash    = say0("yaml.dash", `a list begins behind its key; write each "- " on a line of its own`, `キーと同じ行でリストが始まっています。"- " はそれぞれ別の行に書いてください`)
	YAMLColon   = say0("yaml.colon", `a second ": " in one line; put quotes around text that holds ": "`, `1 行に ": " が 2 つあります。": " を含む文字列は引用符で囲んでください`)
	YAMLIndent  = say0("yaml.indent", "indented deeper than the line above, which already has its value; correct the indentation", "値のある上の行より字下げが深くなっています。字下げを修正してください")
	YAMLAnchor  = say0("yaml.anchor", "a broken anchor; write &name value, or put quotes around text that begins with &", "アンカーが正しくありません。&name value のように書くか、& で始まる文字列を引用符で囲んでください")
	YAMLAlias   = say0("yaml.alias", "a broken alias; write *name, or put quotes around text that begins with *", "エイリアスが正しくありません。*name のように書くか、* で始まる文字列を引用符で囲んでください")

	YAMLLong      = say1[int]("yaml.long", "the file has more than {n} words; split what it describes", "ファイルの語数が {n} を超えています。内容を分割してください")
	YAMLTag       = say0("yaml.tag", "tags are not supported; put quotes around text that begins with !", "タグは使えません。! で始まる文字列は引用符で囲んでください")
	YAMLDirective = say0("yaml.directive", "directives are not supported; remove the line, or put quotes around text that begins with %", "ディレクティブは使えません。行を削除するか、% で始まる文字列を引用符で囲んでください")
	YAMLSecond    = say0("yaml.second", "a second document begins here; keep one document in the file", "ここから 2 つ目のドキュメントが始まっています。1 つのファイルには 1 つだけ書いてください")
	YAMLAnchors   = say1[int]("yaml.anchors", "more than {n} anchors; write the values out", "アンカーが {n} 個を超えています。値を直接書いてください")
	YAMLAliases   = say1[int]("yaml.aliases", "more than {n} aliases; write the values out", "エイリアスが {n} 個を超えています。値を直接書いてください")
	YAMLQuestion  = say0("yaml.question", "keys written with ? are not supported; write key: value, or put quotes around text that begins with ?", "? で始まるキーは使えません。key: value と書くか、? で始まる文字列を引用符で囲んでください")
	YAMLNoAnchor  = say0("yaml.no_anchor", "refers to an anchor that is not defined above; define it with & first, or put quotes around text that begins with *", "参照するアンカーがここまでに定義されていません。先に & で定義するか、* で始まる文字列を引用符で囲んでください")
	YAMLNoValue   = say0("yaml.no_value", "a word without a value in {{ }; put quotes around a value that holds a comma", "{{ } の中に値のない語があります。カンマを含む値は引用符で囲んでください")
	YAMLKeyAnchor = say0("yaml.key_anchor", "a key cannot be an anchor or an alias; write the key itself", "キーにアンカーやエイリアスは使えません。キーを直接書いてください")
	YAMLTwice     = say1[int]("yaml.twice", "written twice, first in line {line}; remove one of the two", "同じキーが 2 つあります (最初は {line} 行目)。どちらか一方を削除してください")
	YAMLMerges    = say1[int]("yaml.merges", "merge keys add more than {n} values; write the values out", "マージキーで追加される値が {n} 個を超えています。値を直接書いてください")
	YAMLMergeMaps = say0("yaml.merge_maps", "<< merges maps only; write <<: *name or <<: [*name, *other]", "<< でマージできるのはマップだけです。<<: *name または <<: [*name, *other] と書いてください")
	YAMLKeys      = say1[int]("yaml.keys", "more than {n} keys in one map; check that it is the right file", "1 つのマップのキーが {n} 個を超えています。正しいファイルか確認してください")
	YAMLDeep      = say1[int]("yaml.deep", "nested more than {n} levels deep; check the brackets and the indentation", "入れ子が {n} 段を超えています。括弧と字下げを確認してください")
	YAMLAbsent    = say1[int]("yaml.absent", "more than {n} keys and entries without a value; check that it is the right file", "値のないキーと要素が {n} 個を超えています。正しいファイルか確認してください")
)
