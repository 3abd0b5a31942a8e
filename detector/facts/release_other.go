//go:build !linux

package facts

// release returns nothing: the fact is about Linux kernels.
func release() (string, error) { return "", nil }
