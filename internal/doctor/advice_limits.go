package doctor

import (
	"fmt"

	"github.com/porttrace/porttrace/internal/phrase"
)

const (
	// conntrackEntry is what an entry costs, struct nf_conn and its extensions (nf_conntrack of
	// /proc/slabinfo), in bytes.
	conntrackEntry = 320
	keyConntrack   = "net.netfilter.nf_conntrack_max"
	// conntrackStep is to what multiple the number of entries is rounded.
	conntrackStep = 65536
	pageSize      = 4096 // of amd64, and of arm64 mostly
)

// adviseConntrack is for a table of connections that is full.
func (t *trouble) adviseConntrack() []Advice {
	peak, limit := max(t.plan.Counted.Conntrack.Entries.Value(), t.plan.Counts.Conntrack.Entries.Value()), t.plan.Counts.Conntrack.Max.Value()
	advice := []Advice{{
		Action:  "See which states and peers fill the table",
		Command: t.enter() + "conntrack -L 2>/dev/null | awk '$1==\"tcp\"{print $4}' | sort | uniq -c | sort -rn",
		Risk:    nothingChanged,
	}}
	if n := max(2*peak, 2*limit); limit > 0 {
		n = (n + conntrackStep - 1) / conntrackStep * conntrackStep
		advice = append(advice, setHost(Advice{
			Action: fmt.Sprintf("Allow %s entries (now %s, highest seen %s). The limit is set on the host and holds for each namespace",
				phrase.Grouped(n), phrase.Grouped(limit), phrase.Grouped(peak)),
			Risk: fmt.Sprintf("Up to %s of kernel memory that cannot be swapped, about %d bytes an entry. With many entries in a bucket look-ups take longer: "+
				"see nf_conntrack_buckets.", bytes(n*conntrackEntry), conntrackEntry),
			Safety: CheckFirst,
		}, setting{keyConntrack, fmt.Sprint(n), fmt.Sprint(limit)}))
	}
	advice = append(advice, t.set(Advice{
		Action: "Keep entries of closed connections for 60 s, not for 120 s (the default): TIME_WAIT itself lasts no longer",
		Risk:   "A segment that comes later than that is not recognised, and is dropped by stateful rules.",
		Safety: CheckFirst,
	}, setting{"net.netfilter.nf_conntrack_tcp_timeout_time_wait", "60", "120"}), t.keepAlive())
	return advice
}

// natPorts is how many ports a translation without a range of its own has towards a remote end: those from
// 1024 on (nf_nat_l4proto_unique_tuple, net/netfilter/nf_nat_core.c, Linux 6.18).
const natPorts = 64_512

// adviseSNAT is for a translation that finds no free port: those of the sockets do not matter.
func (t *trouble) adviseSNAT() []Advice {
	in := t.enter()
	nft := in + "nft replace rule <family> <table> <chain> handle <handle> <matches of the rule> "
	iptables := in + "iptables -t nat -R POSTROUTING <number of the rule> <matches of the rule> -j "
	const (
		either = "The first line is for a rule of nftables, the second for one of iptables. "
		wrong  = "A wrong handle or number replaces another rule. Tools that own the rules (kube-proxy, Docker) put theirs back."
	)
	return []Advice{
		{
			Action: "See the failed inserts (insert_failed), how many entries go to one remote end, and the rules",
			Command: lines(in+"conntrack -S", in+"conntrack -L 2>/dev/null | grep -c 'dst="+t.remoteAddress()+" '",
				in+"nft -a list ruleset | grep -E 'chain|masquerade|snat'", in+"iptables -t nat -nL POSTROUTING --line-numbers"),
			Risk: nothingChanged,
		},
		{
			Action: fmt.Sprintf("If the rule limits the ports (masquerade to :<low>-<high>, --to-ports), widen that or leave it out: without it there are %s towards each remote end, tried at random",
				phrase.Grouped(natPorts)),
			Command: lines(nft+"masquerade fully-random", iptables+"MASQUERADE --random-fully"),
			Undo:    lines(nft+"masquerade to :<low>-<high>", iptables+"MASQUERADE --to-ports <low>-<high>"),
			Risk:    either + wrong,
			Safety:  CheckFirst,
		},
		{
			Action:  "Translate to more addresses: each has its own ports towards a remote end",
			Command: lines(nft+"snat to <first address>-<last address> fully-random", iptables+"SNAT --to-source <first address>-<last address> --random-fully"),
			Undo:    lines(nft+"snat to <first address>", iptables+"SNAT --to-source <first address>"),
			Risk:    either + "The addresses must be routed to this host. Peers that know clients by address see several. " + wrong,
			Safety:  CheckFirst,
		},
		t.keepAlive(),
	}
}

func (t *trouble) remoteAddress() string {
	if r := t.remote(); r.Known() {
		return r.Addr.String()
	}
	return "<address>"
}

// adviseMemory is for connections that were ended for lack of memory, or as orphans.
func (t *trouble) adviseMemory() []Advice {
	advice := []Advice{{
		Action:  "See how much memory TCP has, and what its buffers hold",
		Command: lines("cat /proc/net/sockstat", t.enter()+"ss -Htnm | sort -k2 -rn | head"),
		Risk:    nothingChanged,
	}}
	orphans, most := max(t.plan.Counted.Orphans.Value(), t.plan.Counts.Orphans.Value()), t.plan.MaxOrphans.Value()
	if most > 0 && 2*orphans > most {
		n := powerOfTwo(float64(2 * most))
		advice = append(advice, setHost(Advice{
			Action: fmt.Sprintf("Allow %s orphans (now %s, highest seen %s): sockets that a program has closed and that still send", phrase.Grouped(n), phrase.Grouped(most), phrase.Grouped(orphans)),
			Risk:   fmt.Sprintf("Up to 64 KiB of kernel memory for each, %s in all.", bytes(n*65536)),
			Safety: CheckFirst,
		}, setting{"net.ipv4.tcp_max_orphans", fmt.Sprint(n), fmt.Sprint(most)}))
	}
	mem, peak := t.plan.TCPMem, max(t.plan.Counted.MemPages.Value(), t.plan.Counts.MemPages.Value())
	if mem[2] > 0 && 2*peak > mem[2] {
		low, pressure, high := 2*mem[0], 2*mem[1], 2*mem[2]
		advice = append(advice, setHost(Advice{
			Action: fmt.Sprintf("Allow TCP %s pages of memory (now %s, highest seen %s)", phrase.Grouped(high), phrase.Grouped(mem[2]), phrase.Grouped(peak)),
			Risk:   fmt.Sprintf("Up to %s of kernel memory that cannot be swapped: see that the host has it to spare (free -m).", bytes(high*pageSize)),
			Safety: CheckFirst,
		}, setting{"net.ipv4.tcp_mem", fmt.Sprintf("%d %d %d", low, pressure, high), fmt.Sprintf("%d %d %d", mem[0], mem[1], mem[2])}))
	}
	return append(advice, Advice{
		Action: fmt.Sprintf("Have %s read what has come, and close connections that the peer does not read from: full buffers are the memory", t.name()),
		Undo:   changesCode, Risk: "A slow peer loses its connection.", Safety: CheckFirst,
	})
}

// bytes returns an amount of memory.
func bytes(n uint64) string {
	switch {
	case n >= 10<<30:
		return fmt.Sprintf("%d GiB", n>>30)
	case n >= 1<<20:
		return fmt.Sprintf("%d MiB", n>>20)
	}
	return fmt.Sprintf("%d KiB", n>>10)
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
