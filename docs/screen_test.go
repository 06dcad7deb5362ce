package docs

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/porttrace/porttrace/tui/query"
	"github.com/porttrace/porttrace/tui/theme"
)

// texts returns the first argument of each call of these functions in a file, and the values of a
// field in its literals, if they are plain text.
func texts(t *testing.T, name, field string, functions ...string) []string {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), filepath.Join("..", name), nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	add := func(e ast.Expr) {
		if literal, ok := e.(*ast.BasicLit); ok && literal.Kind == token.STRING {
			if text, err := strconv.Unquote(literal.Value); err == nil {
				found = append(found, text)
			}
		}
	}
	ast.Inspect(file, func(node ast.Node) bool {
		switch n := node.(type) {
		case *ast.CallExpr:
			for _, function := range functions {
				if called, ok := n.Fun.(*ast.Ident); ok && called.Name == function && len(n.Args) > 0 {
					add(n.Args[0])
				}
			}
		case *ast.KeyValueExpr:
			if key, ok := n.Key.(*ast.Ident); ok && field != "" && key.Name == field {
				add(n.Value)
			}
		}
		return true
	})
	return found
}

// requireInCode fails for each text that the document of the screen does not have as code, alone
// or followed by what it takes.
func requireInCode(t *testing.T, least int, all []string) {
	t.Helper()
	if len(all) < least {
		t.Fatalf("only %d found: %q", len(all), all)
	}
	document := read(t, "docs/screen.md")
	for _, text := range all {
		if !strings.Contains(document, "`"+text+"`") && !strings.Contains(document, "`"+text+" ") && !strings.Contains(document, "`"+text+":") {
			t.Errorf("docs/screen.md does not have `%s`", text)
		}
	}
}

func TestKeysOfTheScreen(t *testing.T) {
	t.Parallel()
	requireInCode(t, 50, texts(t, "tui/input_keys.go", "", "bind"))
}

func TestCommandsOfTheScreen(t *testing.T) {
	t.Parallel()
	requireInCode(t, 15, texts(t, "tui/commands.go", "Name", "plainly", "toggle"))
}

func TestFieldsOfTheFilter(t *testing.T) {
	t.Parallel()
	var fields []string
	for _, form := range query.Help() {
		if name, _, found := strings.Cut(strings.TrimPrefix(form[0], "!"), ":"); found {
			fields = append(fields, name)
		}
	}
	requireInCode(t, 20, fields)
}

func TestThemes(t *testing.T) {
	t.Parallel()
	all := theme.Names()
	for line := range strings.Lines(theme.Default().Text()) {
		if role, _, found := strings.Cut(line, "="); found {
			all = append(all, strings.TrimSpace(role))
		}
	}
	requireInCode(t, 25, all)
}
