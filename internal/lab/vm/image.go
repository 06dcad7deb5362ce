package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// modules are those that the tests need and nothing loads by itself: there is no modprobe in the machine.
var modules = []string{"veth", "tcp_diag", "udp_diag", "dummy", "vrf"}

// plan is what guest/main.go reads.
type plan struct {
	Modules []string
	Runs    [][]string
}

// image is what a machine boots.
type image struct{ kernel, initramfs string }

// makeImage puts together the kernel of an unpacked package, its modules, the guest and
// the test program.
func makeImage(tmp, root, guest, tests string, runs [][]string) (image, error) {
	kernel, release, err := findKernel(root)
	if err != nil {
		return image{}, err
	}
	stage := filepath.Join(tmp, "stage")
	if err := os.MkdirAll(filepath.Join(stage, "modules"), 0o755); err != nil {
		return image{}, err
	}
	p := plan{Runs: runs}
	if p.Modules, err = addModules(stage, root, release); err != nil {
		return image{}, err
	}
	text, err := json.Marshal(p)
	if err != nil {
		return image{}, err
	}
	err = errors.Join(
		os.WriteFile(filepath.Join(stage, "plan.json"), text, 0o644),
		link(guest, filepath.Join(stage, "init")),
		link(tests, filepath.Join(stage, "kerneltest")))
	if err != nil {
		return image{}, err
	}
	archive := filepath.Join(tmp, "initramfs")
	out, err := exec.Command("sh", "-c", `cd "$1" && find . | cpio --quiet -o -H newc > "$2"`, "sh", stage, archive).CombinedOutput()
	if err != nil {
		return image{}, fmt.Errorf("packing the initramfs: %w: %s", err, out)
	}
	return image{kernel, archive}, nil
}

// link makes a file appear in the stage without copying it.
func link(from, to string) error {
	if err := os.Link(from, to); err == nil {
		return nil
	}
	data, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	return os.WriteFile(to, data, 0o755)
}

// findKernel looks in both places that Debian has had for it.
func findKernel(root string) (file, release string, err error) {
	for _, pattern := range []string{"boot/vmlinu[xz]-*", "usr/lib/modules/*/vmlinu[xz]", "lib/modules/*/vmlinu[xz]"} {
		found, err := filepath.Glob(filepath.Join(root, pattern))
		if err != nil {
			return "", "", err
		}
		if len(found) == 0 {
			continue
		}
		if _, release, ok := strings.Cut(filepath.Base(found[0]), "-"); ok {
			return found[0], release, nil
		}
		return found[0], filepath.Base(filepath.Dir(found[0])), nil
	}
	return "", "", fmt.Errorf("no kernel in %s", root)
}

// addModules unpacks the modules and what they depend on, in the order in which they
// are loaded.
func addModules(stage, root, release string) ([]string, error) {
	base := root
	if _, err := os.Stat(filepath.Join(root, "lib/modules")); err != nil {
		base = filepath.Join(root, "usr")
	}
	if out, err := exec.Command("depmod", "-b", base, release).CombinedOutput(); err != nil {
		return nil, fmt.Errorf("depmod: %w: %s", err, out)
	}
	var list []string
	seen := map[string]bool{}
	for _, name := range modules {
		out, err := exec.Command("modprobe", "-d", base, "-S", release, "--show-depends", name).Output()
		if err != nil {
			return nil, fmt.Errorf("module %s of %s: %w", name, release, err)
		}
		for line := range strings.Lines(string(out)) {
			words := strings.Fields(line) // "insmod FILE" or "builtin NAME"
			if len(words) < 2 || words[0] != "insmod" || seen[words[1]] {
				continue
			}
			seen[words[1]] = true
			file, _, _ := strings.Cut(filepath.Base(words[1]), ".")
			if err := decompress(words[1], filepath.Join(stage, "modules", file)); err != nil {
				return nil, err
			}
			list = append(list, "/modules/"+file)
		}
	}
	return list, nil
}

func decompress(from, to string) error {
	tool := map[string]string{".xz": "xz", ".zst": "zstd"}[filepath.Ext(from)]
	if tool == "" {
		return link(from, to)
	}
	data, err := exec.Command(tool, "-dc", from).Output()
	if err != nil {
		return fmt.Errorf("%s %s: %w", tool, from, err)
	}
	return os.WriteFile(to, data, 0o644)
}
