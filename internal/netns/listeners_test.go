package netns

import (
	"strings"
	"testing"
)

func TestParseListeners(t *testing.T) {
	const text = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:0CEA 00000000:0000 0A 00000000:00000000 00:00000000 00000000   107        0 20567 1 0000000000000000 100 0 0 10 0
   1: 00000000:0016 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1234 1 0000000000000000 100 0 0 10 0
   2: 0100007F:0CEA 0100007F:9C40 01 00000000:00000000 00:00000000 00000000     0        0 999 1 0000000000000000 100 0 0 10 0
   3: 00000000:0017 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 77 1 0000000000000000 100 0 0 10 0
`
	got := map[uint64]uint16{}
	err := parseListeners(strings.NewReader(text), func(socket uint64, port uint16) { got[socket] = port })
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != 2 || got[20567] != 3306 || got[1234] != 22 {
		t.Errorf("got %v", got)
	}
	bad := strings.Replace(text, "0CEA 00000000", "ZZZZ 00000000", 1)
	if err := parseListeners(strings.NewReader(bad), func(uint64, uint16) {}); err == nil {
		t.Error("no error for a bad port")
	}
}
