package netns

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/porttrace/porttrace/internal/event"
)

const tcpHead = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"

const tcpFile = tcpHead + `   0: 0100007F:0CEA 00000000:0000 0A 00000000:00000000 00:00000000 00000000   107        0 20567 1 0000000000000000 100 0 0 10 0
   1: 0100007F:0CEA 0100007F:9C40 03 00000000:00000000 01:00000063 00000000     0        0 0 1 0000000000000000
   2: 0201000A:9C40 6301000A:0050 06 00000000:00000000 03:00001770 00000000     0        0 0 3 0000000000000000
   3: 0201000A:9C41 6301000A:0050 05 00000000:00000000 03:000000C8 00000000     0        0 0 3 0000000000000000
`

const tcp6File = tcpHead + `   0: 000001FD000000000000000001000000:C350 000001FD000000000000000002000000:0050 01 00000000:00000000 00:00000000 00000000     0        0 77 1 0000000000000000 20 0 0 10 -1
   1: 0000000000000000FFFF00000201000A:C351 0000000000000000FFFF00006301000A:0050 01 00000000:00000000 00:00000000 00000000     0        0 78 1 0000000000000000 20 0 0 10 -1
`

func endpoint(text string) event.Endpoint {
	ap := netip.MustParseAddrPort(text)
	return event.Endpoint{Addr: event.AddrFrom(ap.Addr()), Port: ap.Port()}
}

func TestParseSockets(t *testing.T) {
	t.Parallel()
	want := []socketLine{
		{local: endpoint("127.0.0.1:3306"), remote: endpoint("0.0.0.0:0"), state: 10, inode: 20567},
		{local: endpoint("10.0.1.2:40000"), remote: endpoint("10.0.1.99:80"), state: 6, timer: 3, left: time.Minute},
		{local: endpoint("10.0.1.2:40001"), remote: endpoint("10.0.1.99:80"), state: 5, timer: 3, left: 2 * time.Second},
		{local: endpoint("[fd01::1]:50000"), remote: endpoint("[fd01::2]:80"), v6: true, state: 1, inode: 77},
		{local: endpoint("10.0.1.2:50001"), remote: endpoint("10.0.1.99:80"), v6: true, state: 1, inode: 78},
	}
	var got []socketLine
	for _, file := range []string{tcpFile, tcp6File} {
		if err := parseSockets(strings.NewReader(file), func(s *socketLine) { got = append(got, *s) }); err != nil {
			t.Fatal(err)
		}
	}
	if len(got) != len(want) {
		t.Fatalf("%d lines, want %d", len(got), len(want))
	}
	for i := range got {
		if got[i] != want[i] {
			t.Errorf("got %+v, want %+v", got[i], want[i])
		}
	}
	for _, bad := range []string{"0100007F", "ZZ00007F:0CEA", "01007F:0CEA", "0100007F:10CEA"} {
		file := strings.Replace(tcpFile, "0100007F:0CEA", bad, 1)
		if err := parseSockets(strings.NewReader(file), func(*socketLine) {}); err == nil {
			t.Errorf("no error for the address %q", bad)
		}
	}
}
