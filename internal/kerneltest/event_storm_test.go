package kerneltest

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/porttrace/porttrace/internal/lab"
	"github.com/porttrace/porttrace/internal/live"
	"github.com/porttrace/porttrace/internal/probe"
	"github.com/porttrace/porttrace/internal/snapshot"
)

// Every program that lives for milliseconds has its name in the end, however little of what it
// did the rings hold beside a storm elsewhere.
func TestNamesBesideStorm(t *testing.T) {
	for _, tc := range []struct {
		name  string
		opts  live.Options
		storm lab.Storm
		to    netip.AddrPort
	}{
		{"seldom read", live.Options{ReadInterval: 2 * time.Second}, lab.Storm{Threads: 2}, loopV4},
		{"small ring", live.Options{Probe: probe.Options{RingBytes: 1 << 14}, ReadInterval: 300 * time.Millisecond}, lab.Storm{}, loopV4},
		{"smallest ring, seldom read, refused", live.Options{
			Probe: probe.Options{RingBytes: 4096}, ReadInterval: time.Second,
		}, lab.Storm{Reset: true}, at(loopV4, 81)},
	} {
		t.Run(tc.name, func(t *testing.T) {
			programs := fewer(40, 15)
			n := newNetns(t)
			serve(t, n, lab.Echo, loopV4)
			w := traceSpacesWith(t, tc.opts, n)
			tc.storm.For = jobLimit
			storm := spawn(t, newStormNetns(t), "storm", &tc.storm)
			names := map[uint32]string{}
			for i := range programs {
				name := fmt.Sprintf("short-%d", i)
				r := run(t, n, name, &lab.Client{To: []netip.AddrPort{tc.to}, Count: 1})
				names[uint32(r.PID)] = name
			}
			storm.Stop()
			ofThese := func(s *snapshot.Snapshot) (known int, wrong []string) {
				for i := range s.Processes {
					p := &s.Processes[i]
					name, is := names[p.Info.ID.PID]
					switch {
					case !is:
					case p.Info.Comm != name || p.Opens != 1:
						wrong = append(wrong, fmt.Sprintf("%s is shown as %q with %d opens", name, p.Info.Comm, p.Opens))
					default:
						known++
					}
				}
				return known, wrong
			}
			var wrong []string
			ok := waitFor(5*time.Second, func() (all bool) {
				known, list := ofThese(w.snapshot())
				wrong = list
				return known == programs
			})
			if !ok {
				w.stop()
				w.allowSkipped(t, append(wrong, "not all programs are known"))
			}
		})
	}
}

// closeLate makes connections that a listener of the same thread accepts when the other ends
// have closed.
func closeLate(addr netip.AddrPort, rounds, each int, pause time.Duration) error {
	listener, err := socketAt(addr)
	if err != nil {
		return err
	}
	defer unix.Close(listener)
	if err := errors.Join(unix.Listen(listener, each), unix.SetNonblock(listener, true)); err != nil {
		return err
	}
	for range rounds {
		for range each {
			fd, err := newSocket(addr.Addr())
			if err != nil {
				return err
			}
			err = unix.Connect(fd, lab.Sockaddr(addr))
			time.Sleep(pause)
			if err := errors.Join(err, unix.Close(fd)); err != nil {
				return err
			}
		}
		for range each {
			fd, _, err := unix.Accept4(listener, unix.SOCK_CLOEXEC)
			if err != nil {
				return err
			}
			if err := unix.Close(fd); err != nil {
				return err
			}
		}
	}
	return nil
}

// No connection counts as open that is gone: not after thousands of short ones, and not after
// an overload, in which closes were counted without detail or not at all.
func TestNothingStaysOpen(t *testing.T) {
	for _, tc := range []struct {
		name   string
		opts   live.Options
		rounds int
		each   int
		pause  time.Duration
		storm  bool
	}{
		{"late", live.Options{}, 300, 3, 2 * time.Millisecond, false},
		{"full backlogs", live.Options{}, 40, 50, 0, false},
		{"overload", live.Options{Probe: probe.Options{RingBytes: 4096}, ReadInterval: time.Second}, 300, 3, 0, true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			n, stormNet := newNetns(t), newStormNetns(t)
			spawn(t, n, "resident", &lab.Binder{For: jobLimit})
			spawn(t, stormNet, "resident", &lab.Binder{For: jobLimit})
			w := traceSpacesWith(t, tc.opts, n, stormNet)
			w.awaitScans(n)
			stormPID := 0
			if tc.storm {
				storm := spawn(t, stormNet, "storm", &lab.Storm{Threads: 2, For: 2 * time.Second})
				stormPID = storm.PID()
				var result lab.StormResult
				defer func() { noError(t, storm.Decode(&result)) }()
			}
			noError(t, n.Do(func() error { return closeLate(at(loopV4, 9000), tc.rounds, tc.each, tc.pause) }))
			if tc.storm {
				time.Sleep(2 * time.Second) // the storm ends
			}
			w.awaitScans(n, stormNet)
			s := w.snapshot()
			row := processRow(s, os.Getpid())
			if opens := uint64(tc.rounds * tc.each); row.Opens != opens || row.Live() != 0 {
				t.Errorf("%d of %d opens, %d live", row.Opens, opens, row.Live())
			}
			if left := processRow(s, stormPID).Live(); left != 0 {
				t.Errorf("the storm has ended and has %d live", left)
			}
			for i := range s.Destinations {
				if d := &s.Destinations[i]; (d.Netns == n.Inode() || d.Netns == stormNet.Inode()) && d.Live() != 0 {
					t.Errorf("%s has %d live", d.Remote, d.Live())
				}
			}
		})
	}
}

// What was connected to most is the first row after a scan of more destinations than are
// listed, whether they accept or refuse, with all its opens.
func TestTopDestinationOutlivesScan(t *testing.T) {
	const many, scanned = 2000, 10_000
	for name, port := range map[string]uint16{"refusing": 1000, "accepting": 80} {
		t.Run(name, func(t *testing.T) {
			n := serverNet(t) // accepts on port 80 of every address
			top := at(loopV4, 80)
			w := traceSpaces(t, n)
			w.awaitScans(n)
			noError(t, n.Do(func() error {
				for i := range many + scanned {
					to := top
					if i -= many; i >= 0 {
						to = netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 1, byte(i >> 8), byte(i)}), port)
					}
					fd, err := newSocket(to.Addr())
					if err != nil {
						return err
					}
					if err := unix.Connect(fd, lab.Sockaddr(to)); err != nil && err != unix.ECONNREFUSED {
						return err
					}
					if err := resetAndClose(fd); err != nil {
						return err
					}
				}
				return nil
			}))
			own := func(s *snapshot.Snapshot) *snapshot.Process { return processRow(s, os.Getpid()) }
			s := w.awaitSnapshot("all are counted", func(s *snapshot.Snapshot) bool { return own(s).Opens == many+scanned })
			var first *snapshot.Destination
			for i := range s.Destinations {
				if d := &s.Destinations[i]; d.Netns == n.Inode() && (first == nil || d.Opens > first.Opens) {
					first = d
				}
			}
			if first == nil || first.Remote != endpoint(top) || first.Opens != many {
				t.Errorf("the first is %+v, want %d opens to %s", first, many, top)
			}
			if pairs := own(s).Destinations; len(pairs) == 0 || pairs[0].Remote != endpoint(top) || pairs[0].Opens != many {
				t.Errorf("the first of the process is %+v", pairs[:min(1, len(pairs))])
			}
		})
	}
}
