package main

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// Lines of the box characters meet in the middle of a cell, which is at a whole pixel.
const (
	middleX = cellWidth / 2
	middleY = cellHeight / 2
)

// arms are the weights of a box character's lines: up, right, down, left; 0: none, 1: light, 2: heavy.
type arms [4]int

var boxes = map[rune]arms{
	'─': {0, 1, 0, 1}, '│': {1, 0, 1, 0}, '┌': {0, 1, 1, 0}, '┐': {0, 0, 1, 1}, '└': {1, 1, 0, 0}, '┘': {1, 0, 0, 1},
	'├': {1, 1, 1, 0}, '┤': {1, 0, 1, 1}, '┬': {0, 1, 1, 1}, '┴': {1, 1, 0, 1}, '┼': {1, 1, 1, 1},
	'━': {0, 2, 0, 2}, '┃': {2, 0, 2, 0}, '┏': {0, 2, 2, 0}, '┓': {0, 0, 2, 2}, '┗': {2, 2, 0, 0}, '┛': {2, 0, 0, 2},
	'┣': {2, 2, 2, 0}, '┫': {2, 0, 2, 2}, '┳': {0, 2, 2, 2}, '┻': {2, 2, 0, 2}, '╋': {2, 2, 2, 2},
	'╴': {0, 0, 0, 1}, '╵': {1, 0, 0, 0}, '╶': {0, 1, 0, 0}, '╷': {0, 0, 1, 0},
	'╸': {0, 0, 0, 2}, '╹': {2, 0, 0, 0}, '╺': {0, 2, 0, 0}, '╻': {0, 0, 2, 0},
	'╼': {0, 2, 0, 1}, '╾': {0, 1, 0, 2},
}

// corners are the round ones: which of their arms are there.
var corners = map[rune]arms{'╭': {0, 1, 1, 0}, '╮': {0, 0, 1, 1}, '╰': {1, 1, 0, 0}, '╯': {1, 0, 0, 1}}

// quadrants has the quarters of U+2596 to U+259F: 1 upper left, 2 upper right, 4 lower left, 8 lower right.
var quadrants = [...]int{4, 8, 1, 13, 9, 7, 11, 2, 6, 14}

func isShape(text string) bool {
	r, n := utf8.DecodeRuneInString(text)
	if n == 0 || n != len(text) {
		return false
	}
	_, box := boxes[r]
	_, corner := corners[r]
	return box || corner || r >= 0x2580 && r <= 0x259f || r >= 0x2800 && r <= 0x28ff
}

// shape draws a character n times from a cell on, and reports whether it is one that is drawn.
func (p *printer) shape(x, y, n int, text string, l look) bool {
	if !isShape(text) {
		return false
	}
	r, _ := utf8.DecodeRuneInString(text)
	left, top := x*cellWidth, y*cellHeight
	layer := "1" + fill(l.fg, l.opacity)
	if shade := strings.IndexRune("░▒▓", r); shade >= 0 {
		p.add("1"+fill(l.fg, [...]string{".25", ".5", ".75"}[shade/len("░")]), rect(left, top, n*cellWidth, cellHeight))
		return true
	}
	if full, ok := bar(r); ok { // of the width of its cell: one for all
		full.x, full.w = left, n*cellWidth
		full.y += top
		p.add(layer, full.path())
		return true
	}
	for i := range n {
		at := left + i*cellWidth
		switch _, round := corners[r]; {
		case round:
			p.add("1"+strings.ReplaceAll(fill(l.fg, l.opacity), "fill", "stroke")+` fill="none"`, corner(corners[r], at, top))
		case r >= 0x2800:
			p.add(layer, braille(int(r-0x2800), at, top))
		default:
			for _, part := range parts(r) {
				part.x += at
				part.y += top
				p.add(layer, part.path())
			}
		}
	}
	return true
}

// box is a rectangle of pixels.
type box struct{ x, y, w, h int }

func (b box) path() string { return rect(b.x, b.y, b.w, b.h) }

// bar returns the rectangle of a character that fills the width of its cell.
func bar(r rune) (box, bool) {
	switch {
	case r == '▀':
		return box{h: cellHeight / 2}, true
	case r >= '▁' && r <= '█':
		h := (cellHeight*int(r-'▁'+1) + 4) / 8
		return box{y: cellHeight - h, h: h}, true
	case r == '▔':
		return box{h: 2}, true
	case r == '─':
		return box{y: middleY, h: 1}, true
	case r == '━':
		return box{y: middleY - 1, h: 3}, true
	}
	return box{}, false
}

// parts returns the rectangles of a character within its cell.
func parts(r rune) []box {
	switch {
	case r >= '▉' && r <= '▏':
		return []box{{w: (cellWidth*int('▏'-r+1) + 4) / 8, h: cellHeight}}
	case r == '▐':
		return []box{{x: cellWidth / 2, w: cellWidth - cellWidth/2, h: cellHeight}}
	case r == '▕':
		return []box{{x: cellWidth - 1, w: 1, h: cellHeight}}
	case r >= '▖' && r <= '▟':
		return quarters(quadrants[r-'▖'])
	}
	return lines(boxes[r])
}

func quarters(which int) (list []box) {
	const w, h = cellWidth / 2, cellHeight / 2
	for i, b := range []box{{0, 0, w, h}, {w, 0, cellWidth - w, h}, {0, h, w, cellHeight - h}, {w, h, cellWidth - w, cellHeight - h}} {
		if which&(1<<i) != 0 {
			list = append(list, b)
		}
	}
	return list
}

// lines returns the lines of a box character. Those of one weight overlap in the middle.
func lines(a arms) (list []box) {
	wide := [...]int{0, 1, 3}
	for i, weight := range a {
		if weight == 0 {
			continue
		}
		w := wide[weight]
		x, y := middleX-w/2, middleY-w/2
		list = append(list, [...]box{
			{x, 0, w, middleY + w - w/2}, {x, y, cellWidth - x, w}, {x, y, w, cellHeight - y}, {0, y, middleX + w - w/2, w},
		}[i])
	}
	return list
}

// corner returns the path of a round corner, to be stroked.
func corner(a arms, left, top int) string {
	const round = 4
	x, y := float64(left+middleX)+.5, float64(top+middleY)+.5
	from, by := float64(top), float64(-round) // up
	if a[2] != 0 {
		from, by = float64(top+cellHeight), round // down
	}
	to, side := float64(left), float64(-round)
	if a[1] != 0 {
		to, side = float64(left+cellWidth), round // right
	}
	return fmt.Sprintf("M%g %gV%gQ%g %g %g %gH%g", x, from, y+by, x, y, x+side, y, to)
}

// braille returns the dots of a braille character.
func braille(dots, left, top int) string {
	// The bits of a cell, by column and row.
	bits := [2][4]int{{0, 1, 2, 6}, {3, 4, 5, 7}}
	var b strings.Builder
	for column := range bits {
		for row, bit := range bits[column] {
			if dots&(1<<bit) != 0 {
				b.WriteString(rect(left+1+column*cellWidth/2, top+1+row*cellHeight/4, 3, 3))
			}
		}
	}
	return b.String()
}
