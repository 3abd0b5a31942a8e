package app

// judgesFiles: what others may write is refused at a start.
const judgesFiles = true
