package tui

// glossary explains the titles of columns and the marks, for the help.
var glossary = map[string]string{
	"USED %":         "share of the ports that the next call cannot have; ▒: in TIME_WAIT, can be used again (tcp_tw_reuse)",
	"FROM → TO":      "the port space: local address → destination. Each has all ports of the range for itself; bind() to port 0 has one for each address",
	"NETNS":          "network namespace; (gone): it exists no more",
	"PORTS":          "ports in use, with those that can be reused / ports there are",
	"FULL":           "when no port will be left at the current rates; never: it settles below that; -: not known",
	"WANTED/MAX":     "ports per second that calls want, found or not / that can be had indefinitely at the lifetimes seen",
	"LEFT":           "ports that the next calls can have",
	"HELD BY":        "the process with most of the ports",
	"BOUND":          "ports that a bind() has without IP_BIND_ADDRESS_NO_PORT: lost to every connect() of the namespace",
	"PEAK":           "the most ports in use since the start",
	"KIND":           "which call takes ports of the space: connect, or bind to port 0",
	"OPEN/s":         "outgoing connections opened per second, over the last 5 s",
	"OPENS":          "outgoing connections opened since the start",
	"LIVE":           "outgoing connections that are open now",
	"TIME_WAIT":      "connections closed by this host first: each holds its port for 60 s more",
	"TW_IN":          "TIME_WAIT of accepted connections: they take no ephemeral port",
	"FAIL":           "calls that failed since the start",
	"SYN_SENT":       "connections whose SYN was sent again and is not answered",
	"CLOSE_WAIT":     "connections that the peer has closed and the program has not",
	"CLOSES":         "connections closed since the start",
	"P50 LIFE":       "half of the connections lived no longer",
	"BEFORE":         "sockets that are older than the trace",
	"BEFORE START":   "sockets that are older than the trace",
	"HISTORY":        "opens per second over the last two minutes",
	"PROCS":          "processes of the group, those that have ended too",
	"CONTAINER/UNIT": "container of a pod, or container, systemd unit or control group of the process",
	"EXE":            "the executable",
	"COUNT":          "how often this call failed in this way",
	"RATE":           "failures per second, over the last 5 s",
	"CALL":           "the call that failed",
	"ERRNO":          "what the program got",
	"REASON":         "why: range_exhausted: no free port; port_taken: another socket has the port; timed_out, given_up: no answer to the SYN",
	"TARGET":         "the destination of a connect(), or the address of a bind()",
	"LOCAL":          "the local address, with its port if there was one",
	"LAST":           "when it failed last",
	"EVENT":          "what happened: open, close, connect_fail, bind, bind_fail, syn_unanswered",
}

// marks are explained for every table.
var marks = [][2]string{
	{"~", "inferred from other events, not observed, or of a sample of connections; c says what is"},
	{"●", "something fails now; ▲: it will within ten minutes, or a leak; ✔: nothing fails; ?: failures are not seen"},
	{"lost", "events that were not counted; c says how many"},
	{"not listed", "counted, but not one by one: too many at a time; c says of which programs"},
}
