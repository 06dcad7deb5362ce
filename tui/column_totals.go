package tui

import (
	"github.com/porttrace/porttrace/internal/phrase"
	"github.com/porttrace/porttrace/internal/snapshot"
)

// totalColumns are the columns that every row with Totals has.
func totalColumns[T any](of func(*T) *snapshot.Totals) []column[T] {
	number := func(name, title string, rank, width int, value func(*snapshot.Totals) int64) column[T] {
		return column[T]{
			name: name, title: title, rank: rank, min: width,
			cell: func(row *T, _ int) string { return phrase.Count(value(of(row))) },
		}
	}
	alarm := func(c column[T], t tone, value func(*snapshot.Totals) int64) column[T] {
		c.tone = func(row *T) tone {
			if value(of(row)) > 0 {
				return t
			}
			return plain
		}
		return c
	}
	failed := func(t *snapshot.Totals) int64 { return int64(t.Failed()) }
	synSent := func(t *snapshot.Totals) int64 { return t.SynSent }
	closeWait := func(t *snapshot.Totals) int64 { return t.CloseWait }
	return []column[T]{
		number("opens", "OPENS", 7, 9, func(t *snapshot.Totals) int64 { return int64(t.Opens) }),
		number("live", "LIVE", 3, 7, func(t *snapshot.Totals) int64 { return t.Live() }),
		number("time_wait", "TIME_WAIT", 4, 10, func(t *snapshot.Totals) int64 { return t.TimeWaitOut }),
		alarm(number("failures", "FAIL", 5, 7, failed), fail, failed),
		alarm(number("syn_sent", "SYN_SENT", 10, 9, synSent), warn, synSent),
		alarm(number("close_wait", "CLOSE_WAIT", 6, 11, closeWait), warn, closeWait),
		number("closes", "CLOSES", 13, 9, func(t *snapshot.Totals) int64 { return int64(t.Closes()) }),
		{
			name: "lifetime_p50", title: "P50 LIFE", rank: 14, min: 9,
			cell: func(row *T, _ int) string { return phrase.Sampled(of(row)) + phrase.ShortDuration(of(row).LifetimeP50) },
		},
		number("before_start", "BEFORE", 18, 8, func(t *snapshot.Totals) int64 { return t.BeforeStart }),
		number("time_wait_in", "TW_IN", 16, 7, func(t *snapshot.Totals) int64 { return t.TimeWaitIn }),
	}
}

// historyColumn is the column of opens over time.
func historyColumn[T any](of func(*T) snapshot.History) column[T] {
	return column[T]{
		title: "HISTORY", rank: 11, min: 10, max: 40, left: true,
		cell: func(row *T, width int) string { return sparkline(openCounts(of(row).Points()), width) },
	}
}

// openRateColumn is the column of opens per second.
func openRateColumn[T any](of func(*T) snapshot.Rates) column[T] {
	return column[T]{
		name: "open_rate", title: "OPEN/s", rank: 2, min: 7,
		cell: func(row *T, _ int) string { return phrase.Rate(of(row).Opens) },
	}
}
