package whatif

import "math/bits"

// ports allocates the ports of one host. As long as the ports of a pool are all alike they
// are only counted. Where it matters which port is taken, as a bind() takes it from every
// destination while a connect() does not, there is a bit for each.
type ports struct {
	total     int
	scope     Scope
	peerReuse bool
	parity    bool
	exact     bool // which port is taken matters
	random    random

	spaces []space
	locals []local
	// Of exact: the ports that a bind() owns on any local address, and on how many.
	bound   bitmap
	binders []uint16
	nBound  int
	// others is the number of ports that sockets of other kinds own, listeners above all; fixed
	// has them if ports are exact.
	others int
	fixed  bitmap
	spare  []bitmap // of spaces that have become empty
	// spareAged are those of spaces without such a TIME_WAIT.
	spareAged [][]int64
	reused    bool   // the last port was taken from a TIME_WAIT
	released  uint64 // how often a port was released: until the next time, full is full
	most      int    // taken in one pool at a time
}

// space is the port space from one local address to one remote end.
type space struct {
	local  int32
	taken  int32
	ports  bitmap
	aged   []int64 // by port: when a TIME_WAIT expires that a connect() may reuse before, 0: there is none
	nAged  int32   // of those
	next   int32   // with parity: the port to begin the next search at, -1: any
	fullAt uint64  // ports.released when it was found full
	isFull bool
}

// local is one local address.
type local struct {
	taken  int32 // by connections whose port is taken from every remote end
	ports  bitmap
	owners []uint32 // of exact: how many sockets have the port, whatever their remote end
	nOwned int
	owned  bitmap // those of which there is one
	fullAt uint64
	isFull bool
}

func newPorts(s *System, exact bool) *ports {
	p := &ports{
		total: s.Ports, scope: s.Scope, peerReuse: s.PeerReuse && s.Scope != PerTuple, parity: s.Parity,
		exact: exact || s.PeerReuse && s.Scope != PerTuple,
	}
	if p.exact {
		p.bound, p.binders, p.fixed = newBitmap(p.total), make([]uint16, p.total), newBitmap(p.total)
	}
	return p
}

// addLocal returns the number of a new local address.
func (p *ports) addLocal() int32 {
	l := local{}
	if p.exact {
		l.ports, l.owned, l.owners = newBitmap(p.total), newBitmap(p.total), make([]uint32, p.total)
	}
	p.locals = append(p.locals, l)
	return int32(len(p.locals) - 1)
}

// addSpace returns the number of a new port space.
func (p *ports) addSpace(local int32) int32 {
	if p.scope == PerHost {
		local = 0
	}
	p.spaces = append(p.spaces, space{local: local, next: -1})
	return int32(len(p.spaces) - 1)
}

// restart has the most ports in use count from now on.
func (p *ports) restart() { p.most = p.fullest() }

// fullest returns how many ports of the fullest pool are taken now.
func (p *ports) fullest() int {
	most := p.others
	for i := range p.spaces {
		most = max(most, int(p.spaces[i].taken)+p.nBound+p.others)
	}
	for i := range p.locals {
		l := &p.locals[i]
		most = max(most, max(int(l.taken), l.nOwned)+p.others)
	}
	return min(most, p.total)
}

// free returns how many ports are not those of other sockets.
func (p *ports) free() int { return max(p.total-p.others, 0) }

// byLocal reports whether the port of such a connection is taken from every remote end.
func (p *ports) byLocal(early bool) bool { return early || p.scope != PerTuple }

// allocate takes a port. It returns false if there is none.
func (p *ports) allocate(to int32, early bool) (port int32, ok bool) {
	if p.exact {
		return p.allocateExact(to, early)
	}
	taken := p.counter(to, early)
	if int(*taken) >= p.free() {
		return -1, false
	}
	*taken++
	p.most = max(p.most, int(*taken)+p.others)
	return -1, true
}

func (p *ports) counter(to int32, early bool) *int32 {
	s := &p.spaces[to]
	if p.byLocal(early) {
		return &p.locals[s.local].taken
	}
	return &s.taken
}

func (p *ports) allocateExact(to int32, early bool) (port int32, ok bool) {
	p.reused = false
	s := &p.spaces[to]
	l := &p.locals[s.local]
	full, fullAt := &s.isFull, &s.fullAt
	if early {
		full, fullAt = &l.isFull, &l.fullAt
	}
	if *full && *fullAt == p.released {
		return -1, false
	}
	if s.ports == nil {
		s.ports = p.emptyBitmap()
	}
	port = p.choose(s, l, early)
	if *full = port < 0; *full {
		*fullAt = p.released
		return -1, false
	}
	p.take(s, l, port, early)
	return port, true
}

// choose returns a port that is free for such a connection, -1 if none is.
func (p *ports) choose(s *space, l *local, early bool) int32 {
	if p.total == 0 {
		return -1
	}
	taken := [3]bitmap{l.owned, p.fixed, p.fixed}
	switch {
	case p.scope != PerTuple:
		taken[0], taken[1] = l.ports, s.ports
	case !early:
		taken[0], taken[1] = s.ports, p.bound
	}
	switch {
	case p.parity && early:
		return p.search(&taken, p.random.below(p.total), oddBits)
	case p.parity:
		return p.walk(s, &taken)
	}
	return freeBit(&taken, p.total, p.random.below(p.total), everyBit)
}

// walk chooses as __inet_hash_connect() of net/ipv4/inet_hashtables.c does: it goes on behind the
// last port of the space, and leaves out up to seven at random.
func (p *ports) walk(s *space, taken *[3]bitmap) int32 {
	if s.next < 0 {
		s.next = int32(p.random.below(p.total))
	}
	s.next &^= 1
	port := p.search(taken, int(s.next), evenBits)
	if port < 0 {
		return port
	}
	total := int32(p.total)
	passed := max((port-s.next+total)%total, int32(2*p.random.below(8)))
	s.next = (s.next + passed + 2) % total
	return port
}

// search returns the first free port from start on that has the parity, else one that has not.
func (p *ports) search(taken *[3]bitmap, start int, parity uint64) int32 {
	port := freeBit(taken, p.total, start, parity)
	if port < 0 {
		port = freeBit(taken, p.total, start, ^parity)
	}
	return port
}

func (p *ports) take(s *space, l *local, port int32, early bool) {
	switch {
	case p.scope != PerTuple:
		l.ports.set(port)
		l.taken++
		p.most = max(p.most, int(l.taken+s.taken)+p.others)
		return
	case early:
		if p.binders[port]++; p.binders[port] == 1 {
			p.bound.set(port)
			p.nBound++
		}
	default:
		s.ports.set(port)
		s.taken++
		p.most = max(p.most, min(int(s.taken)+p.nBound+p.others, p.total))
		if p.reused = s.aged != nil && s.aged[port] != 0; p.reused {
			p.forgetAged(s, port)
			l.owners[port]--
		}
	}
	if l.owners[port]++; l.owners[port] == 1 {
		if !p.reused {
			l.nOwned++
		}
		l.owned.set(port)
	}
	if early {
		p.most = max(p.most, l.nOwned+p.others)
	}
}

// wait is for a port whose connection is in TIME_WAIT from now on.
func (p *ports) wait(c conn) {
	if !p.peerReuse {
		return
	}
	s := &p.spaces[c.space]
	l := &p.locals[s.local]
	l.ports.clear(c.port)
	l.taken--
	s.ports.set(c.port)
	s.taken++
	p.released++
}

// release gives a port back; of a bucket if it was in TIME_WAIT.
func (p *ports) release(c conn, ofBucket bool) {
	p.released++
	if !p.exact {
		*p.counter(c.space, c.early)--
		return
	}
	s := &p.spaces[c.space]
	l := &p.locals[s.local]
	switch {
	case p.peerReuse && ofBucket:
		s.ports.clear(c.port)
		s.taken--
		return
	case p.scope != PerTuple:
		l.ports.clear(c.port)
		l.taken--
		return
	case c.early:
		if p.binders[c.port]--; p.binders[c.port] == 0 {
			p.bound.clear(c.port)
			p.nBound--
		}
	default:
		p.leave(s, c.port)
	}
	l.disown(c.port)
}

func (p *ports) leave(s *space, port int32) {
	s.ports.clear(port)
	if s.taken--; s.taken == 0 {
		p.spare, s.ports = append(p.spare, s.ports), nil
	}
}

// disown is for a socket that has the port no more.
func (l *local) disown(port int32) {
	if l.owners[port]--; l.owners[port] == 0 {
		l.owned.clear(port)
		l.nOwned--
	}
}

// willAge is for a port that is in TIME_WAIT until its expiry, and that a connect() may have
// before.
func (p *ports) willAge(c conn, expiry int64) {
	s := &p.spaces[c.space]
	if n := len(p.spareAged); s.aged == nil && n > 0 {
		s.aged, p.spareAged = p.spareAged[n-1], p.spareAged[:n-1]
	} else if s.aged == nil {
		s.aged = make([]int64, p.total)
	}
	s.aged[c.port] = expiry
	s.nAged++
}

// forgetAged is for a TIME_WAIT that has ended.
func (p *ports) forgetAged(s *space, port int32) {
	s.aged[port] = 0
	if s.nAged--; s.nAged == 0 {
		p.spareAged, s.aged = append(p.spareAged, s.aged), nil
	}
}

// age lets a connect() have it from now on. A bind() cannot.
func (p *ports) age(c conn) {
	p.released++
	p.leave(&p.spaces[c.space], c.port)
}

// endAged ends that TIME_WAIT. It returns false if a connect() has ended it before.
func (p *ports) endAged(c conn, expiry int64) bool {
	s := &p.spaces[c.space]
	if s.aged == nil || s.aged[c.port] != expiry {
		return false
	}
	p.released++
	p.forgetAged(s, c.port)
	p.locals[s.local].disown(c.port)
	return true
}

// own takes a port of the range, by its index, for a socket that is no connection.
func (p *ports) own(index int32) {
	p.others++
	if p.exact {
		p.fixed.set(index)
	}
	p.most = max(p.most, p.fullest())
}

// disown gives it back.
func (p *ports) disown(index int32) {
	p.released++
	p.others--
	if p.exact {
		p.fixed.clear(index)
	}
}

// emptyBitmap returns one that another space has left, or a new one.
func (p *ports) emptyBitmap() bitmap {
	n := len(p.spare)
	if n == 0 {
		return newBitmap(p.total)
	}
	b := p.spare[n-1]
	p.spare = p.spare[:n-1]
	return b
}

// bitmap has a bit for each port of the range, by its index.
type bitmap []uint64

func newBitmap(n int) bitmap { return make(bitmap, (n+63)/64) }

func (b bitmap) set(i int32)   { b[i/64] |= 1 << (i % 64) }
func (b bitmap) clear(i int32) { b[i/64] &^= 1 << (i % 64) }

// Which bits of a word to choose from.
const (
	everyBit uint64 = 1<<64 - 1
	evenBits uint64 = everyBit / 3
	oddBits  uint64 = evenBits << 1
)

// freeBit returns the first of n bits from start on, and around, that is in none of the
// bitmaps and in the mask; -1 if there is none.
func freeBit(taken *[3]bitmap, n, start int, mask uint64) int32 {
	words := (n + 63) / 64
	word, from := start/64, everyBit<<(start%64)
	for range words + 1 {
		free := ^(taken[0][word] | taken[1][word] | taken[2][word]) & mask & from
		if word == words-1 && n%64 != 0 {
			free &= 1<<(n%64) - 1
		}
		if free != 0 {
			return int32(word*64 + bits.TrailingZeros64(free))
		}
		if word++; word == words {
			word = 0
		}
		from = everyBit
	}
	return -1
}
