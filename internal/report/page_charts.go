package report

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/porttrace/porttrace/internal/chart"
	"github.com/porttrace/porttrace/internal/page"
	"github.com/porttrace/porttrace/internal/phrase"
	"github.com/porttrace/porttrace/internal/snapshot"
)

const (
	chartedSpaces = 3 // each has a chart of its own
	chartedLines  = 4 // of a chart that compares
)

// figures are the charts of a stream that ended with a snapshot; none if it had no duration.
func (s *Series) figures(last *snapshot.Snapshot) (blocks []page.Block) {
	if len(s.samples) < 2 {
		return nil
	}
	add := func(f *page.Figure) {
		if f != nil {
			blocks = append(blocks, page.Block{Figure: f})
		}
	}
	s.mark(last.Gaps)
	add(s.rates(last))
	worst := s.fullest(chartedLines)
	for _, id := range worst[:min(len(worst), chartedSpaces)] {
		add(s.occupancy(id, last))
	}
	add(s.headroom(worst))
	add(s.owned())
	add(lifetimeFigure(last))
	return blocks
}

// mark notes in which samples a part of the stream is missing: what is not known is not drawn.
func (s *Series) mark(gaps []snapshot.Gap) {
	for i := range s.samples {
		a := &s.samples[i]
		a.missing = slices.ContainsFunc(gaps, func(g snapshot.Gap) bool {
			return !g.Truncated && g.Begin.Before(a.end) && (g.End.IsZero() || g.End.After(a.begin))
		})
	}
}

// seconds returns the ends of the samples on the axis, and the axis itself.
func (s *Series) seconds() (at []float64) {
	for i := range s.samples {
		at = append(at, s.samples[i].end.Sub(s.begun).Seconds())
	}
	return at
}

func (s *Series) clock() []chart.Tick { return chart.Clock(s.begun, s.last.wall) }

// scale returns the marks of an axis of numbers up to top.
func scale(top float64) (list []chart.Tick) {
	for _, at := range chart.Steps(top) {
		label := strconv.FormatFloat(at, 'g', 4, 64)
		if at == math.Trunc(at) {
			label = phrase.Grouped(int64(at))
		}
		list = append(list, chart.Tick{At: at, Label: label})
	}
	return list
}

// rates are opens and failures.
func (s *Series) rates(last *snapshot.Snapshot) *page.Figure {
	opens := chart.Line{Name: "opened per second", Role: chart.One, Area: true, X: s.seconds()}
	failures := chart.Line{Name: "failed calls per second", Role: chart.Bad, X: opens.X}
	failed, opened, top := uint64(0), uint64(0), 0.0
	for i := range s.samples {
		a := &s.samples[i]
		length := a.end.Sub(a.begin).Seconds()
		o, f := float64(a.opens)/length, float64(a.failures)/length
		opens.Y, failures.Y = append(opens.Y, a.value(o)), append(failures.Y, a.value(f))
		top, failed, opened = max(top, o, f), failed+a.failures, opened+a.opens
	}
	if top == 0 {
		return nil
	}
	c := chart.Chart{Lines: []chart.Line{opens}, X: s.clock(), Y: scale(top)}
	if failed > 0 {
		c.Lines = append(c.Lines, failures)
	}
	return &page.Figure{
		Title: "Connections and failures", Chart: c,
		Caption: phrase.Plural(opened, "connection") + " opened; " + phrase.Failed(last),
	}
}

// occupancy is how full a port space was, when it had no port left, and the forecast.
func (s *Series) occupancy(id snapshot.SpaceID, last *snapshot.Snapshot) *page.Figure {
	inUse := chart.Line{Name: "in use", Role: chart.One, Area: true, X: s.seconds()}
	timeWait := chart.Line{Name: "of these in TIME_WAIT", Role: chart.Two, X: inUse.X}
	limit := chart.Line{Name: "capacity", Role: chart.Limit, Dashed: true}
	full := chart.Line{Name: "no port left, or a call found none", Role: chart.Bad, Dots: true}
	peak, capacity, denied := 0.0, 0.0, uint64(0)
	for i := range s.samples {
		p, known := s.samples[i].fill(id)
		inUse.Y = append(inUse.Y, count(p.InUse, known))
		timeWait.Y = append(timeWait.Y, count(p.TimeWait, known))
		if p.Known() {
			limit.X, limit.Y = append(limit.X, inUse.X[i]), append(limit.Y, float64(p.Capacity))
		}
		peak, capacity = max(peak, float64(p.InUse)), max(capacity, float64(p.Capacity))
		denied += uint64(p.Exhausted)
		if p.Exhausted > 0 || p.Known() && p.TakenShare() >= 1 {
			full.X, full.Y = append(full.X, inUse.X[i]), append(full.Y, float64(p.Capacity))
		}
	}
	if len(limit.X) > 0 { // from the beginning on, when it was not yet worth counting
		limit.X, limit.Y = append([]float64{0}, limit.X...), append([]float64{limit.Y[0]}, limit.Y...)
	}
	c := chart.Chart{Lines: []chart.Line{inUse, timeWait, limit}, X: s.clock()}
	if len(full.X) > 0 {
		c.Lines = append(c.Lines, full)
	}
	p := last.Space(id)
	if p != nil { // with what was before it was worth counting
		denied, peak = p.Exhausted, max(peak, float64(p.Peak))
	}
	caption := fmt.Sprintf("%s of %s ports at most", phrase.Grouped(int64(peak)), phrase.Grouped(int64(capacity)))
	if denied > 0 {
		caption += "; " + phrase.Plural(denied, "call") + " found no port"
	}
	if p != nil {
		caption += s.expect(&c, p, last.Wall)
	}
	c.Y = scale(max(peak, capacity))
	return &page.Figure{Title: s.names[id], Chart: c, Caption: caption}
}

// count returns a number of ports for a line, not a number if it is not known.
func count(n uint16, known bool) float64 {
	if !known {
		return math.NaN()
	}
	return float64(n)
}

// value returns a value of a sample for a line, not a number if a part of the sample is missing.
func (a *sample) value(x float64) float64 {
	if a.missing {
		return math.NaN()
	}
	return x
}

// expect adds the forecast to a chart, with the interval of it as a band, and returns what it says.
func (s *Series) expect(c *chart.Chart, p *snapshot.PortSpace, now time.Time) string {
	f := p.Forecast
	if p.IsFull() || !f.Known || f.Never || f.ETA <= 0 || p.Capacity <= 0 {
		return ""
	}
	begin := now.Sub(s.begun).Seconds()
	length := min(1.3*max(f.ETA, f.High).Seconds(), max(begin/2, 10)) // what has been seen has more room
	from, capacity := float64(p.Taken()), float64(p.Capacity)
	at := func(x float64, eta time.Duration) float64 {
		if eta < 0 {
			return from // it never will be full
		}
		return min(from+(capacity-from)*x/max(eta.Seconds(), 0.1), capacity)
	}
	expected := chart.Line{Name: "forecast", Role: chart.Forecast, Dashed: true}
	band := chart.Band{Name: "its interval", Role: chart.Forecast}
	const points = 40
	for i := range points + 1 {
		x := length * float64(i) / points
		expected.X, expected.Y = append(expected.X, begin+x), append(expected.Y, at(x, f.ETA))
		band.X, band.Low, band.High = append(band.X, begin+x), append(band.Low, at(x, f.High)), append(band.High, at(x, f.Low))
	}
	c.Lines, c.Bands = append(c.Lines, expected), []chart.Band{band}
	c.X = chart.Clock(s.begun, now.Add(time.Duration(length*float64(time.Second))))
	return "; full " + phrase.Forecast(&f)
}

// headroom is how many ports the next call could have had.
func (s *Series) headroom(worst []snapshot.SpaceID) *page.Figure {
	c := chart.Chart{X: s.clock()}
	top, least := 0.0, math.Inf(1)
	for n, id := range worst[:min(len(worst), chartedLines)] {
		line := chart.Line{Name: s.names[id], Role: chart.Numbered[n], X: s.seconds()}
		for i := range s.samples {
			p, known := s.samples[i].fill(id)
			free := count(p.Capacity-min(p.InUse-min(p.Reusable, p.InUse), p.Capacity), known && p.Known())
			if !math.IsNaN(free) {
				top, least = max(top, free), min(least, free)
			}
			line.Y = append(line.Y, free)
		}
		c.Lines = append(c.Lines, line)
	}
	if math.IsInf(least, 0) {
		return nil
	}
	c.Y = scale(top)
	return &page.Figure{
		Title: "Headroom: ports that the next call could have", Chart: c,
		Caption: "the least was " + phrase.Plural(int64(least), "port"),
	}
}

// owned is who had how many connections in TIME_WAIT.
func (s *Series) owned() *page.Figure {
	owners := s.waiting(len(chart.Numbered))
	if len(owners) == 0 {
		return nil
	}
	c := chart.Chart{X: s.clock()}
	top, most := 0.0, ""
	for n, key := range owners {
		line := chart.Line{Name: s.owners[key], Role: chart.Numbered[n], X: s.seconds()}
		for i := range s.samples {
			waiting := float64(s.samples[i].timeWait[key])
			if waiting > top {
				top, most = waiting, s.owners[key]
			}
			line.Y = append(line.Y, s.samples[i].value(waiting))
		}
		c.Lines = append(c.Lines, line)
	}
	c.Y = scale(top)
	return &page.Figure{
		Title: "TIME_WAIT by owner", Chart: c,
		Caption: fmt.Sprintf("%s had the most, %s; each holds a port towards one destination", most, phrase.Grouped(int64(top))),
	}
}

// lifetimeFigure is how long connections lived that have ended.
func lifetimeFigure(last *snapshot.Snapshot) *page.Figure {
	var all snapshot.Lifetimes
	for i := range last.Processes {
		all.Merge(&last.Processes[i].Lifetimes)
	}
	classes := all.Decades()
	c := chart.Chart{X: []chart.Tick{{At: -0.6}}}
	top, total := 0.0, uint64(0)
	for i, class := range classes {
		if class.Below > 0 { // between this bar and the next
			label := strings.Replace(class.Below.String(), "m0s", "m", 1)
			c.X = append(c.X, chart.Tick{At: float64(i) + 0.5, Label: label})
		}
		c.Bars = append(c.Bars, float64(class.Count))
		top, total = max(top, float64(class.Count)), total+class.Count
	}
	if total == 0 {
		return nil
	}
	c.X, c.Y = append(c.X, chart.Tick{At: float64(len(classes)) - 0.4}), scale(top)
	return &page.Figure{
		Title: "Lifetimes of connections that have ended", Chart: c,
		Caption: fmt.Sprintf("%s; half of them lived less than %s", phrase.Plural(total, "connection"), phrase.Duration(all.Quantile(0.5))),
	}
}
