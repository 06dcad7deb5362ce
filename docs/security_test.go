package docs

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// testName matches the name of a test in a document.
var testName = regexp.MustCompile("`((?:Test|Fuzz)[A-Z]\\w+)`")

// TestSecurityTests: every test that security.md names exists, and no row of what others can do lacks one.
func TestSecurityTests(t *testing.T) {
	t.Parallel()
	doc, tests := read(t, "docs/security.md"), testsOf(t)
	named := testName.FindAllStringSubmatch(doc, -1)
	if len(named) < 40 {
		t.Errorf("only %d tests are named", len(named))
	}
	for _, match := range named {
		if !tests[match[1]] {
			t.Errorf("there is no %s", match[1])
		}
	}
	_, table, _ := strings.Cut(doc, "| attempt |")
	rows := 0
	for line := range strings.Lines(table) {
		if !strings.HasPrefix(line, "| ") {
			continue
		}
		if rows++; !testName.MatchString(line) {
			t.Errorf("no test shows: %s", line)
		}
	}
	if rows < 10 {
		t.Errorf("%d rows", rows)
	}
}

// testsOf returns the names of all tests of the repository.
func testsOf(t *testing.T) map[string]bool {
	t.Helper()
	tests := map[string]bool{}
	err := filepath.WalkDir("..", func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && strings.HasPrefix(entry.Name(), ".") && len(entry.Name()) > 2:
			return fs.SkipDir
		case !strings.HasSuffix(name, "_test.go"):
			return nil
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		for _, declared := range file.Decls {
			if f, ok := declared.(*ast.FuncDecl); ok && f.Recv == nil {
				tests[f.Name.Name] = true
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return tests
}
