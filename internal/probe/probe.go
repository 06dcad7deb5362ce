// Package probe puts porttrace's programs into the kernel and reads what they say.
// It is the only importer of cilium/ebpf.
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
	"github.com/cilium/ebpf/ringbuf"
	"github.com/cilium/ebpf/rlimit"

	"github.com/porttrace/porttrace/internal/event"
)

// Options say what to attach and for whom.
type Options struct {
	Hooks     []Hook         // nil: DefaultHooks
	Targets   []event.ProcID // the processes to show in detail; nil: all
	Children  bool           // and the children they will have
	PIDNS     uint32         // inode of our pid namespace when it is not the host's
	RingBytes int            // a power of two and at least a page; 0: the default

	// Renamed has other names for functions and tracepoints of the kernel, for tests: a
	// distribution may have renamed one, or its compiler may have inlined it.
	Renamed map[string]string
	// KeepTypes keeps the kernel's types for the next Open of this process, for tests: to
	// read them is a third of attaching where the processor is emulated.
	KeepTypes bool
}

// Probe is the attached tracer. Its methods are for one goroutine, but for Close, and for
// Holders and Sockets, which may be called by another.
type Probe struct {
	spec      *ebpf.CollectionSpec // until all is attached
	cache     *btf.Cache
	foldSpec  *ebpf.MapSpec
	failSpec  *ebpf.MapSpec
	opts      Options
	maps      map[string]*ebpf.Map
	progs     map[string]*ebpf.Program
	used      map[string]Hook // by signal
	noCookies error           // why the programs give sockets no cookies
	links     []link.Link     // a dropped link is collected and detaches: keep them
	iters     map[string]*link.Iter
	chunks    sync.Pool // of what iterators say: more than one can be read at a time
	held      int       // sockets that the last Holders found
	signals   event.Signals

	events   *ringbuf.Reader
	failures *ringbuf.Reader
	record   ringbuf.Record
	sent     []event.Time // when the events of the last Read were sent
	failed   []event.Event
	failedAt []event.Time
	folded   uint64 // occurrences folded when the maps were last swapped
}

// Open loads and attaches. Where the kernel or the privileges do not allow the base
// of everything, the error says in one line what is missing.
func Open(opts Options) (*Probe, error) {
	if opts.Hooks == nil {
		opts.Hooks = DefaultHooks
	}
	if !slices.Contains(opts.Hooks, Tracepoint) {
		return nil, errors.New("the hooks must hold tracepoint: everything rests on it")
	}
	spec, err := loadBpf()
	if err != nil {
		return nil, fmt.Errorf("reading the embedded programs: %w", err)
	}
	for _, prog := range spec.Programs {
		if name, ok := opts.Renamed[prog.AttachTo]; ok {
			prog.AttachTo = name
		}
	}
	p := &Probe{
		chunks: sync.Pool{New: func() any { return new([chunkSize]byte) }},
		spec:   spec, cache: opts.types(), opts: opts, progs: map[string]*ebpf.Program{}, used: map[string]Hook{},
		iters: map[string]*link.Iter{},
	}
	if err := p.open(); err != nil {
		p.Close()
		return nil, thisHost().explain(err)
	}
	return p, nil
}

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
	// Kernels before 5.11 charge maps to RLIMIT_MEMLOCK; where that may not be
	// raised, creating the maps tells.
	_ = rlimit.RemoveMemlock()
	if err := p.createMaps(); err != nil {
		return err
	}
	if err := p.selectTargets(); err != nil {
		return err
	}
	for _, s := range ladders {
		p.climb(s)
	}
	if err := p.attachStates(); err != nil {
		return err
	}
	p.signals = append(p.signals, timeWait)
	p.forget()
	return p.openRings()
}

// forget drops the types of the kernel: some 30 MiB that are not needed any more, and that
// whoever reads the events gives back when there is time.
func (p *Probe) forget() {
	p.foldSpec, p.failSpec = p.spec.Maps["pt_folds_first"], p.spec.Maps["pt_fails_first"]
	p.spec, p.cache = nil, nil
}

func (p *Probe) createMaps() error {
	spec := p.spec.Copy()
	spec.Programs = nil
	if p.opts.RingBytes != 0 {
		spec.Maps["pt_events"].MaxEntries = uint32(p.opts.RingBytes)
		spec.Maps["pt_failures"].MaxEntries = uint32(p.opts.RingBytes)
	}
	for name := range spec.Maps {
		if strings.HasPrefix(name, ".") { // variables: each load has its own
			delete(spec.Maps, name)
		}
	}
	spec.Variables = nil
	coll, err := ebpf.NewCollectionWithOptions(spec, ebpf.CollectionOptions{Cache: p.cache})
	if err != nil {
		return fmt.Errorf("%w: %w", errMaps, err)
	}
	p.maps = coll.Maps
	for name, m := range p.maps {
		p.spec.Maps[name].MaxEntries = m.MaxEntries()
		p.spec.Maps[name].Contents = nil // it is there; filling it again waits for RCU
	}
	return nil
}

func (p *Probe) openRings() error {
	var err error
	if p.events, err = ringbuf.NewReader(p.maps["pt_events"]); err != nil {
		return fmt.Errorf("opening the ring of events: %w", err)
	}
	if p.failures, err = ringbuf.NewReader(p.maps["pt_failures"]); err != nil {
		return fmt.Errorf("opening the ring of failures: %w", err)
	}
	return nil
}

// Signals says how each signal is seen here.
func (p *Probe) Signals() event.Signals { return slices.Clone(p.signals) }

// Close detaches everything. It may be called more than once.
func (p *Probe) Close() {
	for _, l := range p.links {
		l.Close()
	}
	for _, prog := range p.progs {
		prog.Close()
	}
	for _, r := range []*ringbuf.Reader{p.events, p.failures} {
		if r != nil {
			r.Close()
		}
	}
	for _, m := range p.maps {
		m.Close()
	}
	p.links, p.iters, p.progs, p.maps, p.events, p.failures = nil, nil, nil, nil, nil, nil
}
