package netns

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strconv"
	"strings"
)

// Resolve returns the inode of the namespace that a user names: by a name of ip-netns(8),
// by "host", by a path such as /proc/PID/ns/net, or by the inode itself, which need not
// exist here.
func Resolve(arg string) (uint32, error) {
	if strings.Contains(arg, "/") {
		return resolvePath(arg)
	}
	for _, dir := range nameDirs {
		if inode, err := fileNetns(filepath.Join(dir, arg)); err == nil {
			return inode, nil
		}
	}
	if arg == HostName {
		return hostNetns(), nil
	}
	if inode, err := strconv.ParseUint(arg, 10, 32); err == nil && inode != 0 {
		return uint32(inode), nil
	}
	return 0, fmt.Errorf("--netns %s: no such network namespace; give a name that 'ip netns' lists, a path or an inode", arg)
}

func resolvePath(path string) (uint32, error) {
	inode, err := fileNetns(path)
	if pathErr := (*fs.PathError)(nil); errors.As(err, &pathErr) {
		return 0, fmt.Errorf("--netns %s: %w", path, pathErr.Err)
	}
	if err != nil {
		return 0, fmt.Errorf("--netns %w", err)
	}
	return inode, nil
}
