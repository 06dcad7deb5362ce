package main

import (
	"encoding/xml"
	"errors"
	"image/color"
	"io"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/porttrace/porttrace/internal/incidents/recorded"
	"github.com/porttrace/porttrace/internal/lab/terminal"
)

func TestPictures(t *testing.T) {
	t.Parallel()
	var names []string
	for _, p := range pictures {
		if _, _, err := recorded.Find(p.incident, p.moment); err != nil {
			t.Errorf("%s: %v", p.name, err)
		}
		if slices.Contains(names, p.name) {
			t.Errorf("two pictures are named %s", p.name)
		}
		names = append(names, p.name)
	}
	for _, p := range pages {
		if _, err := recorded.File(p.incident); err != nil {
			t.Errorf("%s: %v", p.name, err)
		}
		if slices.Contains(names, p.name) {
			t.Errorf("two pictures are named %s", p.name)
		}
		names = append(names, p.name)
	}
	if document, err := os.ReadFile("../../../docs/screens/README.md"); err != nil || string(document) != gallery() {
		t.Errorf("docs/screens/README.md is not of these pictures: make screens (%v)", err)
	}
}

// rowOf returns a row with this text, of one colour.
func rowOf(text string, fg color.Color) (row []terminal.Cell) {
	for _, r := range text {
		row = append(row, terminal.Cell{Text: string(r), Fg: fg})
	}
	return row
}

// TestSVG: text is escaped and stands in its cell, and what is next to each other is one element.
func TestSVG(t *testing.T) {
	t.Parallel()
	red := rgb(0xff0000)
	selected := rowOf("ab   c<d", nil)
	for i := range selected {
		selected[i].Reverse = true
	}
	svg := svgOf(&terminal.Screen{Rows: [][]terminal.Cell{rowOf("██▄▒╭─⣿ ", red), selected}}, &dark)
	decoder := xml.NewDecoder(strings.NewReader(svg))
	for {
		if _, err := decoder.Token(); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
	}
	for _, part := range []string{
		`viewBox="0 0 100 66"`,
		`d="M0 0h18v19h-18z`, // both full blocks at once
		`M18 9h9v10h-9z`,     // the half one, down to the bottom
		`fill="#ff0000" fill-opacity=".5" d="M27 0h9v19h-9z"`,     // the shade
		`stroke="#ff0000" fill="none" d="M40.5 19V13.5Q40.5 9.5 `, // the corner, from its cell's bottom
		`M45 9h9v1h-9z`,                       // the line beside it begins where its cell does
		`fill="#d7dbe3" d="M0 19h72v19h-72z"`, // the background of the selection, to its end
		`<text x="0" y="33" fill="#11141a" textLength="18" lengthAdjust="spacingAndGlyphs">ab</text>`,
		`x="45"`, `>c&lt;d</text>`,
	} {
		if !strings.Contains(svg, part) {
			t.Errorf("no %s in\n%s", part, svg)
		}
	}
}

// TestShapes: every character that is drawn as a shape has one, within its cell.
func TestShapes(t *testing.T) {
	t.Parallel()
	for r := rune(0x2500); r <= 0x28ff; r++ {
		if !isShape(string(r)) || r == 0x2800 { // empty
			continue
		}
		p := &printer{theme: &dark}
		p.shapes = map[string]*strings.Builder{}
		if !p.shape(0, 0, 1, string(r), look{fg: dark.foreground}) || len(p.shapes) != 1 {
			t.Errorf("%c has %d shapes", r, len(p.shapes))
		}
		for _, part := range parts(r) {
			if _, isBox := boxes[r]; isBox && (part.x < 0 || part.y < 0 || part.x+part.w > cellWidth || part.y+part.h > cellHeight) {
				t.Errorf("%c is outside of its cell: %+v", r, part)
			}
		}
	}
	if isShape("a") || isShape("█x") || isShape("") || isShape("▶") {
		t.Error("text is drawn as a shape")
	}
}
