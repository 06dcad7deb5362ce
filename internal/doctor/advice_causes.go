package doctor

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/phrase"
)

const (
	// conntrackEntry is what an entry costs, struct nf_conn and its extensions (nf_conntrack of
	// /proc/slabinfo), in bytes.
	conntrackEntry = 320
	nothingChanged = "None: it changes nothing."
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
		return []Advice{find, ending, t.restart()}
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

// dst returns the filter of ss for the remote end, with a blank before it.
func (t *trouble) dst() string {
	if r := t.remote(); r.Known() {
		return " dst " + r.String()
	}
	return ""
}

// adviseEarlyBind is for ports that a bind() takes: they are lost to all remote ends.
func (t *trouble) adviseEarlyBind() []Advice {
	late := t.bindLate()
	ports := t.rangeAdvice()
	ports.Safety = max(ports.Safety, late.Safety) // more ports do not end the cause: not before what does
	return []Advice{late, ports, t.keepAlive()}
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

// adviseHalfOpen is for a peer that does not answer.
func (t *trouble) adviseHalfOpen() []Advice {
	r := t.remote()
	address := "<address>"
	if r.Known() {
		address = r.Addr.String()
	}
	show := Advice{
		Action:  fmt.Sprintf("Find out where the SYNs to %s end: the route, and the connections without an answer", t.remoteWord()),
		Command: lines(t.enter()+"ip route get "+address, t.enter()+"ss -Htnpo state syn-sent"+t.dst()),
		Risk:    nothingChanged,
	}
	fix := Advice{
		Action: "Check the firewalls on the way (a rule that drops, and does not reject), the security group, and whether the server runs and is not overloaded",
		Command: lines(t.enter()+"nstat -az TcpExtTCPSynRetrans TcpAttemptFails   # SYNs sent again, and connects that failed",
			t.enter()+"nft list ruleset   # or iptables-save",
			"# if tcpdump is installed:",
			t.enter()+"tcpdump -c 20 -ni any host "+address+" and 'tcp[tcpflags] & (tcp-syn|tcp-rst) != 0'"),
		Risk: nothingChanged,
	}
	limit := Advice{
		Action: fmt.Sprintf("Until it answers: have %s try less often, with a timeout and a growing pause; each SYN without an answer holds a port", t.name()),
		Undo:   changesCode, Risk: "A peer that comes back is noticed later.", Safety: CheckFirst,
	}
	return []Advice{show, fix, limit}
}

// adviseBuckets is for buckets that tcp_max_tw_buckets has refused.
func (t *trouble) adviseBuckets() []Advice {
	n := t.plan.buckets
	if n == 0 || t.plan.MaxTimeWait >= int64(n) {
		return []Advice{t.keepAlive()}
	}
	return []Advice{t.set(Advice{
		Action: fmt.Sprintf("Allow %s TIME_WAIT buckets (now %s): connections that find no room skip TIME_WAIT", phrase.Grouped(n), phrase.Grouped(t.plan.MaxTimeWait)),
		Risk:   fmt.Sprintf("Up to %s of kernel memory, 256 bytes a bucket. More ports are in TIME_WAIT then.", bytes(n*256)),
		Safety: CheckFirst,
	}, setting{keyBuckets, fmt.Sprint(n), fmt.Sprint(t.plan.MaxTimeWait)}), t.keepAlive()}
}

// adviseInbound is for TIME_WAIT that takes no ephemeral port.
func (t *trouble) adviseInbound() []Advice {
	return []Advice{{
		Action: "Change nothing: the TIME_WAIT are of accepted connections. They share the port of the listener and take no port of the range",
		Risk:   "None.",
	}}
}

// adviseListener is for an accept queue that was full.
func (t *trouble) adviseListener() []Advice {
	port := t.listenPort()
	filter, word := "", "the listener"
	if port != 0 {
		filter, word = fmt.Sprintf(" 'sport = :%d'", port), fmt.Sprintf("port %d", port)
	}
	show := Advice{
		Action:  fmt.Sprintf("See the accept queue of %s: Recv-Q is its length, Send-Q its limit", word),
		Command: lines(t.enter()+"ss -Hltnp"+filter, t.enter()+"sysctl net.core.somaxconn"),
		Risk:    nothingChanged,
	}
	backlog := Advice{
		Action: fmt.Sprintf("Have %s accept faster (more workers, no work between accept() calls), and pass a greater backlog to listen(): 4096. nginx: listen ... backlog=4096; "+
			"HAProxy: backlog 4096; Go, Node and Redis take somaxconn or have a knob", t.name()),
		Undo: changesCode, Risk: "Clients wait longer in a longer queue: it absorbs bursts, and no lasting overload.", Safety: CheckFirst,
	}
	limit := t.set(Advice{
		Action: "Raise the limit of all backlogs, if it is below 4096; the program must call listen() again, so restart it",
		Risk:   "Little: a waiting connection costs some kernel memory.", Safety: CheckFirst,
	}, setting{"net.core.somaxconn", "4096", "<value before, see above>"})
	return []Advice{show, backlog, limit}
}

// adviseNoIPv6 is for connects over IPv6 on a host without an address for it.
func (t *trouble) adviseNoIPv6() []Advice {
	return []Advice{
		{
			Action:  "See whether the host has IPv6: an address that is not fe80::, and a default route",
			Command: lines(t.enter()+"ip -6 -br addr", t.enter()+"ip -6 route show default", t.enter()+"sysctl net.ipv6.conf.all.disable_ipv6"),
			Risk:    nothingChanged,
		},
		{
			Action:  fmt.Sprintf("If it shall have none: have %s use IPv4 only, or getaddrinfo() prefer it", t.name()),
			Command: "echo 'precedence ::ffff:0:0/96 100' >> /etc/gai.conf",
			Undo:    `sed -i '\|^precedence ::ffff:0:0/96 100$|d' /etc/gai.conf`,
			Risk:    "Every program of the host that uses getaddrinfo() prefers IPv4 then; programs written in Go have a resolver of their own.",
			Safety:  CheckFirst,
		},
	}
}

// adviseAddress is for bind() to an address that the host does not have.
func (t *trouble) adviseAddress() []Advice {
	local := t.Subject.Local
	if local == (event.Addr{}) {
		for i := range t.snap.Failures {
			if f := &t.snap.Failures[i]; f.Reason == event.ForeignAddress && f.Netns == t.plan.Inode {
				local = f.Target.Addr
				break
			}
		}
	}
	bits := 128
	if local.Is4() {
		bits = 32
	}
	address := fmt.Sprintf("%s/%d", local, bits)
	advice := []Advice{
		{
			Action:  fmt.Sprintf("See the addresses of the host: %s binds to %s, which is not among them", t.name(), local),
			Command: t.enter() + "ip -br addr",
			Risk:    nothingChanged,
		},
		{
			Action:  "If the address in the configuration of the program is right, add it",
			Command: t.enter() + "ip addr add " + address + " dev <interface>",
			Undo:    t.enter() + "ip addr del " + address + " dev <interface>",
			Risk:    "If another host has the address, both lose connections.",
			Safety:  CheckFirst,
		},
	}
	if b := t.plan.NonlocalBind; b.Known() && b.Value() == 0 && local.Is4() {
		advice = append(advice, t.set(Advice{
			Action: "If the address comes later (VRRP, keepalived): allow bind() before it is there",
			Risk:   "bind() to a wrong address is no longer refused.", Safety: CheckFirst,
		}, setting{"net.ipv4.ip_nonlocal_bind", "1", "0"}))
	}
	return advice
}

// adviseTuple is for a connect() from a fixed port whose 4-tuple is in use.
func (t *trouble) adviseTuple() []Advice {
	until := ""
	if h := t.heldBy(event.TupleTaken); h != nil && h.FreeIn > 0 {
		until = " (the one in the way is free in " + phrase.Spelled(h.FreeIn) + ")"
	}
	return []Advice{
		{
			Action:  "See which connection has the same two ends",
			Command: t.enter() + "ss -Htanpo" + t.dst(),
			Risk:    nothingChanged,
		},
		{
			Action: fmt.Sprintf("Have %s not bind to a fixed local port before connect(): two connections from one port to one remote end cannot be at the same time%s", t.name(), until),
			Undo:   changesCode, Risk: "A firewall that expects the fixed port must allow the port range.", Safety: CheckFirst,
		},
	}
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
