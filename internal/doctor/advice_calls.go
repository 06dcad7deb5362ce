package doctor

import (
	"fmt"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/phrase"
)

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
