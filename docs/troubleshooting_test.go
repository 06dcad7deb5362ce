package docs

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// message matches a heading of docs/troubleshooting.md that is a message of the program.
var message = regexp.MustCompile("(?m)^### `(.+)`$")

// TestMessages: what the document of messages has is what the program can print. Each piece
// between two "…" is in a string of the code.
func TestMessages(t *testing.T) {
	t.Parallel()
	all := message.FindAllStringSubmatch(read(t, "docs/troubleshooting.md"), -1)
	if len(all) < 20 {
		t.Fatalf("only %d messages", len(all))
	}
	printed := stringsOfTheCode(t)
	for _, match := range all {
		for piece := range strings.SplitSeq(match[1], "…") {
			if piece = strings.Trim(piece, " :;,()"); piece != "" && !strings.Contains(printed, piece) {
				t.Errorf("%s: no string of the code has %q", match[1], piece)
			}
		}
	}
}

// stringsOfTheCode returns the string literals of the program; those that + joins are one.
func stringsOfTheCode(t *testing.T) string {
	t.Helper()
	var all strings.Builder
	for _, root := range []string{"../cmd", "../internal", "../tui"} {
		err := filepath.WalkDir(root, func(name string, entry fs.DirEntry, err error) error {
			if err != nil || filepath.Ext(name) != ".go" || strings.HasSuffix(name, "_test.go") {
				return err
			}
			file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
			if err != nil {
				return err
			}
			ast.Inspect(file, func(node ast.Node) bool {
				if literal, ok := node.(*ast.BasicLit); ok && literal.Kind == token.STRING {
					if text, err := strconv.Unquote(literal.Value); err == nil {
						all.WriteString(text)
					}
				}
				return true
			})
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return all.String()
}
