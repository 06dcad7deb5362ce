package lab

import (
	"context"
	"encoding/json"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// Binder binds sockets to Bind and reports a Result. What it binds it holds
// until its standard input is closed.
type Binder struct {
	Socket
	Listen bool // listen(2) too; without Bind, listen itself takes a port
	Count  int  // how many sockets to try; 0: one
	For    time.Duration
	List   bool // report each try
}

func (b *Binder) role() string         { return "bind" }
func (b *Binder) limit() time.Duration { return b.For }

func (b *Binder) run(ctx context.Context, out *json.Encoder) error {
	count := max(1, b.Count)
	if err := raiseFiles(count); err != nil {
		return err
	}
	result := newResult(os.Getpid())
	var held []int
	for range count {
		if ctx.Err() != nil {
			break
		}
		fd, err := b.open(b.Bind.Addr().Is6())
		if err != nil {
			return err
		}
		held = append(held, fd)
		result.count(b.try(fd), b.List)
	}
	if err := out.Encode(result); err != nil {
		return err
	}
	<-ctx.Done()
	for _, fd := range held {
		if err := unix.Close(fd); err != nil {
			return err
		}
	}
	return nil
}

// try binds one socket and listens, as far as that is asked for. A socket that
// failed is held like the others: it has no port.
func (b *Binder) try(fd int) Try {
	if err := b.bind(fd); err != nil {
		return Try{Local: b.Bind, Op: "bind", Errno: errnoName(err)}
	}
	if b.Listen {
		if err := unix.Listen(fd, 1); err != nil {
			return Try{Local: b.Bind, Op: "listen", Errno: errnoName(err)}
		}
	}
	return Try{Local: LocalAddr(fd)}
}
