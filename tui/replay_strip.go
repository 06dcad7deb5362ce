package tui

import (
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/phrase"
	"github.com/porttrace/porttrace/internal/playback"
)

// stripHeight is the lines of the strip: fill or rates, track, axis.
const stripHeight = 3

// strip returns the lines of the whole recording with the position of the replay. With
// room for one line that is the axis.
func (r *replay) strip(height int, st *styles) []string {
	axis := axisLine(&r.playback, r.scale.width, st)
	if height < stripHeight {
		return []string{axis}
	}
	return []string{r.topLine(st), r.trackLine(st), axis}
}

const cursorMark = '┃'

// topLine returns the fill of the fullest port space, or as long as that is not known the rate of
// opens. The cursor hides one column of it.
func (r *replay) topLine(st *styles) string {
	text := []rune(sparkline(r.timeline.rates, r.scale.width))
	tones := make([]tone, len(text))
	for i, share := range r.timeline.fills {
		text[i], tones[i] = bar(uint32(math.Ceil(min(share, 1)*highest)), highest), fillTone(share)
	}
	if at := r.scale.column(r.playback.At); at < len(text) {
		text[at], tones[at] = cursorMark, strong
	}
	return painted(text, tones, st)
}

// fillTone returns the tone of a share of ports that are taken.
func fillTone(share float64) tone {
	switch {
	case share >= 1:
		return fail
	case share > 0.8:
		return warn
	}
	return plain
}

// trackLine returns what has been played and what has not, under the marks.
func (r *replay) trackLine(st *styles) string {
	at := r.scale.column(r.playback.At)
	text, tones := make([]rune, r.scale.width), make([]tone, r.scale.width)
	for i, mark := range r.timeline.marks {
		switch {
		case mark == failureMark:
			text[i], tones[i] = mark, fail
		case mark == damageMark:
			text[i], tones[i] = mark, warn
		case i == at:
			text[i], tones[i] = cursorMark, strong
		case i < at:
			text[i], tones[i] = '━', quiet
		default:
			text[i], tones[i] = '─', quiet
		}
	}
	return painted(text, tones, st)
}

// painted paints runes of the same tone together.
func painted(text []rune, tones []tone, st *styles) string {
	var line strings.Builder
	for from := 0; from < len(text); {
		to := from + 1
		for to < len(text) && tones[to] == tones[from] {
			to++
		}
		line.WriteString(st.paint(tones[from], string(text[from:to])))
		from = to
	}
	return line.String()
}

// axisLine returns the begin at the left, the end at the right, and the state and the
// position of the replay in the middle.
func axisLine(p *playback.State, width int, st *styles) string {
	begin, end := edges(p, width)
	room := width - 2*(max(cells(begin), cells(end))+1)
	middle := join(standing(p), room, st)
	left := (width-cells(middle))/2 - cells(begin)
	right := width - cells(begin) - left - cells(middle) - cells(end)
	return st.paint(quiet, begin) + blanks(left) + middle + blanks(right) + st.paint(quiet, end)
}

func blanks(n int) string { return strings.Repeat(" ", max(n, 0)) }

// dayLayout is a time that needs its day, but not its year.
const dayLayout = "01-02 15:04"

// edges returns when the recording begins and ends, as exactly as the width allows.
func edges(p *playback.State, width int) (begin, end string) {
	layout := dayLayout
	switch {
	case width < 36:
		return "", ""
	case width < 60:
		layout = "15:04"
	case width >= 120:
		layout = time.DateTime
	case oneDay(p):
		layout = time.TimeOnly
	}
	return stamp(p, p.Begin, layout), stamp(p, p.End, layout)
}

// standing returns the state and the position of the replay.
func standing(p *playback.State) []piece {
	pieces := []piece{doing(p), now(p), {rank: 1, forms: []string{percent(p, p.At)}}}
	if p.Surveyed > 0 && p.Surveyed < 1 {
		read := strconv.Itoa(int(p.Surveyed*100)) + "%"
		pieces = append(pieces, piece{rank: 2, forms: []string{"time line: read " + read, "read " + read}})
	}
	return pieces
}

func doing(p *playback.State) piece {
	does := piece{tone: warn}
	switch {
	case p.Seeking:
		does.forms = []string{"seeking " + percent(p, p.Target), "seeking"}
	case p.Ended():
		does.forms = []string{"end"}
	case p.Paused:
		does.forms = []string{"paused"}
	default:
		does = piece{forms: []string{"playing"}}
	}
	speed := "  " + strconv.FormatFloat(p.Speed, 'g', -1, 64) + "x"
	does.forms = append([]string{does.forms[0] + speed}, does.forms...)
	return does
}

func now(p *playback.State) piece {
	layout := time.TimeOnly
	if p.Paused && !p.Seeking {
		layout += ".000" // a time that stands still can be read exactly
	}
	layouts := []string{layout + " MST", layout, time.TimeOnly}
	if !oneDay(p) {
		layouts = append([]string{"01-02 " + layout + " MST"}, layouts...)
	}
	at := piece{tone: strong}
	for _, layout := range layouts {
		at.forms = append(at.forms, stamp(p, p.At, layout))
	}
	return at
}

// percent is never 100 before the end.
func percent(p *playback.State, at event.Time) string {
	return strconv.Itoa(int(scale{p.Begin, p.End, 100}.position(at))) + "%"
}

// oneDay reports whether a time of day is enough to name a moment.
func oneDay(p *playback.State) bool {
	day := func(t event.Time) time.Time { return p.Clock.WallTime(t).Truncate(24 * time.Hour) }
	return day(p.Begin).Equal(day(p.End))
}

// stamp returns a moment of the recording, counted from its begin if there is no clock.
func stamp(p *playback.State, at event.Time, layout string) string {
	if wall := p.Clock.WallTime(at); !wall.IsZero() {
		return wall.Format(layout)
	}
	return "+" + phrase.Elapsed(at.Sub(p.Begin))
}
