// Command vm runs the kernel tests on Debian's kernels, each in a virtual machine that
// lives for the tests only:
//
//	go run ./internal/lab/vm                     all kernels, in every mode
//	go run ./internal/lab/vm -kernel 6.1,newest  these
//	go run ./internal/lab/vm -run TestExhausted  with these tests
//
// It needs (Debian): qemu-system-x86, qemu-system-arm, kmod, cpio, xz-utils, zstd.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"
)

// config has the values of the command line.
type config struct {
	kernels  []kernel
	run      string
	parallel int
	timeout  time.Duration
	cache    string
	verbose  bool
	modes    []string
	storms   bool
	full     bool
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:])
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "vm:", err)
		os.Exit(1)
	}
}

func parse(args []string) (config, error) {
	cfg := config{}
	flags := flag.NewFlagSet("vm", flag.ExitOnError)
	kernels := flags.String("kernel", "", "only these, as in 6.1,newest,6.12-rt,6.12/arm64")
	modes := flags.String("modes", "all", "all, default: only with the best hooks, or kprobes: with the best hooks, and with kprobes")
	flags.StringVar(&cfg.run, "run", "", "only the tests that match")
	flags.IntVar(&cfg.parallel, "parallel", 2, "machines at a time")
	flags.DurationVar(&cfg.timeout, "timeout", 30*time.Minute, "for one machine")
	flags.StringVar(&cfg.cache, "cache", "", "where kernels are kept")
	flags.BoolVar(&cfg.full, "full", false, "with as many cases as on a real processor")
	flags.BoolVar(&cfg.storms, "storms", true, "with those tests that make a storm of connections: half of the time")
	flags.BoolVar(&cfg.verbose, "v", false, "print all that the tests print")
	if err := flags.Parse(args); err != nil {
		return cfg, err
	}
	var err error
	if cfg.modes, err = someModes(*modes); err != nil {
		return cfg, err
	}
	for _, k := range everywhere {
		if *kernels != "" && !slices.Contains(strings.Split(*kernels, ","), k.String()) {
			continue
		}
		cfg.kernels = append(cfg.kernels, k)
	}
	if len(cfg.kernels) == 0 {
		return cfg, fmt.Errorf("-kernel %s: there are %v", *kernels, everywhere)
	}
	if cfg.cache == "" {
		dir, err := os.UserCacheDir()
		if err != nil {
			return cfg, err
		}
		cfg.cache = filepath.Join(dir, "porttrace-vm")
	}
	return cfg, nil
}

func run(ctx context.Context, args []string) error {
	cfg, err := parse(args)
	if err != nil {
		return err
	}
	tmp, err := os.MkdirTemp("", "porttrace-vm-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(tmp)
	jobs, err := prepare(cfg, tmp)
	if err != nil {
		return err
	}
	kvm := kvmWorks(ctx, runtime.GOARCH, jobs[0].image)
	var wait sync.WaitGroup
	slots := make(chan struct{}, cfg.parallel)
	for _, j := range jobs {
		wait.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			j.run(ctx, cfg, kvm && j.kernel.arch == runtime.GOARCH)
		})
	}
	wait.Wait()
	return summary(jobs)
}

// job is the tests on one kernel.
type job struct {
	kernel kernel
	modes  []string
	pack   pack
	image  image
	remake func(runs [][]string) (image, error) // the same with other runs

	took    time.Duration
	failed  []string // modes
	err     error
	skipped map[string]int // tests, by the reason
}

// prepare fetches the kernels and builds the programs.
func prepare(cfg config, tmp string) ([]*job, error) {
	archives := map[string]*archive{}
	var jobs []*job
	for i, k := range cfg.kernels {
		dir := filepath.Join(tmp, fmt.Sprint(i))
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return nil, err
		}
		if archives[k.arch] == nil {
			a, err := openArchive(cfg.cache, k.arch)
			if err != nil {
				return nil, err
			}
			if err := build(k.arch, filepath.Join(tmp, k.arch)); err != nil {
				return nil, err
			}
			archives[k.arch] = a
		}
		j := &job{kernel: k, modes: cfg.modes}
		if err := j.prepare(cfg, archives[k.arch], dir, filepath.Join(tmp, k.arch)); err != nil {
			return nil, fmt.Errorf("kernel %s: %w", k, err)
		}
		jobs = append(jobs, j)
	}
	return jobs, nil
}

func (j *job) prepare(cfg config, a *archive, dir, programs string) error {
	packs, err := a.kernels(j.kernel.flavour)
	if err != nil {
		return err
	}
	if j.pack, err = choose(j.kernel.version, packs); err != nil {
		return err
	}
	if j.kernel.version != newest && j.pack.series() != series(j.kernel.version) {
		fmt.Printf("vm: the archive has no kernel %s any more: %s takes its place\n", j.kernel, j.pack.version)
	}
	root, err := a.fetch(j.pack, cfg.cache)
	if err != nil {
		return err
	}
	j.remake = func(runs [][]string) (image, error) {
		return makeImage(dir, root, filepath.Join(programs, "guest"), filepath.Join(programs, "kerneltest"), runs)
	}
	var runs [][]string
	for _, mode := range j.modes {
		runs = append(runs, cfg.command(mode))
	}
	j.image, err = j.remake(runs)
	return err
}

// skipped are the tests that no mode runs.
func (cfg config) skipped() string {
	if cfg.storms {
		return skipped
	}
	return skipped + "|" + storms
}

// command is the run of the tests in a mode, as the guest takes it.
func (cfg config) command(mode string) []string {
	which := cfg.run
	if which == "" && mode != "" {
		which = central
	}
	return cfg.commandOf(mode, which)
}

func (cfg config) commandOf(mode, which string) []string {
	return []string{
		"PORTTRACE_TEST_HOOKS=" + mode, "--",
		"/kerneltest", "-test.v", fmt.Sprintf("-test.short=%t", !cfg.full), "-test.timeout=" + cfg.timeout.String(), "-test.run=" + which, "-test.skip=" + cfg.skipped(),
	}
}

// build makes the static programs that run in the machine.
func build(arch, dir string) error {
	for _, args := range [][]string{
		{"build", "-o", filepath.Join(dir, "guest"), "./internal/lab/vm/guest"},
		{"test", "-c", "-o", filepath.Join(dir, "kerneltest"), "./internal/kerneltest"},
	} {
		cmd := exec.Command("go", args...)
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOARCH="+arch)
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("go %s: %w\n%s", strings.Join(args, " "), err, out)
		}
	}
	return nil
}

func (j *job) run(ctx context.Context, cfg config, kvm bool) {
	begun := time.Now()
	defer func() { j.took = time.Since(begun) }()
	ctx, cancel := context.WithTimeout(ctx, cfg.timeout)
	defer cancel()
	processor := j.kernel.processor(kvm)
	printers := j.boot(ctx, cfg, processor, j.modes, j.image)
	if !kvm && j.err == nil {
		j.again(ctx, cfg, processor, printers)
	}
	j.skipped = map[string]int{}
	for _, p := range printers {
		if p.status != 0 {
			j.failed = append(j.failed, p.head)
			p.failed()
		}
		for why, n := range p.skipped {
			j.skipped[why] += n
		}
	}
}

// boot runs the image, and returns what was printed in each mode.
func (j *job) boot(ctx context.Context, cfg config, processor, modes []string, img image) []*printer {
	var printers []*printer
	for _, mode := range modes {
		printers = append(printers, newPrinter(j.name(mode), cfg.verbose))
	}
	ended, err := boot(ctx, j.kernel.arch, processor, img, func(run int, line string) { printers[run].take(line) })
	j.err = err
	for i, p := range printers {
		if status, ok := ended[i]; ok {
			p.status = status
		}
	}
	return printers
}

// again runs the tests that failed once more, alone. An emulated processor whose clock is that of
// the host stands still whenever the host is busy, and one whose clock counts instructions runs all
// tests beside each other at a tenth of the speed: a test that fails there only once can have failed
// for that reason. Each is printed.
func (j *job) again(ctx context.Context, cfg config, processor []string, printers []*printer) {
	var runs [][]string
	var modes []string
	var first []*printer
	for i, p := range printers {
		if p.status != 0 && len(p.wrong) > 0 {
			mode := j.modes[i]
			runs = append(runs, cfg.commandOf(mode, "^("+strings.Join(p.wrong, "|")+")$"))
			modes, first = append(modes, mode), append(first, p)
		}
	}
	if len(runs) == 0 {
		return
	}
	img, err := j.remake(runs)
	if err != nil {
		j.err = err
		return
	}
	for i, p := range j.boot(ctx, cfg, processor, modes, img) {
		first[i].print("AGAIN: failed, and is run once more: " + strings.Join(first[i].wrong, ", "))
		first[i].status = p.status
		first[i].held = append(first[i].held, p.held...)
	}
}

func (j *job) name(mode string) string {
	if mode == "" {
		mode = "default"
	}
	return j.kernel.String() + " " + mode
}

// summary prints a line a kernel and why tests were skipped, and is an error unless all
// passed.
func summary(jobs []*job) error {
	var failed []error
	for _, j := range jobs {
		state := "ok"
		if j.err != nil || len(j.failed) > 0 {
			state = "FAIL"
			failed = append(failed, fmt.Errorf("%s: %s", j.kernel, strings.Join(j.failed, ", ")), j.err)
		}
		fmt.Printf("%-4s %-14s %-45s %d modes, %.0f s\n", state, j.kernel, j.pack.name, len(j.modes), j.took.Seconds())
		for _, why := range slices.Sorted(maps.Keys(j.skipped)) {
			fmt.Printf("       %d skipped: %s\n", j.skipped[why], why)
		}
	}
	return errors.Join(failed...)
}
