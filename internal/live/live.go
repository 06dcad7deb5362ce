// Package live is the Source that watches this host: it merges what the kernel programs
// report with what /proc and the network namespaces know into one ordered stream.
//
//	live.go        attaching and detaching
//	read.go        one batch: ring buffers, survey, scan, in this order
//	trim.go        what a storm has taken is given back
//	complete.go    what the kernel programs cannot know is added to their events
//	describe.go    command lines and ancestors of processes
//	unnamed.go     processes whose pod has no name yet
//	unsent.go      processes whose facts had no room in the ring
//	finwait.go     FIN_WAIT2 buckets, looked up before their close is delivered
//	listeners.go   which process listens on a port
//	targets.go     --pid and --children
//	namespaces.go  the network namespaces and their settings; names.go: their names
//	vrfs.go        which VRF their devices are in
//	netns_counts.go  what the kernel has counted in them
//	scan.go        when all sockets are scanned; scanner.go: how
//	counts.go      what is counted after a scan, from time to time:
//	files.go       open files, of processes near their limit
//	udp.go         UDP ports in use; udp_lister.go: how they are listed
//	failing.go     whose calls have failed, which decides what is counted
//	polled.go      the Source without BPF
//
// It keeps no table of sockets: what a scan has found goes to the pipeline as it is.
package live

import (
	"fmt"
	"os"
	"runtime"
	"time"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/kubelet"
	"github.com/porttrace/porttrace/internal/linux"
	"github.com/porttrace/porttrace/internal/probe"
	"github.com/porttrace/porttrace/internal/procinfo"
)

// Options are those of the probe and what concerns this host.
type Options struct {
	Probe probe.Options
	// ReadInterval overrides how long events wait in the ring; 0 is the default. Benchmarks
	// and tests of overload set it.
	ReadInterval time.Duration
	// ScanInterval overrides how often all sockets are scanned, whatever that costs; 0: as
	// often as takes a hundredth of a processor, and once a second at most. Open files and UDP
	// ports are counted as often then. Tests set it.
	ScanInterval time.Duration
	// ContainerLogs is the kubelet's directory of links to logs; empty: that of kubelet.Dirs.
	ContainerLogs string
	// NoCommandLines leaves the command lines of processes out of the stream.
	NoCommandLines bool
}

// Source is the live stream. It is for one goroutine, apart from Notify and Repeat.
type Source struct {
	probe      *probe.Probe
	namespaces *namespaces
	completer  completer
	targets    *targets
	scans      *scans
	notices    chan string
	interval   time.Duration // between visits to the rings
	quiet      bool          // little came at the last one
	events     []event.Event
	clock      event.Clock
	nextSurvey time.Time
	trimmed    time.Time // when it was last looked whether memory can be given back
	heap       heap
	begun      bool
}

// Open attaches to the kernel. Close must be called.
func Open(opts Options) (*Source, error) {
	if ns, host, err := linux.PIDNamespace(); err == nil && !host {
		opts.Probe.PIDNS = ns
	}
	opts.Probe.Self = ownProcess()
	p, err := probe.Open(opts.Probe)
	if err != nil {
		return nil, err
	}
	if opts.Probe.Children {
		if err := selectDescendants(opts.Probe.Targets, p.Select); err != nil {
			p.Close()
			return nil, err
		}
	}
	giveBack() // before more is needed: at the start the most memory is in use
	return newSource(p, opts), nil
}

// ownProcess returns our own process, or none if /proc does not have it.
func ownProcess() event.ProcID {
	pid := uint32(os.Getpid())
	start, err := procinfo.StartTicks(pid)
	if err != nil {
		return event.ProcID{}
	}
	return event.ProcID{PID: pid, Start: start}
}

func newSource(p *probe.Probe, opts Options) *Source {
	var selected func(event.ProcID) bool
	if opts.Probe.Targets != nil {
		selected = p.Selected
	}
	pods := kubelet.New(opts.ContainerLogs)
	n := newNamespaces(p.Namespaces, pods)
	s := &Source{
		probe:      p,
		namespaces: n,
		completer: completer{
			listeners: newListeners(), finWaits: newFinWaits(n.netns.Buckets, monotonic()), known: n.known, vrfs: n.vrfs,
			selected: selected, binds: bindErrnos{addresses: n.netns.LocalAddrs, unchanged: p.AddressesUnchanged},
			unnamed: unnamed{pods: pods},
		},
		targets:  newTargets(opts.Probe.Targets),
		scans:    newScans(&iterScanner{probe: p, netns: n.netns, selected: selected}),
		notices:  make(chan string, 16),
		interval: opts.ReadInterval,
	}
	if procinfo.OwnVersionOne() {
		s.completer.cgroup = procinfo.Cgroup
	}
	for _, d := range []*describer{&s.completer.describer, &s.completer.listeners.describer, &s.scans.describer} {
		d.pods, d.noCommandLines = pods, opts.NoCommandLines
	}
	s.scans.interval = opts.ScanInterval
	s.scans.counts = newCounts(iterUDP{p, diagUDP{n.netns}}, selected)
	if opts.ScanInterval != 0 {
		s.scans.counts.udp.interval, s.scans.counts.files.interval = opts.ScanInterval, opts.ScanInterval
	}
	if s.interval == 0 {
		s.interval = readInterval
	}
	return s
}

// Signals returns how each signal is observed here.
func (s *Source) Signals() event.Signals { return s.probe.Signals() }

// Counts returns what became of the events of each kind, see probe.KindCounts.
func (s *Source) Counts() ([]probe.KindCounts, error) { return s.probe.Counts() }

// Close detaches from the kernel. It waits for the goroutines of the Source, which read
// through the probe.
func (s *Source) Close() {
	s.scans.stop()
	s.completer.listeners.stop()
	s.probe.Close()
}

// Notify puts a line for the user into the stream, from any goroutine. It drops the line if
// too many wait for the next survey.
func (s *Source) Notify(text string) {
	select {
	case s.notices <- text:
	default:
	}
}

// Repeat has all sockets scanned again, at all ports, and open files and UDP ports counted and
// reported again: what a recording that begins now has to know of them. Any goroutine may call it.
func (s *Source) Repeat() { s.scans.repeat() }

// Host returns the facts of this host.
func Host() *event.Host {
	name, release := linux.Uname()
	h := &event.Host{Name: name, Kernel: release, Arch: runtime.GOARCH}
	if inode, host, err := linux.PIDNamespace(); err == nil && !host {
		h.PIDNS = fmt.Sprintf("pid namespace %d, not the host's", inode)
	}
	return h
}
