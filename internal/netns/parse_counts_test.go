package netns

import (
	"encoding/hex"
	"strings"
	"testing"

	"github.com/porttrace/porttrace/internal/event"
)

func TestParseCountsMalformed(t *testing.T) {
	t.Parallel()
	var c event.NetnsCounts
	for _, bad := range []string{"", "TcpExt: TW\n", "TcpExt: TW\nTcpExt: x\n", "TcpExt: TW\nTcpExt: -1\n", "TcpExt: TW\nTcpExt: 1 2\n", "Tcp: TW\nTcp: 1\n"} {
		if err := parseCounters(strings.NewReader(bad), "TcpExt:", counterFields("TcpExt:", &c)); err == nil {
			t.Errorf("netstat %q: no error", bad)
		}
	}
	for _, bad := range []string{"", "UDP: orphan 1\n", "TCP: orphan x\n"} {
		if err := parseSockstat(strings.NewReader(bad), sockstatFields(&c)); err == nil {
			t.Errorf("sockstat %q: no error", bad)
		}
	}
	for _, bad := range []string{"", "found drop\n1 2\n", "entries drop\n1 x\n"} {
		if got, err := parseConntrackStat(strings.NewReader(bad)); err == nil {
			t.Errorf("stat/nf_conntrack %q: %+v, no error", bad, got)
		}
	}
	if c != (event.NetnsCounts{}) {
		t.Errorf("something is known: %+v", c)
	}
}

// Counters of all processors are added up; entries is the same on each line.
func TestParseConntrackStat(t *testing.T) {
	t.Parallel()
	const file = "entries  searched found new invalid ignore delete delete_list insert insert_failed drop early_drop icmp_error  expect_new expect_create expect_delete search_restart\n" +
		"000000ff  00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000 0000000a 00000001 00000010 00000000  00000000 00000000 00000000 00000000\n" +
		"000000ff  00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000001 00000002 00000000 00000000  00000000 00000000 00000000 00000000\n"
	want := event.Conntrack{Entries: event.CounterOf(255), InsertFailed: event.CounterOf(11), Drops: event.CounterOf(3), EarlyDrops: event.CounterOf(16)}
	if got, err := parseConntrackStat(strings.NewReader(file)); err != nil || got != want {
		t.Errorf("got %+v, %v, want %+v", got, err, want)
	}
}

// Messages of netlink that a kernel or an attacker has cut short.
func TestNetfilterMessagesMalformed(t *testing.T) {
	t.Parallel()
	chain, err := hex.DecodeString(strings.ReplaceAll("02000001 14000480 08000100 00000004 08000200 00000064 08000600 00000001 08000700 6e617400", " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	if !isSourceNAT(chain) {
		t.Error("a chain with a rule is not found")
	}
	for i := range chain {
		if isSourceNAT(chain[:i]) {
			t.Errorf("found in the first %d bytes", i)
		}
		for _, b := range []byte{0, 1, 0xff} {
			other := append([]byte{}, chain...)
			other[i] = b
			isSourceNAT(other) // must not panic
			_, _ = readDump(other, func(body []byte) { addConntrackStats(&event.Conntrack{}, body) })
		}
	}
	for _, bad := range []string{"\x00", "\x01\x00\x00\x00" + strings.Repeat("\x00", 12), "\xff\xff\x00\x00" + strings.Repeat("\x00", 12)} {
		if _, err := readDump([]byte(bad), func([]byte) { t.Error("a message") }); err == nil && len(bad) >= nlHeaderLen {
			t.Errorf("%q: no error", bad)
		}
	}
}
