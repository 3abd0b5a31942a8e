package app

// Budgets says of each look at others what it needs at worst and what it has.
func (l *Loaded) Budgets() []string { return l.watch.budgets }
