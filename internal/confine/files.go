package confine

import (
	"fmt"

	"github.com/landlock-lsm/go-landlock/landlock"
	"golang.org/x/sys/unix"
	"kernel.org/pub/linux/libs/security/libcap/cap"
)

// Reader confines a run that only reads what others have written, such as a recording of a stranger: it
// can change no file but in these directories, as far as the kernel allows that to be refused (Linux 5.13
// and later with Landlock), has no capability but those to open the user's files, and makes none of the
// system calls that no run makes. It is quick, since these commands are run in loops: the bounding set stays.
func Reader(writes ...string) error {
	kept := heldOf([]cap.Value{cap.DAC_OVERRIDE, cap.DAC_READ_SEARCH})
	if err := dropCapabilities(kept); err != nil {
		return fmt.Errorf("dropping capabilities: %w", err)
	}
	if _, err := cap.Prctlw(unix.PR_SET_NO_NEW_PRIVS, 1); err != nil {
		return fmt.Errorf("refusing new privileges: %w", err)
	}
	err := landlock.V5.BestEffort().RestrictPaths(
		landlock.RODirs("/"),
		landlock.RWDirs(writes...).IgnoreIfMissing(),
		landlock.RWFiles("/dev/null", "/dev/tty").WithIoctlDev().IgnoreIfMissing(),
	)
	if err != nil {
		return fmt.Errorf("confining to what is read: %w", err)
	}
	_ = refuseCalls(&Options{Programs: true}) // a kernel without seccomp
	return nil
}
