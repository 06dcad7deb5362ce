package doctor

import (
	"slices"
	"testing"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/snapshot"
)

// TestHoldersOfAProgram: many processes of one program are one line of evidence.
func TestHoldersOfAProgram(t *testing.T) {
	t.Parallel()
	curl := func(pid uint32) event.Process {
		return event.Process{ID: event.ProcID{PID: pid, Start: 1}, Comm: "curl"}
	}
	shop := event.Process{ID: event.ProcID{PID: 7, Start: 1}, Comm: "shop"}
	pairs := func(n uint32) (list []snapshot.Pair) {
		for pid := range n {
			list = append(list, snapshot.Pair{Proc: curl(pid + 100).ID, Comm: "curl", Netns: inode, Proto: event.TCP, Remote: web, Totals: snapshot.Totals{Opens: 1, ClosesOut: 1, TimeWaitOut: 1}})
		}
		return list
	}
	for _, tc := range []struct {
		name   string
		space  snapshot.PortSpace
		pairs  []snapshot.Pair
		past   []snapshot.PastPair
		expect []string
	}{
		{
			"a few processes",
			snapshot.PortSpace{
				Occupancy: event.Occupancy{Live: 40, TimeWait: 22},
				Holders:   []snapshot.Holder{{Proc: shop, HeldCount: snapshot.HeldCount{Live: 40}}, {Proc: curl(1), HeldCount: snapshot.HeldCount{TimeWait: 9}}, {Proc: curl(2), HeldCount: snapshot.HeldCount{TimeWait: 8}}, {HeldCount: snapshot.HeldCount{TimeWait: 5, Before: 5}}},
			},
			nil, nil,
			[]string{"shop (pid 7) holds 40 live", "curl (2 processes) holds 17 in TIME_WAIT", "5 ports are in TIME_WAIT from before start (owner unknown)"},
		},
		{
			"more than the space lists",
			snapshot.PortSpace{
				Occupancy: event.Occupancy{TimeWait: 20},
				Holders:   []snapshot.Holder{{Proc: curl(1), HeldCount: snapshot.HeldCount{TimeWait: 8}}, {Proc: curl(2), HeldCount: snapshot.HeldCount{TimeWait: 8}}}, OtherHolders: snapshot.HeldCount{TimeWait: 4},
			},
			nil, nil,
			[]string{"curl (at least 2 processes) holds 16 in TIME_WAIT"},
		},
		{
			"hundreds with a port each",
			snapshot.PortSpace{
				Occupancy: event.Occupancy{TimeWait: 468},
				Holders:   []snapshot.Holder{{Proc: curl(100), HeldCount: snapshot.HeldCount{TimeWait: 1}}, {Proc: curl(101), HeldCount: snapshot.HeldCount{TimeWait: 1}}}, OtherHolders: snapshot.HeldCount{TimeWait: 466},
			},
			pairs(468), nil,
			[]string{"curl (468 processes) holds 468 in TIME_WAIT towards 10.0.0.2:80"},
		},
		{
			"some of them without a row",
			snapshot.PortSpace{
				Occupancy: event.Occupancy{TimeWait: 9}, Holders: []snapshot.Holder{{Proc: curl(100), HeldCount: snapshot.HeldCount{TimeWait: 1}}}, OtherHolders: snapshot.HeldCount{TimeWait: 8},
			},
			pairs(4),
			[]snapshot.PastPair{{
				Identity: snapshot.Identity{Executable: "/usr/bin/curl"},
				Pair:     snapshot.Pair{Netns: inode, Proto: event.TCP, Remote: web, Totals: snapshot.Totals{Opens: 5, ClosesOut: 5, TimeWaitOut: 5}},
			}},
			[]string{"curl (at least 5 processes) holds 9 in TIME_WAIT towards 10.0.0.2:80"},
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			tc.space.Kind, tc.space.Netns, tc.space.Proto, tc.space.Remote = snapshot.ConnectSpace, inode, event.TCP, web
			j := newJudge(&snapshot.Snapshot{Pairs: tc.pairs, PastPairs: tc.past})
			c := shortage{PortSpace: &tc.space, j: j, programs: j.programsOf(&tc.space)}
			var f Finding
			c.addHolders(&f)
			var got []string
			for _, e := range f.Evidence {
				got = append(got, e.Text)
			}
			if !slices.Equal(got, tc.expect) {
				t.Errorf("%q, want %q", got, tc.expect)
			}
		})
	}
}
