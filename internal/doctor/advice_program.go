package doctor

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"github.com/porttrace/porttrace/internal/phrase"
)

// adviseLeak is for connections that are never closed: no setting helps, the program must.
func (t *trouble) adviseLeak() []Advice {
	state := "established"
	if t.Cause == CloseWaitLeak {
		state = "close-wait"
	}
	find := Advice{
		Action:  fmt.Sprintf("Find which connections %s does not close", t.name()),
		Command: t.enter() + "ss -Htnpo state " + state + t.dst(),
		Risk:    nothingChanged,
	}
	ending := t.closeThem()
	if !t.closingFallsShort() {
		return []Advice{find, ending, t.rangeIfMeant(ending.Safety), t.restart()}
	}
	return []Advice{find, ending, t.rangeOnceClosed(ending.Safety), t.keepAlive(), t.restart()}
}

func (t *trouble) closeThem() Advice {
	text := "Every path must close its connection, those of errors and timeouts first."
	if t.recipe.leak != "" {
		text = t.recipe.leak
	}
	if t.recipe == other && t.proc.ID.Known() {
		text += " If it is written in Go: defer response.Body.Close() after each response, and rows.Close()."
	}
	a := Advice{
		Action: fmt.Sprintf("Have %s close its connections. %s", t.name(), text),
		Undo:   changesCode, Safety: CheckFirst,
		Risk: "A connection that another part still uses must not be closed.",
	}
	if t.use.rate > 0 {
		a.change = change{closes: true}
	}
	return a
}

// closingFallsShort reports whether closing alone leaves too many ports in TIME_WAIT. Those in
// CLOSE_WAIT leave none.
func (t *trouble) closingFallsShort() bool {
	held := t.use.wait + shortestLife
	return t.Cause == Leak && t.space != nil && t.use.rate*held.Seconds() > fullestShare*float64(t.space.Capacity-t.use.bound)
}

// rangeOnceClosed is the range of the plan. Without closing it only gains time.
func (t *trouble) rangeOnceClosed(least Safety) Advice {
	a := t.rangeAdvice()
	if a.Action != "" {
		a.Action = "Once it closes its connections: s" + a.Action[1:]
		a.Safety, a.change.closes = max(a.Safety, least), true
	}
	return a
}

// rangeIfMeant is the usual range in place of a narrow one that connections from before start fill, of which it is
// not known how they came: they can be a pool.
func (t *trouble) rangeIfMeant(least Safety) Advice {
	if t.Cause != Leak || t.space == nil || before(t.space)*2 <= t.space.Live || t.plan.Ports.Size() >= defaultRange.Size() {
		return Advice{}
	}
	t.plan.setUsualRange()
	a := t.rangeAdvice()
	if a.Action != "" {
		a.Action = "If as many as that are meant to stay open, as those of a pool: s" + a.Action[1:]
		a.Safety = max(a.Safety, least)
	}
	return a
}

// restart is the stopgap.
func (t *trouble) restart() Advice {
	if !t.proc.ID.Known() {
		return Advice{}
	}
	a := Advice{
		Action: fmt.Sprintf("Restart %s to gain time: it fills up again", t.name()),
		Risk: fmt.Sprintf("Its requests fail meanwhile. Ports of connections that it closes actively stay in TIME_WAIT for %s; those in CLOSE_WAIT are free at once.",
			phrase.Spelled(t.timeWait())),
		Undo:   "none",
		Safety: LastResort,
	}
	if t.Cause == UDPPorts {
		a.Risk = "Its requests fail meanwhile."
	}
	switch {
	case plainWord.MatchString(t.proc.Pod.Namespace()) && plainWord.MatchString(t.proc.Pod.Name()):
		a.Command = "kubectl -n " + t.proc.Pod.Namespace() + " delete pod " + t.proc.Pod.Name() + "   # its controller makes another one"
	case t.proc.Container != "":
		a.Command = "docker restart " + t.proc.Container[:min(len(t.proc.Container), 12)] + "   # or its pod: kubectl delete pod <pod>"
	case t.proc.Unit != "" && strings.HasSuffix(t.proc.Unit, ".service") && plainWord.MatchString(t.proc.Unit):
		a.Command = "systemctl restart " + t.proc.Unit
	default:
		a.Command = fmt.Sprintf("kill -TERM %d   # and start it again", t.proc.ID.PID)
	}
	return a
}

func (t *trouble) timeWait() time.Duration { return cmp.Or(t.plan.TimeWaitLength, usualTimeWait) }

// adviseEarlyBind is for ports that a bind() takes: they are lost to all remote ends.
func (t *trouble) adviseEarlyBind() []Advice {
	late := t.bindLate()
	ports := t.rangeAdvice()
	ports.Safety = max(ports.Safety, late.Safety)
	if t.plan.suffices && t.lateFallsShort() {
		return []Advice{ports, late, t.keepAlive()}
	}
	return []Advice{late, ports, t.keepAlive()} // more ports do not end the cause
}

// lateFallsShort reports whether the remote ends take more ports each than there are, also if connect()
// chooses them.
func (t *trouble) lateFallsShort() bool {
	u := t.earlyUsage()
	return t.space != nil && u.ends > 0 && u.rate*u.held()/float64(u.ends) > float64(t.space.Capacity-u.bound)
}

// bindLate leaves the choice of the port to connect(). What that does depends on how many remote
// ends there are: of sockets that are older than the trace it is not known.
func (t *trouble) bindLate() Advice {
	a := t.recipe.bindLate(t)
	if t.Cause == EarlyBind || t.space != nil && len(t.plan.endsOf(t.snap, t.space)) > 0 {
		a.change = change{late: true}
	}
	return a
}

// adviseUDP is for UDP sockets that take the ports of an address.
func (t *trouble) adviseUDP() []Advice {
	return []Advice{
		{
			Action:  "See which sockets have the UDP ports",
			Command: t.enter() + "ss -Huanp | awk '{print $NF}' | sort | uniq -c | sort -rn | head",
			Risk:    nothingChanged,
		},
		t.rangeAdvice(),
		{
			Action: fmt.Sprintf("Have %s use one UDP socket for many requests (a DNS resolver: one for each server and thread), and close those that time out", t.name()),
			Undo:   changesCode, Risk: "Random source ports protect DNS against forged answers: a resolver must not use one port for all.", Safety: CheckFirst,
		},
		t.restart(),
	}
}
