package teams

// Open to the fuzz tests.
var (
	Markdown = markdown
	Plain    = plain
	Encode   = encode
)
