package whatif

import (
	"encoding/json"
	"io"
	"time"
)

// answerJSON is the JSON of one answer. Its names are a contract.
type answerJSON struct {
	Profile         string   `json:"profile"`
	Survives        *bool    `json:"survives"`         // null: no load
	SustainableRate *float64 `json:"sustainable_rate"` // per second; null: ports are not the limit
	FirstFailure    *float64 `json:"first_failure_seconds"`
	Failures        uint64   `json:"failures"`           // of opens
	Unplaced        uint64   `json:"found_without_port"` // sockets that were there already, not in opens
	Peak            int      `json:"peak"`
	Capacity        int      `json:"capacity"`
	Headroom        int      `json:"headroom"`
	Cause           string   `json:"cause"` // of the first failure, empty: none
	Where           string   `json:"where"`
	Opens           uint64   `json:"opens"`
	Requests        uint64   `json:"requests"`
	PortSpaces      int      `json:"port_spaces"`
	Seconds         float64  `json:"duration_seconds"`
	TimeWait        float64  `json:"time_wait_seconds"`
	RangeLow        uint16   `json:"range_low"`
	RangeHigh       uint16   `json:"range_high"`
	TextbookRate    float64  `json:"textbook_rate"` // ports / TIME_WAIT of one port space
	MostWaiting     uint64   `json:"most_waiting"`
	MostTimeWait    int      `json:"most_in_time_wait"`
	WithoutTimeWait uint64   `json:"time_wait_refused"`

	Solve   *solveJSON `json:"solve,omitempty"`
	Explain []string   `json:"explain,omitempty"`
	Notes   []string   `json:"notes"`
}

type solveJSON struct {
	Knob      Knob     `json:"knob"`
	Possible  bool     `json:"possible"`
	Change    bool     `json:"change"` // one is needed
	Value     *float64 `json:"value"`  // null: none suffices
	RangeLow  uint16   `json:"range_low,omitempty"`
	RangeHigh uint16   `json:"range_high,omitempty"`
	Text      string   `json:"text"`
	Survives  bool     `json:"survives"` // with the value
	Peak      int      `json:"peak"`
	Capacity  int      `json:"capacity"`
}

// JSON writes one answer.
func JSON(to io.Writer, a *Answer) error { return encode(to, a.json()) }

// JSONArray writes several.
func JSONArray(to io.Writer, answers []Answer) error {
	all := make([]answerJSON, 0, len(answers))
	for i := range answers {
		all = append(all, answers[i].json())
	}
	return encode(to, all)
}

func encode(to io.Writer, v any) error {
	e := json.NewEncoder(to)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(v)
}

func (a *Answer) json() answerJSON {
	r := &a.Result
	j := answerJSON{
		Profile: a.Name(), Failures: r.Failures, Unplaced: r.Unplaced, Peak: r.Peak, Capacity: r.Capacity, Headroom: r.Headroom(),
		Cause: r.Cause.String(), Where: r.Where, Opens: r.Opens, Requests: r.Requests, PortSpaces: r.Spaces,
		Seconds: rounded(r.Duration), TimeWait: rounded(a.System.TimeWait), RangeLow: a.Config.Range.Low, RangeHigh: a.Config.Range.High,
		TextbookRate: a.System.textbook(), MostWaiting: r.MostWaiting, MostTimeWait: r.MostBuckets, WithoutTimeWait: r.Overflows,
		Notes: a.notes(),
	}
	if a.Load != "" {
		j.Survives = &r.Survives
	}
	if r.Sustainable > 0 {
		j.SustainableRate = &r.Sustainable
	}
	if !r.Survives && a.Load != "" {
		first := rounded(r.FirstFailure)
		j.FirstFailure = &first
	}
	if a.Solution != nil {
		j.Solve = a.solveJSON()
	}
	if a.Explain {
		j.Explain = a.Config.Explain(a.System)
	}
	return j
}

func (a *Answer) solveJSON() *solveJSON {
	s := a.Solution
	j := &solveJSON{
		Knob: s.Knob, Possible: s.Possible, Change: !s.Already && s.Knob != SolveRate, Text: a.solution(),
		Survives: s.Result.Survives, Peak: s.Result.Peak, Capacity: s.Result.Capacity,
	}
	if !s.Possible {
		return j
	}
	j.Value = &s.Value
	if s.Knob == SolveRange {
		r := a.Config.Range
		if !s.Already {
			r, _ = a.Config.RangeFor(int(s.Value))
		}
		j.RangeLow, j.RangeHigh = r.Low, r.High
	}
	return j
}

// rounded returns seconds to the microsecond.
func rounded(d time.Duration) float64 { return d.Round(time.Microsecond).Seconds() }
