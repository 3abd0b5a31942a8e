package words

import "time"

// What any detector says.
var (
	// Quoted is a library's own text, or anything else that is cited.
	Quoted = say1[error]("quoted", "{error}", "{error}")
	// RunAsRoot follows what could not be read.
	RunAsRoot = say0("look.run_as_root",
		"run dswatch as root or grant it CAP_SYS_PTRACE",
		"dswatch を root で実行するか、CAP_SYS_PTRACE を付与してください")
	NoAnswer = say1[time.Duration]("look.no_answer",
		"no answer within {wait}",
		"{wait}以内に応答がありません")
)

// What is said of processes.
var (
	NoProcessNamed = say1[[]string]("process.none_named",
		"no process is named {names:or}",
		"{names:or} という名前のプロセスがありません")
	OtherExecutable = say1[int]("process.other_executable",
		"{n} of the name {n|runs|run} another executable",
		"同名のプロセスが {n} 個ありますが、実行ファイルが異なります")
)
