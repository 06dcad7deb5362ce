package chart

import (
	"math"
	"time"
)

// Steps returns round numbers from 0 on, some four of them, of which the last is not below top.
func Steps(top float64) []float64 {
	if top <= 0 || math.IsInf(top, 0) || math.IsNaN(top) {
		top = 1
	}
	step := roundUp(top / 4)
	list := []float64{0}
	for i := 1; list[len(list)-1] < top; i++ {
		list = append(list, float64(i)*step)
	}
	return list
}

// roundUp returns the next of 1, 2, 2.5, 5, 10, 20 ... that is not below x.
func roundUp(x float64) float64 {
	unit := math.Pow(10, math.Floor(math.Log10(x)))
	for _, digit := range []float64{1, 2, 2.5, 5} {
		if x <= digit*unit {
			return digit * unit
		}
	}
	return 10 * unit
}

// clockSteps are the distances of marks on a clock.
var clockSteps = []time.Duration{
	time.Second, 2 * time.Second, 5 * time.Second, 10 * time.Second, 15 * time.Second, 30 * time.Second, time.Minute, 2 * time.Minute,
	5 * time.Minute, 10 * time.Minute, 15 * time.Minute, 30 * time.Minute, time.Hour, 2 * time.Hour, 3 * time.Hour, 6 * time.Hour, 12 * time.Hour,
}

const maxMarks = 5

// Clock returns the marks of the axis of a time, at round times between its ends, in UTC. The axis
// counts seconds from begin. The ends have no label.
func Clock(begin, end time.Time) []Tick {
	length := end.Sub(begin)
	step := 24 * time.Hour * max(1, length/(maxMarks*24*time.Hour))
	for _, s := range clockSteps {
		if length <= maxMarks*s {
			step = s
			break
		}
	}
	layout := time.TimeOnly
	if step >= time.Minute {
		layout = "15:04"
	}
	if length > 24*time.Hour {
		layout = "01-02 15:04"
	}
	if step >= 24*time.Hour {
		layout = time.DateOnly
	}
	list := []Tick{{At: 0}}
	for at := begin.UTC().Truncate(step).Add(step); at.Before(end); at = at.Add(step) {
		list = append(list, Tick{at.Sub(begin).Seconds(), at.Format(layout)})
	}
	return append(list, Tick{At: length.Seconds()})
}
