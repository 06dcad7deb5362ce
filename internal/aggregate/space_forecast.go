package aggregate

import (
	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/forecast"
	"github.com/porttrace/porttrace/internal/portspace"
)

// enoughCloses is how many connections must have ended for a sustainable rate: fewer say
// too little about how long an open takes its port.
const enoughCloses = 10

// addForecast says when the space will be full, and what rate it can sustain. The rate that
// the forecast uses is the one that the row shows.
func (b *spaceRows) addForecast(row *spaceRow) {
	row.Expiring = row.view.Expiring(b.now)
	net := b.table.Netns(row.Netns)
	in := forecast.Inputs{
		Occupancy: row.Occupancy, MaxBuckets: max(row.TimeWait+int(net.BucketRoom()), 1),
		Load:      forecast.Load{BucketLife: row.view.TimeWaitLife(), Expiring: row.Expiring},
		BoundRate: row.view.Binds().BoundGrowth(b.now),
	}
	lives := forecast.BucketLives{TimeWait: in.BucketLife, Owned: net.BucketLife()}
	lives.FinWait2, lives.Least = row.view.FinWait2Life()
	var rate forecast.Rate
	if row.flow != nil {
		rate = row.flow.Rate(b.now)
		in.Load = row.flow.Load(&rate, lives, b.now)
		in.Expiring, in.Watched, in.Few = row.Expiring, rate.Watched, rate.Few
	}
	if rate.Known {
		row.OpenRate = rate.Mean
		row.Wanted = row.OpenRate + row.ExhaustionRate
	}
	in.Wanted = row.Wanted
	if in.Elsewhere = b.boundElsewhere(row, &in.Load); in.Elsewhere != nil {
		in.Expiring = without(in.Expiring, in.Elsewhere.Expiring)
	}
	b.addSustainable(row, &in)
	row.Textbook = float64(row.Capacity) / net.TimeWaitLength().Seconds()
	switch {
	case row.IsFull():
	case b.world.Signals.Off(event.SignalStates):
		return // no open is seen, so neither is that a space fills
	case !rate.Known && in.BoundRate <= 0 && (in.Elsewhere == nil || in.Elsewhere.Rate <= 0):
		return
	}
	row.Forecast = in.Forecast()
}

// addSustainable says what rate the space can sustain: by the rule of thumb until enough
// connections have ended, so that what is wanted can be compared from the first second on.
func (b *spaceRows) addSustainable(row *spaceRow, in *forecast.Inputs) {
	switch {
	case in.Closed >= enoughCloses:
		row.Sustainable = in.Sustainable()
	case row.flow != nil && row.Wanted > 0:
		row.Sustainable = in.Rough(b.now.Sub(row.flow.First))
		row.SustainableRough = row.Sustainable > 0
	}
}

// addBindSustainable says what rate a bind space can sustain by the rule of thumb, if TIME_WAIT
// takes most of its ports: how long each is held is known of connect spaces only.
func (b *spaceRows) addBindSustainable(row *spaceRow) {
	if row.Proto != event.TCP || row.Capacity <= 0 {
		return
	}
	row.Textbook = float64(row.Capacity) / row.TimeWaitLength.Seconds()
	if row.Wanted > 0 && row.TimeWait > row.Live+row.Bound {
		row.Sustainable, row.SustainableRough = row.Textbook, true
	}
}

// earlyPorts are the ports of connections whose port a bind() owns, and how they are used. No
// connect() of the namespace can take them, towards whatever destination.
type earlyPorts struct {
	open     int
	expiring []int // buckets, by the seconds until they expire
	rate     forecast.Rate
	load     forecast.Load
}

// earlyPorts returns those of a namespace, nil if none are opened there.
func (b *spaceRows) earlyPorts(netns uint32) *earlyPorts {
	usage := b.flows.early[netns]
	if usage == nil {
		return nil
	}
	if known := b.early[netns]; known != nil {
		return known
	}
	p := &earlyPorts{rate: usage.Rate(b.now)}
	life := b.table.Netns(netns).BucketLife()
	p.load = usage.Load(&p.rate, forecast.BucketLives{TimeWait: life, Owned: life, FinWait2: life, Least: life}, b.now)
	b.table.Each(func(s *portspace.Space) {
		if s.Netns == netns {
			p.addSpace(s.All(), b.now, 1)
		}
	})
	b.early[netns] = p
	return p
}

// addSpace adds the ports of a space n times, -1 takes them away.
func (p *earlyPorts) addSpace(v portspace.View, now event.Time, n int) {
	for port, socket := range v.Each() {
		switch {
		case !socket.Flags.Has(event.OwnedByBind) || !v.Holds(port):
		case socket.State != event.StateTimeWait:
			p.open += n
		default:
			in := int(max(socket.Expiry.Sub(now).Seconds(), 0))
			for len(p.expiring) <= in {
				p.expiring = append(p.expiring, 0)
			}
			p.expiring[in] += n
		}
	}
}

// boundElsewhere returns how connections of other spaces take ports by bind(), nil if they do
// not. own is how the space itself is used.
func (b *spaceRows) boundElsewhere(row *spaceRow, own *forecast.Load) *forecast.Load {
	all := b.earlyPorts(row.Netns)
	if all == nil {
		return nil
	}
	rest := earlyPorts{open: all.open, expiring: append([]int(nil), all.expiring...)}
	rest.addSpace(row.view, b.now, -1)
	l := all.load
	if row.flow != nil && l.Rate > 0 {
		part := max(1-row.flow.EarlyShare()*own.Rate/l.Rate, 0)
		if part < sharedRate {
			part = 0
		}
		l.Rate, l.LowRate, l.HighRate, l.Rise = part*l.Rate, part*l.LowRate, part*l.HighRate, part*l.Rise
		l.RiseError *= part
	}
	l.Open, l.Draining, l.Expiring = rest.open, min(l.Draining, rest.open), rest.expiring
	for _, n := range rest.expiring {
		l.Buckets += n
	}
	return &l
}

// without returns the buckets that expire in each second without the others among them.
func without(all, others []int) []int {
	rest := append([]int(nil), all...)
	for i, n := range others[:min(len(others), len(rest))] {
		rest[i] = max(rest[i]-n, 0)
	}
	return rest
}

// sharedRate is the least share of all early bound opens that makes a difference: the rates
// of a space and of its namespace can be over different windows.
const sharedRate = 0.05
