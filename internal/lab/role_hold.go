package lab

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// firstFile is the descriptor of the first file that Spawn hands on.
const firstFile = 3

// Holder holds a socket of another process until its standard input is closed,
// and reports a Result once it has it. Its first file is the socket, as after a
// fork.
type Holder struct {
	Passed bool // it is a unix(7) socket instead, over which the socket comes
	For    time.Duration
}

func (h *Holder) role() string         { return "hold" }
func (h *Holder) limit() time.Duration { return h.For }

func (h *Holder) run(ctx context.Context, out *json.Encoder) error {
	held := firstFile
	if h.Passed {
		var err error
		if held, err = receiveFile(firstFile); err != nil {
			return err
		}
	}
	if err := out.Encode(newResult(os.Getpid())); err != nil {
		return err
	}
	<-ctx.Done()
	return unix.Close(held)
}

// SendFile passes a descriptor to the process that has the other end of a unix(7) socket.
func SendFile(over, fd int) error {
	if err := unix.Sendmsg(over, []byte{0}, unix.UnixRights(fd), nil, 0); err != nil {
		return fmt.Errorf("passing a descriptor: %w", err)
	}
	return nil
}

// receiveFile takes what SendFile sent.
func receiveFile(over int) (int, error) {
	data, control := make([]byte, 1), make([]byte, unix.CmsgSpace(4))
	_, n, _, _, err := unix.Recvmsg(over, data, control, unix.MSG_CMSG_CLOEXEC)
	if err != nil {
		return -1, fmt.Errorf("receiving a descriptor: %w", err)
	}
	messages, err := unix.ParseSocketControlMessage(control[:n])
	if err != nil {
		return -1, err
	}
	for i := range messages {
		if fds, err := unix.ParseUnixRights(&messages[i]); err == nil && len(fds) > 0 {
			return fds[0], nil
		}
	}
	return -1, errors.New("no descriptor came")
}
