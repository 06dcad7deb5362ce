package whatif

import "math"

// Knob is what Solve changes.
type Knob string

const (
	SolveRange        Knob = "range"        // System.Ports
	SolvePool         Knob = "pool"         // Load.Requests
	SolveDestinations Knob = "destinations" // Load.Destinations
	SolveSources      Knob = "sources"      // System.Sources
	SolveRate         Knob = "rate"         // Load.Rate
)

// Knobs are all of them.
var Knobs = []Knob{SolveRange, SolvePool, SolveDestinations, SolveSources, SolveRate}

// Solution is the smallest change of one knob with which a load survives, or the highest rate.
type Solution struct {
	Knob     Knob
	Possible bool
	Already  bool    // it survives without a change
	Value    float64 // of the knob: ports, requests per connection, ends, addresses, per second
	Result   Result  // with that value; if it is not Possible, with the most that can be tried
}

// mostOf bounds what is tried of a knob. 64,512 ports are those from 1024 on.
var mostOf = map[Knob]int{SolveRange: 64512, SolvePool: 1 << 20, SolveDestinations: 1 << 16, SolveSources: 1 << 12}

// MostOf returns the most that is tried of a knob.
func MostOf(knob Knob) int { return mostOf[knob] }

// Solve finds the smallest change by simulation. mostPorts is the largest range that the system
// accepts, 0: as Linux does.
func Solve(system System, load Load, knob Knob, mostPorts int) Solution {
	system, load = system.normal(), load.normal()
	if knob == SolveRate {
		return solveRate(system, load)
	}
	most := mostOf[knob]
	if knob == SolveRange && mostPorts > 0 {
		most = mostPorts
	}
	return SolveWith(knob, present(system, load, knob), most, func(n int) Result {
		return untilFailure(set(system, load, knob, n))
	}, func(n int) Result { return Simulate(set(system, load, knob, n)) })
}

func present(system System, load Load, knob Knob) int {
	switch knob {
	case SolveRange:
		return system.Ports
	case SolvePool:
		return load.Requests
	case SolveDestinations:
		return load.Destinations
	case SolveSources:
		return system.Sources
	}
	return 0
}

func set(system System, load Load, knob Knob, n int) (System, Load) {
	switch knob {
	case SolveRange:
		system.Ports = n
	case SolvePool:
		load.Requests = n
	case SolveDestinations:
		load.Destinations = n
	case SolveSources:
		system.Sources = n
	}
	return system, load
}

// SolveWith finds the smallest number from now to most with which a simulation survives: a
// larger one must survive if a smaller one does. try may end at the first failure; final is the
// simulation for the solution.
func SolveWith(knob Knob, now, most int, try, final func(n int) Result) Solution {
	now = max(now, 1)
	if r := try(now); r.Survives {
		return Solution{Knob: knob, Possible: true, Already: true, Value: float64(now), Result: final(now)}
	}
	fails, holds := now, min(2*now, most)
	for holds < most && !try(holds).Survives {
		fails, holds = holds, min(2*holds, most)
	}
	if now >= most || holds == most && !try(most).Survives {
		return Solution{Knob: knob, Value: float64(most), Result: final(max(most, now))}
	}
	for holds-fails > 1 {
		if middle := fails + (holds-fails)/2; try(middle).Survives {
			holds = middle
		} else {
			fails = middle
		}
	}
	return Solution{Knob: knob, Possible: true, Value: float64(holds), Result: final(holds)}
}

// rateSteps halve the interval in which the highest rate is: to a ten-thousandth.
const rateSteps = 14

// solveRate finds the highest rate without any failure. It is not possible if nothing bounds it.
func solveRate(system System, load Load) Solution {
	estimate := Sustainable(system, load)
	if estimate == 0 {
		return Solution{Knob: SolveRate, Result: Simulate(system, load)}
	}
	survives := func(rate float64) bool {
		load.Rate = rate
		return untilFailure(system, load).Survives
	}
	low, high := estimate/2, estimate
	for range rateSteps {
		if !survives(high) {
			break
		}
		low, high = high, 2*high
	}
	for !survives(low) && low > math.SmallestNonzeroFloat32 {
		low, high = low/2, low
	}
	for range rateSteps {
		if middle := (low + high) / 2; survives(middle) {
			low = middle
		} else {
			high = middle
		}
	}
	load.Rate = low
	return Solution{Knob: SolveRate, Possible: true, Value: low, Result: Simulate(system, load)}
}

// untilFailure simulates until the first failure.
func untilFailure(system System, load Load) Result {
	d := newDriver(system.normal(), load.normal().withWorkers())
	d.untilFailure = true
	d.run()
	return d.result()
}
