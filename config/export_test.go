package config

// What an operator is told about files that root can always read.
var (
	ReadError  = readError
	Unreadable = unreadable
)

// Words returns every key of the file and every value with its path, aliases
// resolved, so that a test can tell what may be shown from what may not.
func (f *File) Words() (keys []string, values map[string][]string) {
	values = map[string][]string{}
	budget := 100_000
	var walk func(n *node, path string)
	walk = func(n *node, path string) {
		if budget--; budget < 0 {
			return
		}
		if n.kind == scalar {
			values[path] = append(values[path], n.text)
		}
		for _, p := range n.pairs {
			keys = append(keys, p.key)
			walk(p.value, below(path, p.key))
		}
		for _, v := range n.items {
			walk(v, path)
		}
	}
	if f.root != nil {
		walk(f.root, "")
	}
	return keys, values
}
