// Package performance is what the programs that write docs/performance.md have in common: the
// parts of the document that are theirs, which stand between <!-- part: NAME --> and
// <!-- end -->, tables, and the machine on which they measure.
package performance

import (
	"fmt"
	"os"
	"strings"
)

const end = "<!-- end -->"

func begin(name string) string { return "<!-- part: " + name + " -->" }

// Find returns a part of a document, without the marks.
func Find(doc, name string) (string, error) {
	_, rest, found := strings.Cut(doc, begin(name))
	text, _, ended := strings.Cut(rest, end)
	if !found || !ended {
		return "", fmt.Errorf("the document has no part %q", name)
	}
	return text, nil
}

// Replace returns the document with another text in a part.
func Replace(doc, name, text string) (string, error) {
	if _, err := Find(doc, name); err != nil {
		return "", err
	}
	before, rest, _ := strings.Cut(doc, begin(name))
	_, after, _ := strings.Cut(rest, end)
	return before + begin(name) + text + end + after, nil
}

// ReplaceIn does it in a file.
func ReplaceIn(file, name, text string) error {
	doc, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	changed, err := Replace(string(doc), name, text)
	if err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	return os.WriteFile(file, []byte(changed), 0o644)
}
