package event

// Names of signals, as `porttrace check`, reports and recordings have them.
const (
	SignalStates        string = "states"         // changes of TCP state: opens and closes
	SignalCookie        string = "cookie"         // every socket has a cookie
	SignalConnect       string = "connect"        // the port search of connect()
	SignalSynSent       string = "syn_sent"       // connections whose SYN gets no answer
	SignalConnectErrors string = "connect_errors" // connect() that fails before the port search
	SignalBind          string = "bind"           // bind() and its errors
	SignalAutobind      string = "autobind"       // UDP sockets that find no port when they send
	SignalCensus        string = "census"         // scans of all sockets
	SignalTimeWait      string = "time_wait"      // closes that leave a TIME_WAIT bucket
)

// SignalNames returns the names of all signals, in the order in which they are shown.
func SignalNames() []string {
	return []string{
		SignalStates, SignalCookie, SignalConnect, SignalSynSent, SignalConnectErrors, SignalBind,
		SignalAutobind, SignalCensus, SignalTimeWait,
	}
}
