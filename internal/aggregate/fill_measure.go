package aggregate

import (
	"math"
	"time"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/history"
	"github.com/porttrace/porttrace/internal/portspace"
	"github.com/porttrace/porttrace/internal/snapshot"
)

// Advance must be called before the table takes in an event, with the event's time: it measures
// how full the port spaces were at the end of each second that is over by then. It moves the
// table's time on, always to the end of a second first, so that what is measured depends on the
// events alone and not on the snapshots between them, if no event comes later than lateness.
func (s *State) Advance(to event.Time) {
	s.endSeconds(&s.fills, to)
	s.fills.second = max(s.fills.second, history.SecondOf(to))
}

// lateness is how much older than a snapshot an event can be that comes after it: batches are
// shorter than two seconds, and an event is late by one at most.
const lateness = 3 * time.Second

// fillsAt returns the histories up to a moment without an event. The newest seconds are not kept: an
// event of theirs may still come. Those before are, as the table does not go back to them.
func (s *State) fillsAt(at event.Time) *fills {
	if s.fills.second != 0 {
		s.Advance(at.Add(-lateness))
	}
	if s.fills.second == 0 || s.fills.second >= history.SecondOf(at) {
		return &s.fills
	}
	s.ahead = s.fills.clone()
	defer func() { s.ahead = nil }()
	s.endSeconds(s.ahead, at)
	return s.ahead
}

// endSeconds measures at the end of each second that is over. After a long silence the oldest
// are left out.
func (s *State) endSeconds(f *fills, to event.Time) {
	if f.second == 0 {
		return
	}
	f.second = max(f.second, history.SecondOf(to)-snapshot.HistorySeconds)
	for f.second < history.SecondOf(to) {
		end := event.Time((f.second + 1) * int64(time.Second))
		s.table.Advance(end)
		s.advance(end)
		f.add(s.measure(f, end))
	}
}

// measurement is that of one moment.
type measurement struct {
	*State
	secondEnd
	fills *fills
	at    event.Time
}

func (s *State) measure(f *fills, at event.Time) *secondEnd {
	m := &measurement{State: s, fills: f, at: at, secondEnd: secondEnd{
		points: map[fillKey]snapshot.FillPoint{}, failing: map[fillKey]bool{},
	}}
	m.connectSpaces()
	m.bindSpaces()
	m.udpSpaces()
	// Sockets from before the start are not known until the first scan.
	known := at.Sub(s.started) >= firstScan || s.scanned
	m.worst.Known = known
	if known {
		m.sockets = s.socketPoint()
	}
	return &m.secondEnd
}

// connectSpaces measures all that are noticeable or may be the fullest. The others cost little.
func (m *measurement) connectSpaces() {
	m.table.Each(func(space *portspace.Space) {
		view := space.All()
		if m.matters(view) {
			id := flowID{ID: space.ID}
			if flow := m.flows.byID[id]; flow != nil || space.Allocates() {
				m.connectSpace(id, view, flow)
			}
		}
	})
	for id, flow := range m.flows.byID {
		if !id.Remote.Known() {
			continue
		}
		if m.failedNow(flow.lastExhausted) {
			m.connectSpace(id, m.table.Find(id.ID).Own(id.ports), flow)
		} else if id.ports.Known() || m.ownedMatters(&id.ID) {
			if view := m.table.Find(id.ID).Own(id.ports); m.matters(view) {
				m.connectSpace(id, view, flow)
			}
		}
	}
	for key := range m.fills.byKey {
		if _, done := m.points[key]; !done && !key.udp && key.Remote.Known() {
			m.connectSpace(key.flowID, m.table.Find(key.ID).Own(key.ports), m.flows.byID[key.flowID])
		}
	}
}

// matters reports whether the space can be noticeable or the fullest.
func (m *measurement) matters(view portspace.View) bool {
	most, capacity := view.AtMost(), view.Capacity()
	return capacity > 0 && (isNoticeable(most, capacity) || float64(most) > m.worst.Share*float64(capacity))
}

// ownedMatters reports the same of a space without sockets: what a bind() owns is not free there,
// either.
func (m *measurement) ownedMatters(id *portspace.ID) bool {
	n := m.table.Netns(id.Netns)
	owned := n.Binds(id.Device).Owned()
	return isNoticeable(owned, n.Capacity()) || float64(owned) > m.worst.Share*float64(n.Capacity())
}

func (m *measurement) connectSpace(id flowID, view portspace.View, flow *flow) {
	if !m.flows.shows(id.ID, flow) {
		return
	}
	m.note(fillKey{flowID: id}, view.Occupancy(m.at), true, flow != nil && m.failedNow(flow.lastExhausted))
}

// bindSpaces measures those that have rows, and those whose history is kept.
func (m *measurement) bindSpaces() {
	all := m.bindIDs()
	for key := range m.fills.byKey {
		if !key.udp && !key.Remote.Known() {
			all[key.flowID] = m.flows.byID[key.flowID]
		}
	}
	var ids []flowID
	var asked []portspace.BindID
	for id, flow := range all {
		n := m.table.Netns(id.Netns)
		known := m.fills.byKey[fillKey{flowID: id}] != nil
		if m.flows.shows(id.ID, flow) && (known || flow != nil || isNoticeable(m.table.Known(id.Netns), n.Capacity())) {
			ids = append(ids, id)
			asked = append(asked, id.bindSpace())
		}
	}
	if len(ids) == 0 {
		return
	}
	for i, o := range m.table.BindOccupancies(asked) {
		flow := all[ids[i]]
		m.note(fillKey{flowID: ids[i]}, o, flow != nil && flow.exhausted > 0, flow != nil && m.failedNow(flow.lastExhausted))
	}
}

func (m *measurement) udpSpaces() {
	for _, space := range m.udp {
		o := m.udpOccupancy(space)
		key := fillKey{bindID(space.netns, 0, space.addr), true}
		if m.isListedUDP(space, &o) || m.fills.byKey[key] != nil {
			m.note(key, o, true, m.failedNow(space.lastExhausted))
		}
	}
}

// failedNow reports whether calls failed in the second that is over.
func (m *measurement) failedNow(last event.Time) bool {
	return last != 0 && m.at.Sub(last) <= time.Second
}

// note notes how full a space is. allocates says that programs allocate from it.
func (m *measurement) note(key fillKey, o event.Occupancy, allocates, failing bool) {
	if allocates {
		m.worst.Share = max(m.worst.Share, o.TakenShare())
	}
	if failing {
		m.failing[key] = true
	}
	if failing || isNoticeable(o.InUse(), o.Capacity) || m.fills.byKey[key] != nil {
		m.points[key] = snapshot.FillPoint{
			Capacity: ports(o.Capacity), InUse: ports(o.InUse()), TimeWait: ports(o.TimeWait), Reusable: ports(o.Reusable),
		}
	}
}

func ports(n int) uint16 { return uint16(min(max(n, 0), math.MaxUint16)) }

// socketPoint returns the gauges of the Totals of all that is selected.
func (s *State) socketPoint() snapshot.SocketPoint {
	g, total := s.table.Gauges(), &s.total.Totals
	gauge := func(n int64) uint32 { return uint32(min(max(n, 0), math.MaxUint32)) }
	return snapshot.SocketPoint{
		Known: true, Open: gauge(s.total.looseLive + int64(g.Live)), SynSent: gauge(total.SynSent + int64(g.SynSent)),
		CloseWait: gauge(total.CloseWait + int64(g.CloseWait)), TimeWait: gauge(total.TimeWaitOut + int64(g.TimeWait)),
	}
}
