package confine

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"strconv"

	"golang.org/x/sys/unix"
	"kernel.org/pub/linux/libs/security/libcap/cap"
)

// User is the one that a run goes on as.
type User struct {
	Name   string
	UID    int
	GID    int
	groups []int // further ones
}

// LookUp finds a user by name or id. An id without an entry in the list of users is one, too: it has the
// group with its number.
func LookUp(text string) (*User, error) {
	found, err := user.Lookup(text)
	id, notNumber := strconv.ParseUint(text, 10, 31)
	if err != nil && notNumber == nil {
		if found, err = user.LookupId(text); err != nil {
			return &User{Name: text, UID: int(id), GID: int(id)}, nil
		}
	}
	if err != nil {
		return nil, errors.New("there is no such user: give a name or the number of one")
	}
	u := &User{Name: found.Username}
	if u.UID, err = strconv.Atoi(found.Uid); err != nil {
		return nil, err
	}
	if u.GID, err = strconv.Atoi(found.Gid); err != nil {
		return nil, err
	}
	groups, err := found.GroupIds()
	if err != nil {
		return nil, fmt.Errorf("the groups of %s: %w", found.Username, err)
	}
	for _, text := range groups {
		if gid, err := strconv.Atoi(text); err == nil && gid != u.GID {
			u.groups = append(u.groups, gid)
		}
	}
	return u, nil
}

// Own gives a file or directory that this run has made to the user, who could not use it else. What
// it cannot have made, such as a device, stays as it is.
func (u *User) Own(file *os.File) error {
	if u == nil {
		return nil
	}
	if info, err := file.Stat(); err != nil || !info.Mode().IsRegular() && !info.IsDir() {
		return err
	}
	if err := file.Chown(u.UID, u.GID); err != nil {
		return fmt.Errorf("giving %s to user %s: %w", file.Name(), u.Name, err)
	}
	return nil
}

// become makes all threads those of the user, which keep their capabilities.
func (u *User) become() error {
	if err := cap.SetGroups(u.GID, u.groups...); err != nil {
		return err
	}
	return cap.SetUID(u.UID)
}

// needsOverride reports whether root can make files in a directory only by CAP_DAC_OVERRIDE: it is
// another user's. One that is to be made is judged by the one in which it will be.
func needsOverride(dir string) bool {
	for {
		var st unix.Stat_t
		err := unix.Stat(dir, &st)
		if err == nil {
			return st.Uid != 0 || st.Mode&0o300 != 0o300
		}
		parent := filepath.Dir(dir)
		if !errors.Is(err, fs.ErrNotExist) || parent == dir {
			return false
		}
		dir = parent
	}
}

// checkDir returns an error if this user, as it is now, cannot make files in a directory.
func checkDir(dir, user string) error {
	err := unix.Faccessat(unix.AT_FDCWD, dir, unix.W_OK|unix.X_OK, unix.AT_EACCESS)
	if err == nil || errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return fmt.Errorf("user %s cannot make files in %s (%w): give it to them, as by chown %s %s", user, dir, err, user, dir)
}
