package probe

import (
	"errors"
	"fmt"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/btf"
)

// What the start waits for longest is done beside the rest: the types of the kernel are large, the
// verifier takes as long for the largest program as for all others, and each change of a map of
// maps waits for RCU, 7 to 10 ms.

// readAhead begins to read the types of the kernel, and returns a channel that is closed when they
// are read. Whether that failed is seen when they are needed.
func readAhead(types *btf.Cache) <-chan struct{} {
	done := make(chan struct{})
	go func() {
		defer close(done)
		_, _ = types.Kernel()
	}()
	return done
}

// loaded is a collection that another goroutine has loaded.
type loaded struct {
	coll    *ebpf.Collection
	cookies bool
	err     error
}

// loadAhead begins to load the programs of a rung. attachLoaded must follow.
func (p *Probe) loadAhead(r rung) {
	cookies := r.cookies && p.noCookies == nil
	spec, err := p.specOf(r.programs, cookies)
	p.ahead = make(chan loaded, 1)
	if err != nil {
		p.ahead <- loaded{err: err}
		return
	}
	go func() {
		coll, err := p.newCollection(spec, cookies)
		p.ahead <- loaded{coll, cookies, err}
	}()
}

// attachLoaded attaches the rung that is being loaded. A kernel that refuses the helper for cookies
// gets the programs again without it.
func (p *Probe) attachLoaded(r rung) error {
	got := <-p.ahead
	if got.cookies && refusesCookies(got.err) {
		p.noCookies = got.err
		got.coll, got.err = p.loadPrograms(r.programs, false)
	}
	if got.err != nil {
		return got.err
	}
	return p.attachAll(r, got.coll)
}

// emptied takes the inner maps out of the maps of maps, and returns them by the names of these.
func emptied(specs map[string]*ebpf.MapSpec) map[string][]ebpf.MapKV {
	contents := map[string][]ebpf.MapKV{}
	for name, spec := range specs {
		if spec.InnerMap != nil {
			contents[name], spec.Contents = spec.Contents, nil
		}
	}
	return contents
}

// fill begins to put the inner maps, by their names, into the maps of maps, all at once: they wait
// for the same RCU.
func (p *Probe) fill(contents map[string][]ebpf.MapKV) {
	var puts []func() error
	for outer, list := range contents {
		for _, kv := range list {
			name, _ := kv.Value.(string)
			to, inner := p.maps[outer], p.maps[name]
			puts = append(puts, func() error {
				if err := to.Put(kv.Key, inner); err != nil {
					return fmt.Errorf("filling %s: %w", outer, err)
				}
				return nil
			})
		}
	}
	p.filling = make(chan error, len(puts))
	for _, put := range puts {
		go func() { p.filling <- put() }()
	}
}

// filled waits until the maps of maps are filled.
func (p *Probe) filled() error {
	var err error
	for range cap(p.filling) {
		err = errors.Join(err, <-p.filling)
	}
	return err
}
