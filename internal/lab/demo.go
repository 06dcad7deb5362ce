package lab

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"sync"
	"time"
)

// The addresses and ports of the demo are local to its namespace: no packet leaves the
// host.
var (
	demoClient  = netip.MustParseAddr("10.99.0.20")
	demoServer  = netip.MustParseAddr("10.99.0.1")
	demoWeb     = netip.AddrPortFrom(demoServer, 80)
	demoSQL     = netip.AddrPortFrom(demoServer, 5432)
	demoCache   = netip.AddrPortFrom(demoServer, 6379)
	demoPortsLo = uint16(32768)
	demoPortsHi = uint16(33023) // 256 ports: they are gone within seconds
)

// Demo is a private network namespace with three programs that misbehave.
type Demo struct {
	netns  *Netns
	procs  []*Proc
	exits  chan Exit
	detach func() bool   // from the context
	ending chan struct{} // closed by the first end
	end    func()        // ends all programs and waits for them, once
}

// Exit reports that a program of the demo ended by itself.
type Exit struct {
	Name string
	PID  int
	Err  error // how; nil if it came to its bound
}

// DemoOptions bound a demo.
type DemoOptions struct {
	For time.Duration // when its programs end at the latest; 0: after 12 hours
}

// StartDemo makes a network namespace with few ports, a server, and three
// clients: shop-api opens a connection a request and runs out of ports, because
// each leaves a TIME_WAIT of 60 s; report-job binds before it connects, and so
// takes ports from every destination; sync-agent never closes. They end with the process,
// whatever ends it, with ctx, or with Close.
func StartDemo(ctx context.Context, opts DemoOptions) (*Demo, error) {
	if opts.For == 0 {
		opts.For = 12 * time.Hour
	}
	netns, err := NewNetns()
	if err != nil {
		return nil, err
	}
	d := &Demo{netns: netns, ending: make(chan struct{})}
	d.end = sync.OnceFunc(d.stopAll)
	if err := d.start(opts.For); err != nil {
		d.end()
		return nil, errors.Join(fmt.Errorf("starting the demo: %w", err), netns.Close())
	}
	d.watch()
	d.detach = context.AfterFunc(ctx, d.end)
	return d, nil
}

func (d *Demo) start(limit time.Duration) error {
	err := errors.Join(
		d.netns.PortRange(demoPortsLo, demoPortsHi),
		d.netns.Sysctl("ipv4/tcp_tw_reuse", "0"),
		d.netns.AddAddr("lo", netip.PrefixFrom(demoClient, 32)),
		d.netns.AddLocal(netip.PrefixFrom(demoServer, 32), demoClient),
	)
	if err != nil {
		return err
	}
	server, err := d.netns.Serve("backend", Server{
		Listen: []netip.AddrPort{demoWeb, demoSQL, demoCache}, Mode: Echo, For: limit,
	})
	if err != nil {
		return err
	}
	d.procs = append(d.procs, server)
	for _, client := range demoClients(limit) {
		proc, err := d.netns.Spawn(client.name, &client.job)
		if err != nil {
			return err
		}
		d.procs = append(d.procs, proc)
	}
	return nil
}

type demoJob struct {
	name string
	job  Client
}

// demoClients returns the misbehaving programs. Their rates fill the 256 ports
// in some six seconds, and keep them full at next to no CPU time: what the
// kernel frees after 60 s is taken at once.
func demoClients(limit time.Duration) []demoJob {
	return []demoJob{
		{"shop-api", Client{
			To: []netip.AddrPort{demoWeb}, Rate: 40, Talk: true, For: limit, ReportFailure: true,
		}},
		{"report-job", Client{
			Socket: Socket{Bind: netip.AddrPortFrom(demoClient, 0)},
			To:     []netip.AddrPort{demoSQL}, Rate: 1, Talk: true, For: limit,
		}},
		{"sync-agent", Client{
			To: []netip.AddrPort{demoCache}, Rate: 2, Count: 60, Talk: true, Hold: true, For: limit,
		}},
	}
}

// watch reports programs that end by themselves.
func (d *Demo) watch() {
	d.exits = make(chan Exit, len(d.procs)) // room for all: reading it is optional
	var watchers sync.WaitGroup
	for _, p := range d.procs {
		watchers.Go(func() {
			<-p.Done()
			select {
			case <-d.ending:
			default:
				d.exits <- Exit{Name: p.Name(), PID: p.PID(), Err: p.exit()}
			}
		})
	}
	go func() {
		watchers.Wait()
		close(d.exits)
	}()
}

// stopAll ends all programs and waits for them.
func (d *Demo) stopAll() {
	close(d.ending)
	var stopping sync.WaitGroup
	for _, p := range d.procs {
		stopping.Go(p.Stop)
	}
	stopping.Wait()
}

// Netns returns the inode of the demo's network namespace.
func (d *Demo) Netns() uint32 { return d.netns.Inode() }

// PIDs returns the process ids of the server and the clients.
func (d *Demo) PIDs() []int {
	pids := make([]int, len(d.procs))
	for i, p := range d.procs {
		pids[i] = p.PID()
	}
	return pids
}

// Exits reports programs that ended before the demo did; the others go on. It is
// closed when all have ended.
func (d *Demo) Exits() <-chan Exit { return d.exits }

// Close ends all programs and waits for them, and closes the namespace.
func (d *Demo) Close() error {
	d.detach()
	d.end()
	return d.netns.Close()
}
