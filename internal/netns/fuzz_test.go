package netns

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io"
	"maps"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/porttrace/porttrace/internal/event"
)

// FuzzAddrSet has any text for /proc/net/fib_trie and if_inet6.
func FuzzAddrSet(f *testing.F) {
	f.Add(fibTrie)
	f.Add(ifInet6)
	f.Add("Local:\n   /32 host LOCAL\n |-- x\n /99 a LOCAL\n")
	f.Fuzz(func(t *testing.T, file string) {
		set := addrSet{single: make(map[netip.Addr]bool)}
		_ = set.addV4(strings.NewReader(file))
		_ = set.addV6(strings.NewReader(file))
		for _, p := range set.ranges {
			if !p.IsValid() {
				t.Errorf("range %v", p)
			}
		}
		for _, addr := range slices.Collect(maps.Keys(set.single)) {
			if !set.has(addr) {
				t.Errorf("%v was read, and bind() does not accept it", addr)
			}
		}
	})
}

// FuzzParseSockets has any text for /proc/net/tcp: what is read of a line is what a kernel would write
// as the same line, and the listeners are the same by both parsers.
func FuzzParseSockets(f *testing.F) {
	f.Add(tcpFile)
	f.Add(tcp6File)
	f.Fuzz(func(t *testing.T, file string) {
		var sockets []socketLine
		err := parseSockets(strings.NewReader(file), func(s *socketLine) { sockets = append(sockets, *s) })
		for _, s := range sockets {
			again, err := parseSocket(strings.Fields(asKernel(&s)))
			if err != nil || again != s {
				t.Errorf("%+v is written as %s, and read as %+v, %v", s, asKernel(&s), again, err)
			}
		}
		listening := map[uint64]uint16{}
		if parseListeners(strings.NewReader(file), func(socket uint64, port uint16) { listening[socket] = port }) != nil || err != nil {
			return
		}
		for socket, port := range listening {
			same := func(s socketLine) bool { return s.inode == socket && s.local.Port == port && s.state == 10 }
			if !slices.ContainsFunc(sockets, same) {
				t.Errorf("the socket %d listens on %d, and is not in the list", socket, port)
			}
		}
	})
}

// asKernel is get_tcp4_sock() of net/ipv4/tcp_ipv4.c, and of tcp_ipv6.c, as far as lines are read.
func asKernel(s *socketLine) string {
	address := func(e event.Endpoint) string {
		raw := e.Addr[:]
		if !s.v6 {
			raw = raw[12:]
		}
		var words []byte
		for at := 0; at < len(raw); at += 4 {
			words = binary.BigEndian.AppendUint32(words, binary.NativeEndian.Uint32(raw[at:]))
		}
		return fmt.Sprintf("%X:%04X", words, e.Port)
	}
	ticks := uint64(s.left / (time.Second / event.TicksPerSecond))
	return fmt.Sprintf("0: %s %s %02X 0:0 %02X:%08X 0 0 0 %d", address(s.local), address(s.remote), s.state, s.timer, ticks, s.inode)
}

// FuzzCounts has any text for the files of counts. No count is negative, the counts of processors are
// added up, and what is in another section does not matter.
func FuzzCounts(f *testing.F) {
	for _, pattern := range []string{"testdata/*/*", "testdata/*/stat/*"} {
		files, _ := filepath.Glob(pattern)
		for _, name := range files {
			if text, err := os.ReadFile(name); err == nil {
				f.Add(string(text))
			}
		}
	}
	f.Add("net:[4026531833]")
	f.Fuzz(func(t *testing.T, file string) {
		if inode, err := parseLink(file); err == nil {
			if again, err := parseLink(fmt.Sprintf("net:[%d]", inode)); err != nil || again != inode {
				t.Errorf("%q is namespace %d, which is read as %d, %v", file, inode, again, err)
			}
		}
		if n, err := parseTimeWait(strings.NewReader(file)); err == nil && n < 0 {
			t.Errorf("%d buckets", n)
		}
		for _, protocol := range []string{"UDP:", "UDP6:"} {
			if n, err := parseInUse(strings.NewReader(file), protocol); err == nil && n < 0 {
				t.Errorf("%s %d sockets", protocol, n)
			}
		}
		checkSections(t, file)
		checkConntrackStat(t, file)
	})
}

func checkSections(t *testing.T, file string) {
	t.Helper()
	for _, section := range []string{"TcpExt:", "Tcp:"} {
		read := func(text string) (c event.NetnsCounts, err error) {
			return c, parseCounters(strings.NewReader(text), section, counterFields(section, &c))
		}
		counts, err := read(file)
		if behind, err2 := read("Other: TW AttemptFails\nOther: 1 2\n" + file); behind != counts || (err == nil) != (err2 == nil) {
			t.Errorf("%s is %+v, %v; behind another section %+v, %v", section, counts, err, behind, err2)
		}
	}
}

func checkConntrackStat(t *testing.T, file string) {
	t.Helper()
	head, processors, _ := strings.Cut(file, "\n")
	once, err := parseConntrackStat(strings.NewReader(file))
	if err != nil || strings.Contains(head, "\r") {
		return
	}
	twice, err := parseConntrackStat(strings.NewReader(head + "\n" + processors + "\n" + processors))
	if err != nil || twice.Entries != once.Entries || twice.Drops.Known() != once.Drops.Known() ||
		twice.Drops.Value() != 2*once.Drops.Value() {
		t.Errorf("of each processor two lines: %+v, %v; one: %+v", twice, err, once)
	}
}

// FuzzNetfilter has any bytes for an answer of nfnetlink. Attributes lie one behind the other in it.
func FuzzNetfilter(f *testing.F) {
	for _, answer := range answersOf(f, "nfnetlink.hex") {
		f.Add(answer)
	}
	f.Fuzz(func(t *testing.T, datagram []byte) {
		var stats event.Conntrack
		bodies := 0
		err := eachMessage(datagram, func(_, _ uint16, body []byte) error {
			bodies += nlHeaderLen + len(body)
			isSourceNAT(body)
			addConntrackStats(&stats, body)
			inside := 0
			for _, value := range attributes(body) {
				inside += 4 + len(value)
			}
			if inside > len(body) {
				t.Errorf("attributes of %d bytes in %d", inside, len(body))
			}
			return nil
		})
		if bodies > len(datagram) || err == nil && len(datagram) >= nlHeaderLen && bodies == 0 {
			t.Errorf("messages of %d bytes in %d, %v", bodies, len(datagram), err)
		}
	})
}

// answersOf returns the datagrams of a file: hexadecimal digits, each in lines of their own, with an
// empty one between two.
func answersOf(tb testing.TB, name string) (list [][]byte) {
	tb.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		tb.Fatal(err)
	}
	for part := range strings.SplitSeq(string(text), "\n\n") {
		answer, err := io.ReadAll(hex.NewDecoder(bytes.NewReader([]byte(strings.ReplaceAll(part, "\n", "")))))
		if err != nil {
			tb.Fatal(err)
		}
		list = append(list, answer)
	}
	return list
}
