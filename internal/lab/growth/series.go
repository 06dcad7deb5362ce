package main

import "math"

// chart is one cost, over several things that grow.
type chart struct {
	name  string // of its file
	title string
	unit  string
	one   bool // the cost is that of one of many, which may grow with log n
	lines []series
}

// series is a cost over sizes, smallest first.
type series struct {
	name   string // what grows
	points []point
}

type point struct{ size, cost float64 }

// exponent returns k of the cost size^k that fits best: the slope of the line of least squares
// through the logarithms. Of fewer than two points it is 0.
func exponent(points []point) float64 {
	var n, sumX, sumY, sumXX, sumXY float64
	for _, p := range points {
		x, y := math.Log(p.size), math.Log(p.cost)
		n, sumX, sumY, sumXX, sumXY = n+1, sumX+x, sumY+y, sumXX+x*x, sumXY+x*y
	}
	spread := n*sumXX - sumX*sumX
	if n < 2 || spread == 0 {
		return 0
	}
	return (n*sumXY - sumX*sumY) / spread
}

// steepWindow is over how many points the steepest exponent is fitted: with sizes of 1, 2, 5 and
// 10 a decade.
const steepWindow = 4

// steepest returns the greatest exponent of a decade, and the size at which that begins.
func (s *series) steepest() (k, from float64) {
	k = math.Inf(-1)
	for i := 0; i == 0 || i+steepWindow <= len(s.points); i++ {
		window := s.points[i:min(i+steepWindow, len(s.points))]
		if e := exponent(window); e > k {
			k, from = e, window[0].size
		}
	}
	return k, from
}

// noise is by how much an exponent may be too great as times vary, and as what does not fit into a
// cache any more takes longer.
const noise = 0.15

// beyond reports whether a cost of all grows faster than n log n over the whole series, or a cost of
// one faster than log n.
func (s *series) beyond(one bool) bool {
	var most []point
	for _, p := range s.points {
		cost := math.Log(p.size)
		if !one {
			cost *= p.size
		}
		most = append(most, point{p.size, cost})
	}
	return exponent(s.points) > exponent(most)+noise
}
