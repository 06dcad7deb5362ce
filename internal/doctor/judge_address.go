package doctor

import (
	"fmt"

	"github.com/porttrace/porttrace/internal/phrase"
)

// foreignAddress judges binds to an address that the namespace does not have.
func (j *judge) foreignAddress(g *calls) {
	ip := g.target.Addr.IP()
	if ip.Is6() && (ip.IsLoopback() || ip.IsUnspecified()) {
		j.withoutIPv6Loopback(g)
		return
	}
	f := g.finding(ForeignAddress, ip.String(), fmt.Sprintf("%s cannot bind to %s: the address is not one of the network namespace %s",
		g.who(), ip, j.netns(g.netns)))
	f.Subject.Local = g.target.Addr
	if n := j.s.Namespace(g.netns); n != nil && n.NonlocalBind.Known() {
		f.Evidence = append(f.Evidence, Evidence{
			Text: fmt.Sprintf("net.ipv4.ip_nonlocal_bind is %d", n.NonlocalBind.Value()), Value: float64(n.NonlocalBind.Value()), At: j.s.Wall,
		})
	}
	j.add(f)
}

// withoutIPv6Loopback judges a bind to ::1 on a host without IPv6: a server that listens on
// 127.0.0.1 as well is fine.
func (j *judge) withoutIPv6Loopback(g *calls) {
	f := g.finding(NoIPv6, "", fmt.Sprintf("%s cannot bind to %s: the network namespace %s has no IPv6", g.who(), g.target.Addr.IP(), j.netns(g.netns)))
	f.Severity = Info
	j.add(f)
}

// noIPv6 judges connects without an IPv6 source address. A client that tries IPv6 first and IPv4
// then is fine: it has connections.
func (j *judge) noIPv6(g *calls) {
	f := g.finding(NoIPv6, "", fmt.Sprintf("%s cannot connect to %s over IPv6: the network namespace %s has no IPv6 address to connect from",
		g.who(), phrase.Endpoint(g.Target), j.netns(g.netns)))
	f.Subject.Remote = g.Target
	if j.s.Wall.Sub(g.first) < seenAtLeast {
		f.Severity = Info // it may go on with IPv4
	}
	if opens := j.opensOf(g.program); opens > 0 {
		f.Severity = Info
		f.Evidence = append(f.Evidence, Evidence{
			Text: fmt.Sprintf("the program has opened %s: it does without IPv6", phrase.Plural(opens, "other connection")), Value: float64(opens), Unit: "connections", At: j.s.Wall,
		})
	}
	j.add(f)
}

// opensOf returns how many connections the processes of a program have opened.
func (j *judge) opensOf(name string) (n uint64) {
	for i := range j.s.Processes {
		if p := &j.s.Processes[i]; programOf(&p.Info) == name {
			n += p.Opens
		}
	}
	for i := range j.s.Past {
		if p := &j.s.Past[i]; programOfPast(&p.Identity) == name {
			n += p.Opens
		}
	}
	return n
}
