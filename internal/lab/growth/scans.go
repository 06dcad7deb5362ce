package main

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/lab"
	"github.com/porttrace/porttrace/internal/netns"
	"github.com/porttrace/porttrace/internal/probe"
)

// scanLimit is more sockets than a scan finds here.
const scanLimit = 1 << 20

// scanPasses are few: the buckets live a minute.
const scanPasses = 3

// measureScans measures scans of real sockets, buckets in TIME_WAIT of one namespace, as the kernel
// has them within their minute.
func measureScans(ctx context.Context, cfg config) (_ chart, err error) {
	p, err := probe.Open(probe.Options{Hooks: []probe.Hook{probe.Tracepoint}})
	if err != nil {
		return chart{}, err
	}
	defer p.Close()
	n, err := lab.NewStormNetns()
	if err != nil {
		return chart{}, err
	}
	defer func() { err = errors.Join(err, n.Close()) }()
	// sock_diag reaches a namespace by a process that lives there.
	if _, err := n.Serve("server", lab.Server{Listen: []netip.AddrPort{netip.MustParseAddrPort("127.0.0.1:80")}, For: time.Hour}); err != nil {
		return chart{}, err
	}
	iterators, diag := series{name: "BPF iterator"}, series{name: "sock_diag"}
	sizes := axes[0].loads(cfg.most)
	made, spaces := 0, netns.New()
	var list event.FoundList
	var found []event.FoundSocket
	for _, l := range sizes {
		if err := makeBuckets(ctx, n, l.sockets-made); err != nil {
			return chart{}, err
		}
		made = l.sockets
		err := errors.Join(
			iterators.addScan(made, func() (int, error) {
				list.Truncate(0)
				err := n.Do(func() error {
					_, err := p.Sockets(&list, scanLimit, event.PortRange{}, nil)
					return err
				})
				return list.Len(), err
			}),
			diag.addScan(made, func() (_ int, err error) {
				found, _, err = spaces.Sockets(n.Inode(), found[:0], scanLimit)
				return len(found), err
			}))
		if err != nil {
			return chart{}, err
		}
	}
	return chart{name: "scan", title: "Time of a scan of real sockets, ms", unit: "ms", lines: []series{iterators, diag}}, nil
}

func makeBuckets(ctx context.Context, n *lab.Netns, count int) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	var r lab.StormResult
	if err := n.Run("storm", &lab.Storm{Count: count}, &r); err != nil {
		return err
	}
	if r.Connections != count {
		return fmt.Errorf("%d of %d buckets were made", r.Connections, count)
	}
	return nil
}

// addScan adds the time of a scan, at the number of sockets that it finds: some ports have been
// used again, and on a slow host the first buckets have expired. Half of them must be there.
func (s *series) addScan(sockets int, scan func() (int, error)) error {
	var found int
	took, err := least(scanPasses, func() (time.Duration, error) {
		return timed(func() (err error) {
			found, err = scan()
			return err
		})
	})
	if err == nil && found < sockets/2 {
		err = fmt.Errorf("%s: %d of %d sockets", s.name, found, sockets)
	}
	s.points = append(s.points, point{float64(found), took / 1e6})
	return err
}
