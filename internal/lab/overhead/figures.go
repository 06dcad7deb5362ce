package main

import (
	"math"
	"slices"
)

// measured is what all rounds of one storm have shown, each by mode.
type measured struct {
	rounds []map[string]sample
	kernel []map[string]kernelSample
	memory map[string]memorySample
}

// figures are what one mode costs in one storm: medians over the rounds, but for memory, of which
// it is the greatest. NaN: not measured, or not of this
// mode.
type figures struct {
	storm     string
	mode      mode
	perSecond float64 // connections

	kept, keptOfEmpty          float64 // throughput, as a part of that without a tracer, and with the empty program
	storming, keptByCPU        float64 // CPU time of the storm, us a connection; kept of the empty program's by it
	runs, nsPerRun             float64 // of its programs; runs in a connection
	kernel, kernelNet          float64 // us a connection; net of the empty program
	tracer                     float64 // us of its CPU time a connection
	peakMiB, laterMiB, mapsMiB float64
	idlePercent                float64 // of one CPU, in the end of the wait
}

const mebi = 1 << 20

// figures returns those of all modes.
func (m *measured) figures(s storm, modes []mode) []figures {
	var list []figures
	for _, mode := range modes {
		if s.onlyMemory && !mode.hasGoals() {
			continue
		}
		f := m.ofSpeed(mode.name)
		if mode.kind != bare {
			m.addKernel(&f, mode.name)
			m.addMemory(&f, mode.name)
		}
		f.storm, f.mode = s.name, mode
		list = append(list, f)
	}
	return list
}

// ofSpeed returns the throughput, and no more. Ratios are of the same round.
func (m *measured) ofSpeed(name string) figures {
	no := math.NaN()
	return figures{
		perSecond:   medianOf(m.rounds, func(r map[string]sample) float64 { return r[name].perSecond }),
		kept:        medianOf(m.rounds, func(r map[string]sample) float64 { return r[name].perSecond / r[none].perSecond }),
		keptOfEmpty: medianOf(m.rounds, func(r map[string]sample) float64 { return r[name].perSecond / r[emptyFloor].perSecond }),
		storming:    medianOf(m.rounds, func(r map[string]sample) float64 { return r[name].stormCost() }),
		keptByCPU:   medianOf(m.rounds, func(r map[string]sample) float64 { return r[emptyFloor].stormCost() / r[name].stormCost() }),
		runs:        no, nsPerRun: no, kernel: no, kernelNet: no, tracer: no,
		peakMiB: no, laterMiB: no, mapsMiB: no, idlePercent: no,
	}
}

// addKernel adds what the tracer has taken of the processors, and its maps.
func (m *measured) addKernel(f *figures, name string) {
	of := func(value func(s, empty kernelSample) float64) float64 {
		return medianOf(m.kernel, func(r map[string]kernelSample) float64 { return value(r[name], r[emptyFloor]) })
	}
	f.runs = of(func(s, _ kernelSample) float64 { return s.runsPerConnection })
	f.nsPerRun = of(func(s, _ kernelSample) float64 { return s.nsPerRun })
	f.kernel = of(func(s, _ kernelSample) float64 { return s.usPerConnection })
	f.kernelNet = of(func(s, empty kernelSample) float64 { return s.usPerConnection - empty.usPerConnection })
	f.mapsMiB = of(func(s, _ kernelSample) float64 { return float64(s.maps) / mebi })
	f.tracer = medianOf(m.rounds, func(r map[string]sample) float64 { return r[name].tracerCost() })
}

// addMemory adds what the tracer has kept in memory.
func (m *measured) addMemory(f *figures, name string) {
	var peak int64
	for _, r := range m.rounds {
		peak = max(peak, r[name].tracerPeak)
	}
	if after, is := m.memory[name]; is {
		peak = max(peak, after.peak)
		f.laterMiB, f.idlePercent = float64(after.later)/mebi, 100*after.idle
	}
	if peak > 0 {
		f.peakMiB = float64(peak) / mebi
	}
}

// medianOf returns the median of a value of each round, NaN without rounds.
func medianOf[T any](rounds []T, value func(T) float64) float64 {
	if len(rounds) == 0 {
		return math.NaN()
	}
	var values []float64
	for _, r := range rounds {
		values = append(values, value(r))
	}
	slices.Sort(values)
	middle := len(values) / 2
	if len(values)%2 == 1 {
		return values[middle]
	}
	return (values[middle-1] + values[middle]) / 2
}
