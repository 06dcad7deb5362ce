package docs

import (
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/porttrace/porttrace/"

func read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// named matches a file or folder of the repository, as bpf/state.bpf.h or tui/column*.go.
var named = regexp.MustCompile(`\b(bpf|cmd|deploy|docs|internal|tui)/[\w./*-]*[\w*]|\b[A-Z]+\.md|\bMakefile|\.golangci\.yml|\bvmlinux\.h`)

func TestNamedFilesExist(t *testing.T) {
	t.Parallel()
	for _, document := range []string{"ARCHITECTURE.md", "CONTRIBUTING.md", "README.md", "docs/alerts.md", "docs/performance.md", "docs/reference.md", "docs/screen.md"} {
		for _, name := range named.FindAllString(read(t, document), -1) {
			if found, err := filepath.Glob(filepath.Join("..", name)); err != nil || len(found) == 0 {
				t.Errorf("%s: there is no %s", document, name)
			}
		}
	}
}

// row matches a row of the table of packages: its name, what it imports.
var row = regexp.MustCompile("(?m)^\\| `((?:(?:internal|docs|tui)/)?[a-z]+(?:/[a-z]+)?)` \\| *([a-z/, ]*?) *\\|")

// TestImports compares the table of packages with the code.
func TestImports(t *testing.T) {
	t.Parallel()
	listed := map[string]bool{"internal/incidents": true, "internal/kerneltest": true, "internal/lab": true} // tests
	for _, match := range row.FindAllStringSubmatch(read(t, "ARCHITECTURE.md"), -1) {
		name, got := match[1], imports(t, match[1])
		listed[name] = true
		if want := strings.FieldsFunc(match[2], func(r rune) bool { return r == ',' || r == ' ' }); !slices.Equal(got, want) {
			t.Errorf("%s imports %q, ARCHITECTURE.md has %q", name, got, want)
		}
	}
	all, err := filepath.Glob("../internal/*")
	if err != nil || len(all) == 0 {
		t.Fatal("no packages", err)
	}
	screen, err := filepath.Glob("../tui/*/*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range screen {
		all = append(all, filepath.Dir(file))
	}
	for _, dir := range append(slices.Compact(all), "../tui") {
		if name := strings.TrimPrefix(filepath.ToSlash(dir), "../"); !listed[name] {
			t.Errorf("ARCHITECTURE.md does not list %s", name)
		}
	}
}

// imports returns the packages of internal that a package imports, without event.
func imports(t *testing.T, name string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("..", name, "*.go"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no files of %s: %v", name, err)
	}
	var list []string
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ImportsOnly)
		if err != nil {
			t.Fatal(err)
		}
		for _, spec := range parsed.Imports {
			path, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				t.Fatal(err)
			}
			if other, is := strings.CutPrefix(path, module+"internal/"); is && other != "event" {
				list = append(list, other)
			}
		}
	}
	slices.Sort(list)
	return slices.Compact(list)
}
