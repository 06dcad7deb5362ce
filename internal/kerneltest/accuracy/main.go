// Command accuracy puts the figures that kernel tests print into docs/accuracy.md:
//
//	go test -v -run 'TestAccuracy|TestPrivileges' ./internal/kerneltest | go run ./internal/kerneltest/accuracy
//
// It reads any output of the tests, that of internal/lab/vm, too. What it has no new
// figure for it leaves as it is.
package main

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/porttrace/porttrace/internal/kerneltest/figures"
)

const file = "docs/accuracy.md"

func main() {
	if err := run(os.Stdin); err != nil {
		fmt.Fprintln(os.Stderr, "accuracy:", err)
		os.Exit(1)
	}
}

func run(from io.Reader) error {
	output, err := io.ReadAll(from)
	if err != nil {
		return err
	}
	doc, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	text, count, err := figures.Collect(string(doc), string(output))
	if err != nil {
		return err
	}
	if count == 0 {
		return errors.New("the output has no figures: was it go test -v?")
	}
	fmt.Printf("%d figures into %s\n", count, file)
	return os.WriteFile(file, []byte(text), 0o644)
}
