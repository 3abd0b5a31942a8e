//go:build !linux

package port

// holders is the process that the table names.
func (d *Detector) holders(o owner) []int {
	if o.pid == 0 {
		return nil
	}
	return []int{int(o.pid)}
}
