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
