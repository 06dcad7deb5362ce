package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"

	"github.com/porttrace/porttrace/internal/lab"
)

// kernelSample is what the programs of one tracer cost in one storm.
type kernelSample struct {
	runsPerConnection float64
	nsPerRun          float64
	usPerConnection   float64
	maps              int64 // bytes of its maps, after the storm
}

// kernelOnce runs a storm with run time statistics on.
func kernelOnce(ctx context.Context, cfg config, s storm, m mode) (kernelSample, error) {
	if m.kind == bare {
		return kernelSample{}, nil
	}
	t, err := startTracer(ctx, m, cfg.settle)
	if err != nil {
		return kernelSample{}, err
	}
	sample, err := withStatistics(ctx, s, t)
	return sample, errors.Join(err, t.stop())
}

// withStatistics runs a storm. The statistics are on until they are closed, if by our end.
func withStatistics(ctx context.Context, s storm, t *tracer) (_ kernelSample, err error) {
	statistics, err := ebpf.EnableStats(unix.BPF_STATS_RUN_TIME)
	if err != nil {
		return kernelSample{}, fmt.Errorf("switching BPF statistics on: %w", err)
	}
	defer func() { err = errors.Join(err, statistics.Close()) }()
	before, err := runsOf(t.pid)
	if err != nil {
		return kernelSample{}, err
	}
	result, err := blow(ctx, s)
	if err != nil {
		return kernelSample{}, err
	}
	after, err := runsOf(t.pid)
	held, errMaps := mapsOf(t.pid)
	took, count := after.time-before.time, after.count-before.count
	return kernelSample{
		runsPerConnection: float64(count) / float64(result.connections),
		nsPerRun:          float64(took.Nanoseconds()) / float64(max(1, count)),
		usPerConnection:   took.Seconds() * 1e6 / float64(result.connections),
		maps:              held,
	}, errors.Join(err, errMaps)
}

// runs is what the kernel has counted of programs.
type runs struct {
	time  time.Duration
	count uint64
}

// runsOf returns the runs of the programs of a process: it holds them, or links of them.
func runsOf(pid int) (runs, error) {
	ids, err := heldBy(pid, "prog_id")
	if err != nil {
		return runs{}, err
	}
	var total runs
	for id := range ids {
		program, err := ebpf.NewProgramFromID(ebpf.ProgramID(id))
		if err != nil {
			return runs{}, fmt.Errorf("opening BPF program %d: %w", id, err)
		}
		stats, err := program.Stats()
		if err := errors.Join(err, program.Close()); err != nil {
			return runs{}, fmt.Errorf("reading BPF program %d: %w", id, err)
		}
		total.time += stats.Runtime
		total.count += stats.RunCount
	}
	return total, nil
}

// mapsOf returns the bytes that the maps of a process take, as the kernel says, with those that
// are in a map of maps.
func mapsOf(pid int) (total int64, err error) {
	ids, err := heldBy(pid, "map_id")
	if err != nil {
		return 0, err
	}
	for id := range ids {
		bytes, err := mapBytes(ebpf.MapID(id))
		if err != nil {
			return 0, fmt.Errorf("reading BPF map %d: %w", id, err)
		}
		total += bytes
	}
	return total, nil
}

func mapBytes(id ebpf.MapID) (int64, error) {
	m, err := ebpf.NewMapFromID(id)
	if err != nil {
		return 0, err
	}
	defer m.Close()
	info, err := m.Info()
	if err != nil {
		return 0, err
	}
	bytes, _ := info.Memlock()
	total := int64(bytes)
	if m.Type() != ebpf.ArrayOfMaps {
		return total, nil
	}
	for index := range m.MaxEntries() {
		var inner ebpf.MapID
		if err := m.Lookup(index, &inner); errors.Is(err, ebpf.ErrKeyNotExist) {
			continue
		} else if err != nil {
			return 0, err
		}
		of, err := mapBytes(inner)
		if err != nil && !errors.Is(err, os.ErrNotExist) { // the tracer has replaced it
			return 0, err
		}
		total += of
	}
	return total, nil
}

// heldBy returns the ids of the BPF objects that a process has open, by their field of
// proc_pid_fdinfo(5).
func heldBy(pid int, field string) (map[int]bool, error) {
	values, err := lab.FDInfo(pid, field)
	if err != nil {
		return nil, fmt.Errorf("reading the files of the tracer: %w", err)
	}
	ids := map[int]bool{}
	for _, id := range values {
		ids[int(id)] = true
	}
	return ids, nil
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
