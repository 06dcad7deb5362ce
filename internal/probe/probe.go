// Package probe loads porttrace's BPF programs, attaches them and reads their events,
// counts and iterators. It is the only importer of cilium/ebpf.
package probe

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/btf"
	"github.com/cilium/ebpf/link"
	"github.com/cilium/ebpf/rlimit"

	"github.com/porttrace/porttrace/internal/event"
)

// Options say what to attach, and which processes are selected.
type Options struct {
	Hooks     []Hook         // nil: DefaultHooks
	Targets   []event.ProcID // the selected processes; nil: all
	Children  bool           // select their future children, too
	PIDNS     uint32         // inode of our pid namespace, 0: it is the host's
	Self      event.ProcID   // our own process
	RingBytes int            // a power of two and at least a page; 0: by the memory of the host
	MaxConns  int            // how many connections can be followed at once; 0: by its sockets and memory
	// DetailLimit is how many events a second are sent one by one. If there are more, connections of the
	// processes and ends that have the most are only counted, but for a sample. 0: every event is sent.
	DetailLimit int

	// Renamed is for tests of the ladder: it gives a kernel function or tracepoint a name
	// that this kernel does not have, as if a distribution had renamed or inlined it.
	Renamed map[string]string
	// KeepTypes is for tests, which call Open often: it keeps the kernel's types for the
	// next call. Reading them takes a third of Open on an emulated processor.
	KeepTypes bool
}

// Probe is the attached tracer. Its methods must be called by one goroutine, except Close
// and those of the iterators (Holders, Sockets, EachUDPSocket, EachUDPHolder), which another may call.
type Probe struct {
	spec      *ebpf.CollectionSpec // until all is attached
	cache     *btf.Cache
	counted   map[string]*ebpf.MapSpec // of what is counted in the kernel: the inner map of each outer one
	opts      Options
	maps      map[string]*ebpf.Map
	spares    map[string]*ebpf.Map // the other one of an inner map, empty, by its name
	progs     map[string]*ebpf.Program
	used      map[string]Hook // by signal
	ahead     chan loaded     // see loadAhead
	filling   chan error      // see fill
	noCookies error           // why the programs cannot give sockets cookies, nil: they can
	links     []link.Link     // must be kept: a link that is garbage-collected detaches
	iters     map[string]*link.Iter
	chunks    sync.Pool // buffers for iterators: several can be read at a time
	mapBytes  uint64    // that the maps take in the kernel
	held      int       // number of sockets that the last Holders found
	signals   event.Signals
	preempts  bool // a task can be preempted in a program at a tracepoint: since 7.0
	catching  bool // skipped runs: see catchSkipped

	events   *ring
	failures *ring
	sent     []event.Time // when each event of the last Read was sent
	failed   []event.Event
	failedAt []event.Time
	folded   uint64 // occurrences folded when the maps were last swapped
	limiter  limiter
	slots    *ebpf.Memory // of what is counted of limited pairs
}

// Open loads and attaches the programs. If the kernel or the privileges do not allow even
// the state changes, the error wraps ErrUnsupported and says in one line what is missing.
func Open(opts Options) (*Probe, error) {
	if opts.Hooks == nil {
		opts.Hooks = DefaultHooks
	}
	if !slices.Contains(opts.Hooks, Tracepoint) {
		return nil, errors.New("hook tracepoint is required")
	}
	types := opts.types()
	reading := readAhead(types)
	spec, err := loadObject()
	<-reading
	if err != nil {
		return nil, fmt.Errorf("reading the embedded programs: %w", err)
	}
	for _, prog := range spec.Programs {
		if name, ok := opts.Renamed[prog.AttachTo]; ok {
			prog.AttachTo = name
		}
		if prog.Type == ebpf.Kprobe {
			prog.KernelVersion = oldestKernel
		}
	}
	p := &Probe{
		chunks: sync.Pool{New: func() any { return new([chunkSize]byte) }},
		spec:   spec, cache: types, opts: opts, progs: map[string]*ebpf.Program{}, used: map[string]Hook{},
		iters: map[string]*link.Iter{}, spares: map[string]*ebpf.Map{}, preempts: !thisHost().before(7, 0),
	}
	if err := p.open(); err != nil {
		p.Close()
		return nil, thisHost().explain(err)
	}
	return p, nil
}

// oldestKernel is the version 5.10. The kernel ignores that of a program since 5.0. Without one the
// library reads it from this program's own memory by /proc/self/mem, which a program that has its
// capabilities by setcap(8) may not open.
const oldestKernel = 5<<16 | 10<<8

var keptTypes = sync.OnceValue(btf.NewCache)

func (o Options) types() *btf.Cache {
	if o.KeepTypes {
		return keptTypes()
	}
	return btf.NewCache()
}

func (p *Probe) open() error {
	if _, err := p.cache.Kernel(); err != nil {
		return fmt.Errorf("%w: %w", errNoBTF, err)
	}
	// Kernels before 5.11 charge maps to RLIMIT_MEMLOCK. If it may not be raised, creating
	// the maps fails.
	_ = rlimit.RemoveMemlock()
	if err := p.createMaps(); err != nil {
		return err
	}
	if err := p.selectTargets(); err != nil {
		return err
	}
	for _, s := range ladders {
		p.attachSignal(s)
		if s.name == event.SignalConnectErrors { // all that the states depend on is known
			p.loadAhead(states)
		}
	}
	_ = p.attach(udpCensus) // EachUDPSocket says that it is not there
	if err := p.attachStates(); err != nil {
		return err
	}
	if err := p.loadSkipped(); err != nil {
		return err
	}
	p.catchSkipped()
	// The library loads a program to learn whether the kernel runs some for user space, which it could
	// not when the process has dropped privileges.
	_ = p.AddressesUnchanged(event.AddressStamp{})
	p.signals = allSignals(p.signals, p.noCookies)
	p.releaseTypes()
	return p.openRings()
}

// innerMaps are the maps of counts, by the outer map that has the current one.
var innerMaps = map[string]string{
	"pt_folds": "pt_folds_first", "pt_fails": "pt_fails_first",
	"pt_owner_folds": "pt_owner_folds_first", "pt_owner_fails": "pt_owner_fails_first",
}

// releaseTypes drops the types of the kernel: some 30 MiB that are not needed any more. The
// reader of the events returns them to the system.
func (p *Probe) releaseTypes() {
	p.counted = map[string]*ebpf.MapSpec{}
	for outer, inner := range innerMaps {
		p.counted[outer] = p.spec.Maps[inner]
	}
	p.spec, p.cache = nil, nil
}

func (p *Probe) createMaps() error {
	spec := p.spec.Copy()
	spec.Programs = nil
	sizeMaps(spec.Maps, &p.opts, hostRoom())
	for name := range spec.Maps {
		if strings.HasPrefix(name, ".") { // variables: each load has its own
			delete(spec.Maps, name)
		}
	}
	spec.Variables = nil
	contents := emptied(spec.Maps)
	coll, err := ebpf.NewCollectionWithOptions(spec, ebpf.CollectionOptions{Cache: p.cache})
	if err != nil {
		return fmt.Errorf("%w: %w", errMaps, err)
	}
	p.maps = coll.Maps
	p.fill(contents)
	p.mapBytes = kernelBytes(p.maps)
	if p.slots, err = p.maps["pt_limited_counts"].Memory(); err != nil {
		return fmt.Errorf("%w: %w", errMaps, err)
	}
	p.limiter = newLimiter(p.opts.DetailLimit, int(p.maps["pt_limited_counts"].MaxEntries()))
	for name, m := range p.maps {
		p.spec.Maps[name].MaxEntries = m.MaxEntries()
		p.spec.Maps[name].Contents = nil // see fill
	}
	return nil
}

func (p *Probe) openRings() error {
	var err error
	if p.events, err = openRing(p.maps["pt_events"]); err != nil {
		return fmt.Errorf("opening the event ring: %w", err)
	}
	if p.failures, err = openRing(p.maps["pt_failures"]); err != nil {
		return fmt.Errorf("opening the failure ring: %w", err)
	}
	return nil
}

// Signals returns how each signal is observed on this kernel.
func (p *Probe) Signals() event.Signals { return slices.Clone(p.signals) }

// Close detaches everything. It may be called more than once.
func (p *Probe) Close() {
	for _, l := range p.links {
		l.Close()
	}
	for _, prog := range p.progs {
		prog.Close()
	}
	for _, r := range []*ring{p.events, p.failures} {
		if r != nil {
			r.close()
		}
	}
	for _, m := range p.maps {
		m.Close()
	}
	for _, m := range p.spares {
		m.Close()
	}
	p.links, p.iters, p.progs, p.maps, p.events, p.failures = nil, nil, nil, nil, nil, nil
}
