package chart

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/charmbracelet/x/exp/golden"
)

type size struct{ width, height int }

// TestPictures compares each picture with its file, with and without colours.
func TestPictures(t *testing.T) {
	t.Parallel()
	for _, colours := range []bool{false, true} {
		palette, suffix := &Palette{}, ""
		if colours {
			palette, suffix = coloured(), "-colours"
		}
		braille := incident(palette)
		braille.Braille = true
		clock := incident(palette)
		clock.Clock, clock.Ports, clock.Forecast, clock.Ahead = true, true, nil, 0
		clock.Cursor = noon.Add(-50 * time.Second)
		dots := usual(palette)
		dots.Braille = true
		for name, picture := range map[string]struct {
			lines func(width, height int) []string
			sizes []size
		}{
			"narrowed":     {narrowed(palette).Lines, []size{{114, 12}, {78, 1}, {59, 7}}},
			"usual":        {usual(palette).Lines, []size{{100, 8}, {59, 3}, {20, 3}}},
			"usual-dots":   {dots.Lines, []size{{100, 8}}},
			"fill":         {incident(palette).Lines, []size{{100, 13}, {59, 7}, {78, 3}, {20, 3}}},
			"fill-braille": {braille.Lines, []size{{100, 13}, {59, 7}, {78, 3}}},
			"fill-clock":   {clock.Lines, []size{{100, 6}, {30, 4}}},
			"rate":         {calls(colours).Lines, []size{{80, 8}, {44, 5}, {44, 3}}},
		} {
			for _, s := range picture.sizes {
				t.Run(fmt.Sprintf("%s-%dx%d%s", name, s.width, s.height, suffix), func(t *testing.T) {
					t.Parallel()
					golden.RequireEqual(t, strings.Join(picture.lines(s.width, s.height), "\n"))
				})
			}
		}
	}
}
