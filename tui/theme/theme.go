package theme

import (
	"embed"
	"fmt"
	"path"
	"strings"
)

// Theme has the tints of all roles, on a dark and on a light background.
type Theme struct {
	Name string // of a built-in theme, or the path of the file

	dark, light palette
}

type palette [roleCount]tints

//go:embed themes
var files embed.FS

// builtin has the built-in themes by name.
var builtin map[string]Theme

// It is filled here, as a file can be based on one of them.
func init() { builtin = readBuiltin() }

// Names are the built-in themes, the default one first.
func Names() []string { return []string{"auto", "dark", "light", "high-contrast", "mono"} }

// Default returns the theme auto, which follows the background of the terminal.
func Default() Theme { return builtin["auto"] }

func readBuiltin() map[string]Theme {
	themes := map[string]Theme{}
	for _, name := range []string{"auto", "high-contrast", "mono"} {
		file := path.Join("themes", name+".conf")
		text, err := files.ReadFile(file)
		if err != nil {
			panic(err)
		}
		t := Theme{Name: name}
		if err := t.read(string(text)); err != nil {
			panic(file + ":" + err.Error()) // it is part of the program: the tests find it
		}
		themes[name] = t
	}
	auto := themes["auto"]
	themes["dark"] = Theme{Name: "dark", dark: auto.dark, light: auto.dark}
	themes["light"] = Theme{Name: "light", dark: auto.light, light: auto.light}
	return themes
}

// Text returns the theme as a file, to begin one's own with.
func (t Theme) Text() string {
	var text strings.Builder
	fmt.Fprintf(&text, "# porttrace theme %s\n# true colour | 256 colours | 16 | none\n", t.Name)
	if t.dark == t.light {
		t.dark.write(&text)
		return text.String()
	}
	text.WriteString("\n[dark]\n")
	t.dark.write(&text)
	text.WriteString("\n[light]\n")
	t.light.write(&text)
	return text.String()
}

func (p *palette) write(text *strings.Builder) {
	for r := range roleCount {
		all := p[r]
		fmt.Fprintf(text, "%-10s = %s\n", r, strings.Join([]string{all[0].String(), all[1].String(), all[2].String(), all[3].String()}, " | "))
	}
}
