package setting

// Again reads the file of a secret anew: a key that was replaced counts
// without a restart. Its errors name the file and the next step.
type Again func() (Secret, error)

// NextSecret says what to do about a secret that was refused: key is that of
// the configuration without _file, and file whether it stands in one.
func NextSecret(key string, file bool) string {
	if file {
		return "write the new one into the file of " + key + "_file, which is read again with each look, without a restart"
	}
	return "correct " + key + " in the configuration and restart dswatch; with " + key + "_file a new one counts without a restart"
}
