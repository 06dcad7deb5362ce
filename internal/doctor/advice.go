package doctor

import (
	"cmp"
	"slices"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/snapshot"
)

// advise adds to a finding what to change, in the order of risk, and what people wrongly do.
// It needs Cause and Subject. The effects are left to Effects, which takes longer.
func (pl *planner) advise(f *Finding) {
	if f.Cause == None {
		return
	}
	t := pl.newTrouble(f)
	if of := advisers[f.Cause]; of != nil {
		f.Advice = slices.DeleteFunc(of(t), func(a Advice) bool { return a.Action == "" })
	}
	for i := range f.Advice {
		a := &f.Advice[i]
		if a.Safety == Safe && hasPlaceholder(a.Command) {
			a.Safety = CheckFirst
		}
	}
	slices.SortStableFunc(f.Advice, func(a, b Advice) int { return cmp.Compare(a.Safety, b.Safety) })
	f.Wrong = t.wrong()
}

// nothingChanged is the risk of a command that only reads.
const nothingChanged = "None: it changes nothing."

// advisers are the functions that know what to do about a cause.
var advisers = map[Cause]func(*trouble) []Advice{
	Churn:                  (*trouble).adviseChurn,
	Burst:                  (*trouble).adviseBurst,
	SlowPortSearch:         (*trouble).adviseChurn,
	Leak:                   (*trouble).adviseLeak,
	CloseWaitLeak:          (*trouble).adviseLeak,
	EarlyBind:              (*trouble).adviseEarlyBind,
	OwnPorts:               (*trouble).adviseOwnPorts,
	HalfOpen:               (*trouble).adviseHalfOpen,
	NarrowRange:            (*trouble).adviseRange,
	ReservedRange:          (*trouble).adviseReservedRange,
	RangeOverlapsListeners: (*trouble).adviseReserve,
	TimeWaitOverflow:       (*trouble).adviseBuckets,
	ConntrackFull:          (*trouble).adviseConntrack,
	SNAT:                   (*trouble).adviseSNAT,
	FDLimit:                (*trouble).adviseFiles,
	TCPMemory:              (*trouble).adviseMemory,
	ListenOverflow:         (*trouble).adviseListener,
	InboundOnly:            (*trouble).adviseInbound,
	NoIPv6:                 (*trouble).adviseNoIPv6,
	ForeignAddress:         (*trouble).adviseAddress,
	TupleTaken:             (*trouble).adviseTuple,
	PortTaken:              (*trouble).advisePort,
	UDPPorts:               (*trouble).adviseUDP,
}

// trouble is a finding, and what its advice is computed from.
type trouble struct {
	*Finding
	snap   *snapshot.Snapshot
	plan   *plan
	space  *snapshot.PortSpace // the fullest that it is about, nil if none is
	use    usage               // of the space
	proc   event.Process       // the program to change; zero: not known
	row    *snapshot.Process   // its row, nil without one
	recipe *recipe
}

func (pl *planner) newTrouble(f *Finding) *trouble {
	s := pl.snap
	t := &trouble{Finding: f, snap: s, plan: pl.plan(netnsOf(s, &f.Subject))}
	if f.Cause != ListenOverflow {
		t.findSpace(pl)
	}
	t.findProcess(pl)
	if t.space != nil {
		t.use = t.plan.usageOf(s, t.space)
	}
	t.recipe = recipeOf(&t.proc)
	return t
}

// netnsOf returns the namespace of the subject: of a process, the one to whose destinations it
// connects.
func netnsOf(s *snapshot.Snapshot, about *Subject) uint32 {
	if about.Netns != 0 || !about.Proc.Known() {
		return about.Netns
	}
	for i := range s.Pairs {
		if p := &s.Pairs[i]; p.Proc == about.Proc && !p.NetnsGone {
			return p.Netns
		}
	}
	return 0
}

// findSpace finds the port space of the subject: of several, the one that failed, or has most
// taken.
func (t *trouble) findSpace(pl *planner) {
	consider := func(space *snapshot.PortSpace) {
		if t.isAbout(space) && (t.space == nil || t.isWorse(space)) {
			t.space = space
		}
	}
	if t.Subject.Remote.Known() && t.Cause != EarlyBind {
		for _, space := range pl.spacesTo(t.plan.Inode, t.Subject.Remote) {
			consider(space)
		}
		return
	}
	for i := range t.snap.PortSpaces {
		consider(&t.snap.PortSpaces[i])
	}
}

func (t *trouble) isWorse(space *snapshot.PortSpace) bool {
	if a, b := t.kindFits(space), t.kindFits(t.space); a != b {
		return a
	}
	return cmp.Or(cmp.Compare(space.Exhausted, t.space.Exhausted), cmp.Compare(space.Taken(), t.space.Taken())) > 0
}

// kindFits reports whether the space is of the kind that the cause is about.
func (t *trouble) kindFits(space *snapshot.PortSpace) bool {
	bind := t.Cause == EarlyBind || t.Cause == UDPPorts || t.Cause == NarrowRange && !t.Subject.Remote.Known()
	return (space.Kind == snapshot.BindSpace) == bind
}

func (t *trouble) isAbout(space *snapshot.PortSpace) bool {
	about := &t.Subject
	switch {
	case space.Netns != t.plan.Inode || space.NetnsGone:
		return false
	case about.Local != event.Addr{} && space.Local != about.Local && space.Local != event.Addr{}:
		return false
	case t.Cause == EarlyBind && space.Kind == snapshot.BindSpace:
		return true
	case about.Remote.Known():
		return space.Remote == about.Remote
	case about.Proc.Known():
		return slices.ContainsFunc(space.Holders, func(h snapshot.Holder) bool { return h.Proc.ID == about.Proc }) ||
			slices.ContainsFunc(space.Victims, func(v snapshot.Victim) bool { return v.Proc.ID == about.Proc })
	}
	return about.Local != event.Addr{}
}

// findProcess finds the program to change: the subject's, else the one that holds most ports,
// else the first victim.
func (t *trouble) findProcess(pl *planner) {
	id := t.Subject.Proc
	if !id.Known() && t.space != nil {
		for i := range t.space.Holders {
			if id = t.space.Holders[i].Proc.ID; id.Known() {
				break
			}
		}
	}
	if t.Cause == ListenOverflow && !id.Known() {
		t.proc = t.listener()
		return
	}
	if !id.Known() && len(t.Victims) > 0 {
		id = t.Victims[0].Proc.ID
	}
	if p := pl.process(id); p != nil {
		t.row, t.proc = p, p.Info
		return
	}
	t.proc = t.processOf(id)
}

// listener returns the process that listens at the port of the subject, as far as it is known.
func (t *trouble) listener() event.Process {
	for i := range t.plan.Listeners {
		if l := &t.plan.Listeners[i]; l.Local.Port == t.listenPort() {
			return l.Proc
		}
	}
	return event.Process{}
}

func (t *trouble) listenPort() uint16 { return cmp.Or(t.Subject.Port, t.Subject.Remote.Port) }

// processOf returns the facts of a process that has no row.
func (t *trouble) processOf(id event.ProcID) event.Process {
	if !id.Known() {
		return event.Process{ID: id}
	}
	for i := range t.snap.PortSpaces {
		space := &t.snap.PortSpaces[i]
		for j := range space.Holders {
			if space.Holders[j].Proc.ID == id {
				return space.Holders[j].Proc
			}
		}
	}
	for i := range t.snap.Failures {
		if f := &t.snap.Failures[i]; f.Proc.ID == id {
			return f.Proc
		}
	}
	for i := range t.Victims {
		if t.Victims[i].Proc.ID == id {
			return t.Victims[i].Proc
		}
	}
	return event.Process{ID: id}
}

// remote returns the remote end of the trouble, zero if it has none.
func (t *trouble) remote() event.Endpoint {
	if !t.Subject.Remote.Known() && t.space != nil && t.space.Kind == snapshot.ConnectSpace {
		return t.space.Remote
	}
	return t.Subject.Remote
}
