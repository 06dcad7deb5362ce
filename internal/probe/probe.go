// Package probe puts porttrace's programs into the kernel and reads what they say.
// It is the only importer of cilium/ebpf.
package probe

import (
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"strings"

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
}

// Probe is the attached tracer. Its methods are for one goroutine, Close excepted.
type Probe struct {
	spec     *ebpf.CollectionSpec // until all is attached
	cache    *btf.Cache
	foldSpec *ebpf.MapSpec
	failSpec *ebpf.MapSpec
	opts     Options
	maps     map[string]*ebpf.Map
	progs    map[string]*ebpf.Program
	used     map[string]Hook // by signal
	links    []link.Link     // a dropped link is collected and detaches: keep them
	signals  event.Signals

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
		return nil, errors.New("--hooks must name tracepoint: everything rests on it")
	}
	spec, err := loadBpf()
	if err != nil {
		return nil, fmt.Errorf("reading the embedded programs: %w", err)
	}
	p := &Probe{spec: spec, cache: btf.NewCache(), opts: opts, progs: map[string]*ebpf.Program{}, used: map[string]Hook{}}
	if err := p.open(); err != nil {
		p.Close()
		return nil, explain(err)
	}
	return p, nil
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

// forget drops the types of the kernel: some 30 MiB that are not needed any more.
func (p *Probe) forget() {
	p.foldSpec, p.failSpec = p.spec.Maps["pt_folds_first"], p.spec.Maps["pt_fails_first"]
	p.spec, p.cache = nil, nil
	debug.FreeOSMemory()
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
		return fmt.Errorf("creating maps: %w", err)
	}
	p.maps = coll.Maps
	for name, m := range p.maps {
		p.spec.Maps[name].MaxEntries = m.MaxEntries()
	}
	return nil
}

// attachStates tries with socket cookies first, which 5.10 does not have for tracing.
func (p *Probe) attachStates() error {
	cookie := event.Signal{Name: "cookie", Mode: event.Exact, Hook: states.name}
	if err := p.attach(states, true); err != nil {
		plain := p.attach(states, false)
		if plain != nil {
			return fmt.Errorf("attaching %s: %w", states.name, plain)
		}
		cookie.Mode, cookie.Hook = event.Off, ""
		cookie.Reason = "this kernel has no bpf_get_socket_cookie for tracing: " + brief(err)
	}
	base := event.Signals{{Name: "states", Mode: states.mode, Hook: states.name}, cookie}
	p.signals = append(base, p.signals...)
	return nil
}

// climb uses the first rung that holds and notes why those above it did not.
func (p *Probe) climb(s signal) {
	var refused []string
	for _, r := range s.ladder {
		if !p.allowed(s, r) {
			refused = append(refused, string(r.hook)+" not in --hooks")
			continue
		}
		if err := p.attach(r, false); err != nil {
			refused = append(refused, string(r.hook)+": "+brief(err))
			continue
		}
		reasons := refused
		if r.why != "" {
			reasons = append([]string{r.why}, refused...)
		}
		p.signals = append(p.signals, event.Signal{Name: s.name, Mode: r.mode, Hook: r.name, Reason: strings.Join(reasons, "; ")})
		p.used[s.name] = r.hook
		return
	}
	reasons := append([]string{s.without}, refused...)
	p.signals = append(p.signals, event.Signal{Name: s.name, Mode: event.Off, Reason: strings.Join(reasons, "; ")})
}

// allowed reports whether the rung may be tried: it is in --hooks, and where system
// calls are watched for one signal they are for the other.
func (p *Probe) allowed(s signal, r rung) bool {
	if s.name == "bind" && (p.used["connect_errors"] == Syscall) != (r.hook == Syscall) {
		return false
	}
	return slices.Contains(p.opts.Hooks, r.hook)
}

// attach loads the rung's programs and attaches all of them, or none.
func (p *Probe) attach(r rung, cookie bool) error {
	if len(r.programs) == 0 || p.attached(r) {
		return nil
	}
	coll, err := p.load(r.programs, cookie)
	if err != nil {
		return err
	}
	defer coll.Close()
	var links []link.Link
	for _, name := range r.programs {
		l, err := attachProgram(p.spec.Programs[name], coll.Programs[name])
		if err != nil {
			for _, l := range links {
				l.Close()
			}
			return err
		}
		links = append(links, l)
	}
	p.links = append(p.links, links...)
	for _, name := range r.programs {
		p.progs[name] = coll.DetachProgram(name)
	}
	return nil
}

func (p *Probe) attached(r rung) bool {
	_, ok := p.progs[r.programs[0]]
	return ok
}

func (p *Probe) load(programs []string, cookie bool) (*ebpf.Collection, error) {
	spec := p.spec.Copy()
	for name := range spec.Programs {
		if !slices.Contains(programs, name) {
			delete(spec.Programs, name)
		}
	}
	for name, value := range map[string]any{
		"opt_cookie": cookie, "opt_select": p.opts.Targets != nil, "opt_pidns": p.opts.PIDNS,
		"opt_calls": p.used["connect_errors"] != "",
	} {
		if err := spec.Variables[name].Set(value); err != nil {
			return nil, fmt.Errorf("setting %s: %w", name, err)
		}
	}
	return ebpf.NewCollectionWithOptions(spec, ebpf.CollectionOptions{Cache: p.cache, MapReplacements: p.maps})
}

func attachProgram(spec *ebpf.ProgramSpec, prog *ebpf.Program) (link.Link, error) {
	kind, target, _ := strings.Cut(spec.SectionName, "/")
	switch kind {
	case "tp_btf", "fexit":
		return link.AttachTracing(link.TracingOptions{Program: prog, AttachType: spec.AttachType})
	case "kprobe":
		return link.Kprobe(target, prog, nil)
	case "kretprobe":
		return link.Kretprobe(target, prog, nil)
	case "cgroup":
		root, err := cgroupRoot()
		if err != nil {
			return nil, err
		}
		return link.AttachCgroup(link.CgroupOptions{Path: root, Attach: spec.AttachType, Program: prog})
	}
	return nil, fmt.Errorf("no way to attach %s", spec.SectionName)
}

// selectTargets fills the map of selected processes before anything is attached.
// Forks are followed first, so that no child slips through.
func (p *Probe) selectTargets() error {
	if p.opts.Children {
		if err := p.attach(rung{programs: []string{forksProgram}}, false); err != nil {
			return fmt.Errorf("--children: following forks: %w", err)
		}
	}
	for _, t := range p.opts.Targets {
		if err := p.Select(t); err != nil {
			return err
		}
	}
	return nil
}

// Select shows one more process in detail.
func (p *Probe) Select(id event.ProcID) error {
	if err := p.maps["pt_targets"].Put(id.PID, id.Start); err != nil {
		return fmt.Errorf("selecting process %d: %w", id.PID, err)
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
	p.links, p.progs, p.maps, p.events, p.failures = nil, nil, nil, nil, nil
}

// brief is the end of an error, which says what the kernel answered. A program that the
// verifier refuses is a bug of ours and said in full.
func brief(err error) string {
	line, _, _ := strings.Cut(err.Error(), "\n")
	var refused *ebpf.VerifierError
	if errors.As(err, &refused) && !strings.Contains(line, "unknown func") {
		return "verifier: " + line
	}
	line = line[strings.LastIndex(line, ": ")+1:]
	line, _, _ = strings.Cut(line, " (")
	return strings.TrimSpace(line)
}
