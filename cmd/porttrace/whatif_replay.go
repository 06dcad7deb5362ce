package main

import (
	"context"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/pipeline"
	"github.com/porttrace/porttrace/internal/whatif"
)

// recordedLoad is a recording that is read once for each simulation: its connections are not
// kept.
type recordedLoad struct {
	flags    *whatifFlags
	names    []string // of the files
	survey   whatif.Survey
	from, to event.Time
	end      event.Time
	problem  error // of a damaged recording, reported already
}

// answerRecorded simulates the load of a recording.
func (f *whatifFlags) answerRecorded(ctx context.Context, names []string, configs []*whatif.Config) (answers []whatif.Answer, problem, err error) {
	r := recordedLoad{flags: f, names: names}
	if err := r.read(ctx, true, func(e *event.Event, world *event.World) error {
		r.survey.Add(e, world)
		return nil
	}); err != nil {
		return nil, nil, err
	}
	if f.load.madeUp() {
		answers, err = r.answersLike(configs)
		return answers, r.problem, err
	}
	answers, err = r.answers(ctx, configs)
	return answers, r.problem, err
}

// answersLike simulates a load like the recorded one.
func (r *recordedLoad) answersLike(configs []*whatif.Config) ([]whatif.Answer, error) {
	f := r.flags
	if fact := r.survey.Busiest(); fact != nil && f.isRecordedHost() {
		c, err := f.system.config(configs[0].Profile, fact, r.survey.Kernel)
		if err != nil {
			return nil, err
		}
		configs = []*whatif.Config{c}
	}
	load := r.survey.Load()
	f.load.change(&load)
	var answers []whatif.Answer
	for _, c := range configs {
		a, err := f.answer(c, load)
		if err != nil {
			return nil, err
		}
		a.Recorded = f.isRecordedHost()
		answers = append(answers, a)
	}
	return answers, nil
}

// change applies the flags that were given to a load like the recorded one.
func (f *loadFlags) change(l *whatif.Load) {
	given := f.load
	if given.Rate > 0 || f.given("concurrency") && !f.given("rate") || f.given("count") && !f.given("rate") {
		l.Rate = given.Rate
	}
	l.Concurrency, l.Requests, l.Count, l.Duration = given.Concurrency, given.Requests, given.Count, given.Duration
	l.Poisson, l.Seed, l.Handshake, l.Unanswered, l.GiveUp, l.Dead = given.Poisson, given.Seed, given.Handshake, given.Unanswered, given.GiveUp, given.Dead
	if f.given("lifetime") {
		l.Lifetimes, l.Lifetime, l.Exponential = nil, given.Lifetime, given.Exponential
	}
	if f.given("destinations") {
		l.Destinations = given.Destinations
	}
	if f.given("server-closes") {
		l.ServerCloses = given.ServerCloses
	}
	switch {
	case f.lateBind:
		l.EarlyBind = 0
	case f.given("early-bind"):
		l.EarlyBind = given.EarlyBind
	}
}

// read calls add for each event of the recording. The first time, it finds the window and
// reports what the recording lacks.
func (r *recordedLoad) read(ctx context.Context, first bool, add pipeline.Tee) error {
	recording, err := r.flags.openRecording(ctx, r.names)
	if err != nil {
		return err
	}
	defer recording.close()
	if first {
		if r.from, r.to, err = r.flags.within(recording); err != nil {
			return err
		}
		if _, r.end = recording.Span(); r.to != 0 {
			r.end = r.to
		}
	}
	err = recording.run(ctx, pipeline.Options{Filter: recording.filter, Tee: add, To: r.to, Scans: true})
	if err == nil {
		err = ctx.Err()
	}
	if first && err == nil {
		r.problem = recording.reportGaps()
	}
	return err
}

// answers replays the recording on all systems at once.
func (r *recordedLoad) answers(ctx context.Context, configs []*whatif.Config) ([]whatif.Answer, error) {
	var replays []*whatif.Replay
	var answers []whatif.Answer
	for _, c := range configs {
		replays = append(replays, whatif.NewReplay(&r.survey, r.changes(c, 0)))
		answers = append(answers, whatif.Answer{
			Config: c, Recorded: r.flags.isRecordedHost(), Replayed: true, Explain: r.flags.explain, Load: r.describe(),
		})
	}
	results, err := r.run(ctx, replays)
	if err != nil {
		return nil, err
	}
	for i := range answers {
		a := &answers[i]
		a.Result = results[i]
		a.Notes = append(a.Notes, replays[i].Notes...)
		if r.survey.Refused > 0 {
			a.Notes = append(a.Notes, "calls that found no port count, too: if programs tried again after a failure, the load wants less than that")
		}
		a.Config, a.System, err = replays[i].Busiest(a.Config)
		if err != nil {
			return nil, usagef("%w", err)
		}
		if r.flags.solve != "" {
			if a.Solution, err = r.solve(ctx, a, replays[i]); err != nil {
				return nil, err
			}
		}
	}
	return answers, nil
}

func (f *whatifFlags) isRecordedHost() bool { return !f.given("profile") && !f.allProfiles }

// changes returns what a replay on a system changes. With ports, its range is the one with that
// many.
func (r *recordedLoad) changes(c *whatif.Config, ports int) whatif.Changes {
	return whatif.Changes{
		Configure: func(n *event.Netns) (*whatif.Config, error) {
			var fact *event.Netns
			if r.flags.isRecordedHost() {
				fact = n
			}
			config, err := r.flags.system.config(c.Profile, fact, r.survey.Kernel)
			if err == nil && ports > 0 {
				config.Range, _ = config.RangeFor(ports)
			}
			return config, err
		},
		Early: r.flags.load.early, Sources: r.flags.system.sources, Destinations: r.flags.load.load.Destinations,
		Requests: r.flags.load.load.Requests, From: r.from,
	}
}

// run reads the recording into all replays.
func (r *recordedLoad) run(ctx context.Context, replays []*whatif.Replay) ([]whatif.Result, error) {
	err := r.read(ctx, false, func(e *event.Event, world *event.World) error {
		for _, replay := range replays {
			if err := replay.Add(e, world); err != nil {
				return err
			}
		}
		return nil
	})
	var results []whatif.Result
	for _, replay := range replays {
		results = append(results, replay.Result(r.end))
	}
	return results, err
}

// solve finds the smallest change with which the recorded load survives. The rate can only be
// that of a load like it.
func (r *recordedLoad) solve(ctx context.Context, a *whatif.Answer, replay *whatif.Replay) (*whatif.Solution, error) {
	knob := whatif.Knob(r.flags.solve)
	if knob == whatif.SolveRate {
		system, load, times := replay.BusiestPool()
		s := whatif.Solve(system, load, knob, 0)
		s.Value *= times
		a.Notes = append(a.Notes, "the highest rate is that of an even load with the recorded lifetimes, spread as recorded")
		return &s, nil
	}
	now := map[whatif.Knob]int{
		whatif.SolveRange: a.System.Ports, whatif.SolvePool: max(r.flags.load.load.Requests, 1),
		whatif.SolveDestinations: r.flags.load.load.Destinations, whatif.SolveSources: r.flags.system.sources,
	}[knob]
	most := whatif.MostOf(knob)
	if knob == whatif.SolveRange {
		most = a.Config.MostPorts()
	}
	var failed error
	try := func(n int) whatif.Result {
		if failed != nil {
			return whatif.Result{}
		}
		results, err := r.run(ctx, []*whatif.Replay{r.replayWith(a.Config, knob, n, now)})
		if err != nil {
			failed = err
			return whatif.Result{}
		}
		return results[0]
	}
	s := whatif.SolveWith(knob, now, most, try, try)
	a.Config.WholeRange(&s, try)
	return &s, failed
}

// replayWith returns a replay with another value of the knob.
func (r *recordedLoad) replayWith(c *whatif.Config, knob whatif.Knob, n, now int) *whatif.Replay {
	ports := 0
	if knob == whatif.SolveRange && n != now {
		ports = n
	}
	changes := r.changes(c, ports)
	switch knob {
	case whatif.SolvePool:
		changes.Requests = n
	case whatif.SolveDestinations:
		changes.Destinations = n
	case whatif.SolveSources:
		changes.Sources = n
	}
	return whatif.NewReplay(&r.survey, changes)
}

func (r *recordedLoad) describe() string {
	return r.survey.Describe() + " of " + joinedName(r.names)
}
