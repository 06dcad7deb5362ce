package main

import "image/color"

// theme is the colours of a terminal.
type theme struct {
	name                           string
	background, foreground, border color.RGBA
	basic                          [16]color.Color // ANSI's
	env                            []string
}

var (
	dark = theme{
		name:       "dark",
		background: rgb(0x11141a), foreground: rgb(0xd7dbe3), border: rgb(0x2c323d),
		basic: palette(
			0x1c212b, 0xf7768e, 0x73c991, 0xe0af68, 0x7aa2f7, 0xbb9af7, 0x5ccfe6, 0xc0c8d6,
			0x565f6f, 0xff8fa3, 0x8fe0a8, 0xf2c98a, 0x9dbcff, 0xcfb5ff, 0x8be3f2, 0xf2f4f8),
	}
	light = theme{
		name:       "light",
		background: rgb(0xfcfcfa), foreground: rgb(0x22262e), border: rgb(0xd5d8de),
		basic: palette(
			0x22262e, 0xc4264a, 0x25803f, 0x96640a, 0x2a5bd0, 0x8a3fc4, 0x0b7a8f, 0x9aa0ab,
			0x6d7480, 0xd93a5e, 0x2f984d, 0xb07a14, 0x3f70e6, 0x9d55d6, 0x128fa6, 0xf4f5f7),
	}
	plain = theme{
		name: "without colour", background: dark.background, foreground: dark.foreground, border: dark.border,
		basic: dark.basic, env: []string{"NO_COLOR=1"},
	}
)

func rgb(hex uint32) color.RGBA {
	return color.RGBA{R: uint8(hex >> 16), G: uint8(hex >> 8), B: uint8(hex), A: 0xff}
}

func palette(hex ...uint32) (colors [16]color.Color) {
	for i, h := range hex {
		colors[i] = rgb(h)
	}
	return colors
}
