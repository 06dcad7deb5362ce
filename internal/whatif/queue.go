package whatif

// conn is a connection that has a port.
type conn struct {
	space    int32
	port     int32 // its index in the range; -1 if ports are only counted
	early    bool  // a bind() owns the port
	reusable bool  // its TIME_WAIT may be reused
}

// bucket is a TIME_WAIT that takes a port away.
type bucket struct {
	expiry int64
	conn   conn
}

// queue is a first-in-first-out queue in a ring, which grows to the most that was in it.
type queue struct {
	ring []bucket // its length is a power of two
	head uint     // index of the oldest
	n    uint
}

func (q *queue) empty() bool { return q.n == 0 }

// oldest returns the oldest bucket. There must be one.
func (q *queue) oldest() *bucket { return &q.ring[q.head] }

func (q *queue) push(b bucket) {
	if q.n == uint(len(q.ring)) {
		q.grow()
	}
	q.ring[(q.head+q.n)&uint(len(q.ring)-1)] = b
	q.n++
}

func (q *queue) grow() {
	larger := make([]bucket, max(2*len(q.ring), 64))
	n := copy(larger, q.ring[q.head:])
	copy(larger[n:], q.ring[:q.head])
	q.ring, q.head = larger, 0
}

func (q *queue) pop() bucket {
	b := q.ring[q.head]
	q.head = (q.head + 1) & uint(len(q.ring)-1)
	q.n--
	return b
}

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
