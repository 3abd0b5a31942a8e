package setting

// Again reads the file of a secret anew: a key that was replaced counts
// without a restart. Its errors name the file and the next step.
type Again func() (Secret, error)
