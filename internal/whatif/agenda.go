package whatif

// happening is what an occurrence of a made-up load is.
type happening uint8

const (
	answered   happening = iota // the SYN was
	givenUp                     // the SYN never was
	requestEnd                  // a request was served
	vanished                    // keep-alive has found the peer dead
	retry                       // a worker begins again after a failure
	ofBurst                     // the next call of a burst of a replay
)

// occurrence is something that will happen to a connection.
type occurrence struct {
	at   int64
	conn conn
	left int32 // requests that the connection can still serve, with the one that runs
	what happening
}

// agenda is a heap of occurrences, the soonest first. Four children to a node keep it flat.
type agenda []occurrence

const children = 4

func (a *agenda) push(o occurrence) {
	h := append(*a, o)
	i := len(h) - 1
	for i > 0 {
		parent := (i - 1) / children
		if h[parent].at <= o.at {
			break
		}
		h[i] = h[parent]
		i = parent
	}
	h[i] = o
	*a = h
}

func (a *agenda) pop() occurrence {
	h := *a
	first, last := h[0], h[len(h)-1]
	h = h[:len(h)-1]
	*a = h
	if len(h) > 0 {
		h.sink(last)
	}
	return first
}

// sink puts an occurrence at the root and moves it down to its place.
func (a agenda) sink(o occurrence) {
	i := 0
	for {
		child := children*i + 1
		if child >= len(a) {
			break
		}
		soonest := child
		for c := child + 1; c < min(child+children, len(a)); c++ {
			if a[c].at < a[soonest].at {
				soonest = c
			}
		}
		if a[soonest].at >= o.at {
			break
		}
		a[i] = a[soonest]
		i = soonest
	}
	a[i] = o
}
