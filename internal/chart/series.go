package chart

import "github.com/go-analyze/charts/chartdraw"

// band is a Band as a series of the library.
type band struct{ *Band }

func (b band) GetName() string               { return b.Name }
func (b band) GetYAxis() chartdraw.YAxisType { return chartdraw.YAxisSecondary }
func (b band) Validate() error               { return nil }
func (b band) Len() int                      { return len(b.X) }
func (b band) GetStyle() chartdraw.Style {
	return chartdraw.Style{ClassName: string(b.Role), FillColor: ink}
}
func (b band) GetBoundedValues(i int) (x, low, high float64) { return b.X[i], b.Low[i], b.High[i] }

func (b band) Render(r chartdraw.Renderer, box chartdraw.Box, xs, ys chartdraw.Range, _ chartdraw.Style) {
	chartdraw.Draw.BoundedSeries(r, box, xs, ys, b.GetStyle(), b)
}

// bars are the values of a histogram as a series of the library.
type bars []float64

func (b bars) GetName() string                { return "" }
func (b bars) GetYAxis() chartdraw.YAxisType  { return chartdraw.YAxisSecondary }
func (b bars) Validate() error                { return nil }
func (b bars) Len() int                       { return len(b) }
func (b bars) GetValues(i int) (x, y float64) { return float64(i), b[i] }
func (b bars) GetStyle() chartdraw.Style {
	return chartdraw.Style{ClassName: string(Counted), FillColor: ink}
}

func (b bars) Render(r chartdraw.Renderer, box chartdraw.Box, xs, ys chartdraw.Range, _ chartdraw.Style) {
	const share = 0.7 // of its room that a bar takes
	width := int(share * float64(xs.GetDomain()) / xs.GetDelta())
	chartdraw.Draw.HistogramSeries(r, box, xs, ys, b.GetStyle(), b, width)
}
