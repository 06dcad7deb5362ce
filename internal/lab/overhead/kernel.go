package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"unsafe"

	"golang.org/x/sys/unix"
)

// kernelSample is what the programs of one tracer cost in one storm.
type kernelSample struct {
	runsPerConnection float64
	nsPerRun          float64
	usPerConnection   float64
}

// measureKernel runs each tracer once with run time statistics on, which add
// some 75 ns to each run of a program.
func measureKernel(ctx context.Context, cfg config, storm string) error {
	samples := make([]kernelSample, len(cfg.tracers))
	for i, mode := range cfg.tracers {
		s, err := kernelOnce(ctx, cfg, storm, mode)
		if err != nil {
			return fmt.Errorf("%s storm, statistics of %s: %w", storm, mode.name, err)
		}
		samples[i] = s
	}
	return printKernel(os.Stdout, storm, cfg.tracers, samples)
}

// kernelOnce charges a tracer with the run time of all programs that were not
// there before it.
func kernelOnce(ctx context.Context, cfg config, storm string, mode command) (_ kernelSample, err error) {
	others, err := programs()
	if err != nil {
		return kernelSample{}, err
	}
	t, err := startTracer(ctx, mode, cfg.settle)
	if err != nil {
		return kernelSample{}, err
	}
	defer func() { err = errors.Join(err, t.stop()) }()
	statsOff, err := statsOn()
	if err != nil {
		return kernelSample{}, err
	}
	defer func() { err = errors.Join(err, statsOff()) }()
	before, err := programs()
	if err != nil {
		return kernelSample{}, err
	}
	s, err := blow(ctx, cfg, storm)
	if err != nil {
		return kernelSample{}, err
	}
	after, err := programs()
	if err != nil {
		return kernelSample{}, err
	}
	var total program
	for id, p := range after {
		if _, other := others[id]; !other {
			total.RunTimeNs += p.RunTimeNs - before[id].RunTimeNs
			total.RunCnt += p.RunCnt - before[id].RunCnt
		}
	}
	return kernelSample{
		runsPerConnection: float64(total.RunCnt) / float64(s.connections),
		nsPerRun:          float64(total.RunTimeNs) / float64(max(1, total.RunCnt)),
		usPerConnection:   float64(total.RunTimeNs) / 1e3 / float64(s.connections),
	}, nil
}

// program is a loaded BPF program as bpftool-prog(8) shows it.
type program struct {
	ID        int    `json:"id"`
	RunTimeNs uint64 `json:"run_time_ns"`
	RunCnt    uint64 `json:"run_cnt"`
}

// programs returns all loaded programs by their id.
func programs() (map[int]program, error) {
	out, err := exec.Command("bpftool", "prog", "show", "-j").Output()
	if err != nil {
		return nil, fmt.Errorf("listing BPF programs: %w", err)
	}
	var list []program
	if err := json.Unmarshal(out, &list); err != nil {
		return nil, fmt.Errorf("reading the list of BPF programs: %w", err)
	}
	byID := make(map[int]program, len(list))
	for _, p := range list {
		byID[p.ID] = p
	}
	return byID, nil
}

// bpfEnableStats is BPF_ENABLE_STATS of bpf(2), since Linux 5.8.
const bpfEnableStats = 32

// statsOn switches run time statistics on. They are on as long as a file is
// open, so the kernel switches them off even if this process is killed.
func statsOn() (off func() error, err error) {
	attr := [1]uint32{0} // BPF_STATS_RUN_TIME
	fd, _, errno := unix.Syscall(unix.SYS_BPF, bpfEnableStats, uintptr(unsafe.Pointer(&attr)), unsafe.Sizeof(attr))
	if errno != 0 {
		return nil, fmt.Errorf("switching BPF statistics on: %w", errno)
	}
	return func() error { return unix.Close(int(fd)) }, nil
}

// needStatsOff refuses to measure if statistics are on already.
func needStatsOff() error {
	text, err := os.ReadFile("/proc/sys/kernel/bpf_stats_enabled")
	if err != nil {
		return err
	}
	if strings.TrimSpace(string(text)) != "0" {
		return errors.New("kernel.bpf_stats_enabled is on, which slows all tracers: set it to 0")
	}
	return nil
}
