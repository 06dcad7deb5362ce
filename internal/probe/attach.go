package probe

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/linux"
)

// attachStates must be called last: it enables the programs that need the state changes.
func (p *Probe) attachStates() error {
	if err := p.attachLoaded(states); err != nil {
		return fmt.Errorf("attaching %s: %w", states.name, err)
	}
	if err := p.filled(); err != nil {
		return err
	}
	if err := p.maps["pt_ready"].Put(uint32(0), uint32(1)); err != nil {
		return fmt.Errorf("enabling the programs: %w", err)
	}
	return nil
}

// attachSignal attaches the first rung that can be attached. Its reasons say why the
// rungs before it could not.
func (p *Probe) attachSignal(s signal) {
	var refused []string
	for _, r := range s.ladder {
		if !p.allowed(s, r) {
			refused = append(refused, string(r.hook)+" not in --hooks")
			continue
		}
		if err := p.attach(r); err != nil {
			refused = append(refused, string(r.hook)+": "+thisHost().refused(r.hook, err))
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

// allowed reports whether the rung may be tried: its hook is in --hooks, and system calls
// are traced either for both connect_errors and bind or for neither.
func (p *Probe) allowed(s signal, r rung) bool {
	if s.name == event.SignalBind && (p.used[event.SignalConnectErrors] == Syscall) != (r.hook == Syscall) {
		return false
	}
	return r.hook == iterate || slices.Contains(p.opts.Hooks, r.hook)
}

// attach loads the rung's programs and attaches all of them, or none.
func (p *Probe) attach(r rung) error {
	if len(r.programs) == 0 || p.attached(r) {
		return nil
	}
	if err := checkHook(r.hook); err != nil {
		return err
	}
	coll, err := p.load(r)
	if err != nil {
		return err
	}
	return p.attachAll(r, coll)
}

// attachAll attaches the programs of the rung, which it takes out of the collection, or none.
func (p *Probe) attachAll(r rung, coll *ebpf.Collection) error {
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
		if l != nil {
			links = append(links, l)
		}
	}
	p.links = append(p.links, links...)
	for _, name := range r.programs {
		p.progs[name] = coll.DetachProgram(name)
	}
	if r.hook == iterate { // each of its programs has a link
		for i, name := range r.programs {
			p.iters[name], _ = links[i].(*link.Iter)
		}
	}
	return nil
}

func (p *Probe) attached(r rung) bool {
	_, ok := p.progs[r.programs[0]]
	return ok
}

// load tries first with the helper for socket cookies, which 5.10 does not have for tracing.
func (p *Probe) load(r rung) (*ebpf.Collection, error) {
	if !r.cookies || p.noCookies != nil {
		return p.loadPrograms(r.programs, false)
	}
	coll, err := p.loadPrograms(r.programs, true)
	if !refusesCookies(err) {
		return coll, err
	}
	p.noCookies = err
	return p.loadPrograms(r.programs, false)
}

func refusesCookies(err error) bool {
	var refused *ebpf.VerifierError
	return errors.As(err, &refused) &&
		slices.ContainsFunc(refused.Log, func(line string) bool { return strings.Contains(line, "bpf_get_socket_cookie") })
}

func (p *Probe) loadPrograms(programs []string, cookie bool) (*ebpf.Collection, error) {
	spec, err := p.specOf(programs, cookie)
	if err != nil {
		return nil, err
	}
	return p.newCollection(spec, cookie)
}

// specOf returns the programs, with the values of their options.
func (p *Probe) specOf(programs []string, cookie bool) (*ebpf.CollectionSpec, error) {
	spec := p.spec.Copy()
	for name := range spec.Programs {
		if !slices.Contains(programs, name) {
			delete(spec.Programs, name)
		}
	}
	for name, value := range map[string]any{
		"opt_cookie": cookie, "opt_select": p.opts.Targets != nil, "opt_pidns": p.opts.PIDNS,
		"opt_self": p.opts.Self.PID, "opt_self_start": p.opts.Self.Start,
		"opt_calls": p.used[event.SignalConnectErrors] != "", "opt_tick_ns": uint64(linux.Jiffy()),
		"opt_wheel_shift": wheelShift(linux.Jiffy()), "opt_kept_conns": spec.Maps["pt_conns"].MaxEntries / 8,
	} {
		if err := spec.Variables[name].Set(value); err != nil {
			return nil, fmt.Errorf("setting %s: %w", name, err)
		}
	}
	return spec, nil
}

// newCollection has the programs verified. Several goroutines may call it.
func (p *Probe) newCollection(spec *ebpf.CollectionSpec, cookie bool) (*ebpf.Collection, error) {
	loading := ebpf.CollectionOptions{Cache: p.cache, MapReplacements: p.maps}
	if cookie {
		// The short log has the reason of a refusal. Without it, the library verifies a
		// refused program several times, with ever larger buffers for the long log.
		loading.Programs.LogLevel = ebpf.LogLevelStats
	}
	return ebpf.NewCollectionWithOptions(spec, loading)
}

// attachProgram returns no link for a program that user space runs.
func attachProgram(spec *ebpf.ProgramSpec, prog *ebpf.Program) (link.Link, error) {
	kind, _, _ := strings.Cut(spec.SectionName, "/")
	switch kind {
	case "tp_btf", "fexit":
		return link.AttachTracing(link.TracingOptions{Program: prog, AttachType: spec.AttachType})
	case "kprobe":
		l, err := link.Kprobe(spec.AttachTo, prog, nil)
		return l, kprobeError(spec.AttachTo, err)
	case "kretprobe":
		l, err := link.Kretprobe(spec.AttachTo, prog, nil)
		return l, kprobeError(spec.AttachTo, err)
	case "raw_tp":
		return nil, nil
	case "iter":
		return link.AttachIter(link.IterOptions{Program: prog})
	case "cgroup":
		root, err := cgroupRoot()
		if err != nil {
			return nil, err
		}
		return link.AttachCgroup(link.CgroupOptions{Path: root, Attach: spec.AttachType, Program: prog})
	}
	return nil, fmt.Errorf("attaching %s: unknown section", spec.SectionName)
}
