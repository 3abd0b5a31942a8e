package guard

// SyncDir is syncDir for tests.
var SyncDir = syncDir
