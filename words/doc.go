// Package words is the only place that turns what dswatch has to say into a
// language. Detectors and rules state things as data (event.Said: codes and
// arguments); a Voice says them in English or Japanese at the very end, with
// the times of the reader's zone.
//
// # How to say something
//
// Every sentence is a variable of this package, made with its code, its English
// and its Japanese side by side; the type says what stands in its gaps, so the
// compiler checks number and kind:
//
//	o.Detail = words.NoProcessNamed.With(names)
//	o.Detail = o.Detail.And(words.OtherExecutable.With(3))
//	return words.Fail(words.ManagerUnreachable.With(err))   // an error that says the same
//	why := words.Of(err)                                    // and what an error says
//
// # How to add a sentence
//
// Add one variable where its relatives stand:
//
//	NoProcessNamed = say1[[]string]("process.none_named",
//		"no process is named {names:or}",
//		"{names:or} という名前のプロセスがありません")
//
// The gaps of the English text name the arguments in the order of With. The
// Japanese text uses the same names, in any order. Their types are
//
//	string          a name, shown as it is
//	int             {n}; {n|process|processes} is one of two words: the first where n is 1
//	time.Duration   20s, 2h5m; 20秒, 2時間5分
//	time.Time       in the reader's zone
//	[]string        {x} "a, b", {x:or} "a or b", {x:and} "a, b and c", {x:either} "a, b or c"
//	error           a library's own text, quoted and not translated
//	Both            a text that is there in both languages, such as an operator's
//	Phrase          a sentence of the table inside this one
//	event.State, event.Kind, event.Severity, event.Impact, event.Transition, Outcome, Origin, Fact, Value
//	                a word of the dictionary (dictionary.go)
//
// A sentence of a detail or a reason has no full stop and, in English, begins small, as it may be a part of
// a longer one; those of an alert's text have one. Several are joined by "; " or 「。」, and after a colon by a
// blank. The Japanese is 敬体; terms are those of dictionary.go. A code is
// area.what, is never given another meaning and never used again: it is stored,
// and programs read it.
//
// TestSentences holds every sentence to this, TestUsed finds those that nobody
// says, and testdata/words.txt shows all in both languages (`go test ./words -update`).
package words
