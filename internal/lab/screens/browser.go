package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// make makes one picture of a page.
func (p *pagePicture) make(binary, chromium, into string) error {
	dir, file, err := unpack(p.incident)
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	html, err := output(dir, binary, "report", file, "-f", "html")
	if err != nil {
		return err
	}
	page, picture := filepath.Join(dir, "report.html"), filepath.Join(dir, "report.png")
	if err := os.WriteFile(page, []byte(p.cut(html)), 0o600); err != nil {
		return err
	}
	if _, err := output(dir, chromium, p.flags(dir, picture, page)...); err != nil {
		return err
	}
	png, err := os.ReadFile(picture) // Chromium ends with 0 even if it has made none
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(into, p.name+".png"), png, 0o644)
}

// cut hides what is not to be seen: Chromium takes its picture from the beginning of the page on.
func (p *pagePicture) cut(html string) string {
	if p.section == "" {
		return html
	}
	return strings.Replace(html, "</style>", "header, section:not(#"+p.section+") { display: none; }\n</style>", 1)
}

func (p *pagePicture) flags(dir, picture, page string) []string {
	scheme := 1 // light
	if p.dark {
		scheme = 0
	}
	flags := []string{
		"--headless", "--disable-gpu", "--hide-scrollbars", "--user-data-dir=" + filepath.Join(dir, "profile"),
		fmt.Sprintf("--window-size=%d,%d", p.width, p.height), fmt.Sprintf("--blink-settings=preferredColorScheme=%d", scheme),
		"--screenshot=" + picture, "file://" + page,
	}
	if os.Geteuid() == 0 { // its sandbox does not work for root
		flags = append([]string{"--no-sandbox"}, flags...)
	}
	return flags
}

// output returns what a program prints that is run in dir.
func output(dir, program string, args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), bound)
	defer cancel()
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Dir = dir
	var printed, complaints strings.Builder
	cmd.Stdout, cmd.Stderr = &printed, &complaints
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("%s: %w\n%s", filepath.Base(program), err, &complaints)
	}
	return printed.String(), nil
}
