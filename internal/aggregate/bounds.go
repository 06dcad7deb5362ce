package aggregate

// Bounds of the tables. What does not fit is summed up in rows that several keys share.
const (
	maxProcesses    = 8192
	maxDestinations = 8192
	maxPairs        = 16384
	maxPast         = 2048
	maxPastPairs    = 4096
	maxFailures     = 4096
	maxSweeps       = 256
	maxFlows        = 8192 // port spaces whose usage is followed
	maxUDPSpaces    = 256
	maxNotices      = 32
	maxGaps         = 64
)
