package docs

import (
	"go/ast"
	"go/constant"
	"go/parser"
	"go/token"
	"go/types"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/porttrace/porttrace/internal/lab/performance"
)

// limit matches a row of the table of limits: the number, the constant, and where that is.
var limit = regexp.MustCompile("(?m)^\\|[^|]+\\| ([0-9,]+) \\|[^|]+\\| `(\\w+)` of `([\\w./]+)` \\|$")

// TestLimits compares the limits of docs/performance.md with the code.
func TestLimits(t *testing.T) {
	t.Parallel()
	doc := read(t, "docs/performance.md")
	_, table, _ := strings.Cut(doc, "| what | at most |")
	rows := limit.FindAllStringSubmatch(table, -1)
	if lines := strings.Count(table, "\n| ") - 1; len(rows) < 10 || len(rows) != lines {
		t.Errorf("%d of %d limits understood", len(rows), lines)
	}
	for _, row := range rows {
		value, err := constantOf(t, row[3], row[2])
		if err != nil {
			t.Errorf("%s of %s: %v", row[2], row[3], err)
			continue
		}
		if said := strings.ReplaceAll(row[1], ",", ""); said != value {
			t.Errorf("%s of %s is %s, docs/performance.md has %s", row[2], row[3], value, row[1])
		}
	}
}

// constantOf returns the value of a constant of a Go package or a C header.
func constantOf(t *testing.T, where, name string) (string, error) {
	t.Helper()
	if strings.HasSuffix(where, ".h") {
		match := regexp.MustCompile(`(?m)^#define ` + name + ` (.+)$`).FindStringSubmatch(read(t, where))
		if match == nil {
			return "", os.ErrNotExist
		}
		return evaluate(match[1])
	}
	files, err := filepath.Glob(filepath.Join("..", where, "*.go"))
	if err != nil {
		return "", err
	}
	for _, file := range files {
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
		if err != nil {
			return "", err
		}
		if value := valueIn(parsed, name); value != nil {
			return evaluate(types.ExprString(value))
		}
	}
	return "", os.ErrNotExist
}

// valueIn returns the expression of a constant that a file declares.
func valueIn(file *ast.File, name string) ast.Expr {
	for _, declared := range file.Decls {
		group, is := declared.(*ast.GenDecl)
		if !is || group.Tok != token.CONST {
			continue
		}
		for _, spec := range group.Specs {
			values := spec.(*ast.ValueSpec)
			for i, ident := range values.Names {
				if ident.Name == name && i < len(values.Values) {
					return values.Values[i]
				}
			}
		}
	}
	return nil
}

// evaluate returns the value of an expression of numbers.
func evaluate(text string) (string, error) {
	result, err := types.Eval(token.NewFileSet(), nil, token.NoPos, text)
	if err != nil {
		return "", err
	}
	n, _ := constant.Int64Val(constant.ToInt(result.Value))
	return strconv.FormatInt(n, 10), nil
}

// The README says what docs/performance.md was measured to say.
func TestCost(t *testing.T) {
	t.Parallel()
	var said []string
	for _, document := range []string{"docs/performance.md", "README.md"} {
		text, err := performance.Find(read(t, document), "cost")
		if err != nil {
			t.Fatal(document, err)
		}
		said = append(said, strings.TrimSpace(text))
	}
	if said[0] != said[1] || said[0] == "" {
		t.Errorf("the README has %q, docs/performance.md %q", said[1], said[0])
	}
}

// picture matches the pictures that a document shows.
var picture = regexp.MustCompile(`!\[[^]]+\]\(([^)]+)\)`)

func TestPictures(t *testing.T) {
	t.Parallel()
	all := picture.FindAllStringSubmatch(read(t, "docs/performance.md"), -1)
	if len(all) < 4 {
		t.Errorf("%d pictures", len(all))
	}
	for _, one := range all {
		if text := read(t, filepath.Join("docs", one[1])); !strings.HasPrefix(text, "<svg ") {
			t.Errorf("%s is no picture", one[1])
		}
	}
}
