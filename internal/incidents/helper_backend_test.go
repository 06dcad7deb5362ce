package incidents

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"time"
)

// runBackend is a small HTTP server. It never closes first, as long as a connection is used and
// -idle has not passed: the client's way to close decides.
func runBackend(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("backend", flag.ContinueOnError)
	size := flags.Int("size", 100, "bytes of an answer")
	delay := flags.Duration("delay", 0, "before each answer")
	idle := flags.Duration("idle", 5*time.Minute, "close a connection that was not used for that long")
	if err := flags.Parse(args); err != nil {
		return err
	}
	b := &backend{delay: *delay, idle: *idle}
	b.answer = fmt.Appendf(nil, "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: %d\r\nConnection: keep-alive\r\n\r\n", *size)
	b.answer = append(b.answer, bytes.Repeat([]byte{'x'}, *size)...)
	var serving sync.WaitGroup
	for _, at := range flags.Args() {
		// Plain TCP: the default of package net is MPTCP.
		var config net.ListenConfig
		config.SetMultipathTCP(false)
		listener, err := config.Listen(ctx, "tcp", at)
		if err != nil {
			return err
		}
		context.AfterFunc(ctx, func() { _ = listener.Close() })
		serving.Go(func() { b.serve(listener) })
	}
	fmt.Println("listening")
	serving.Wait()
	return nil
}

type backend struct {
	answer []byte
	delay  time.Duration
	idle   time.Duration
}

func (b *backend) serve(listener net.Listener) {
	for {
		conn, err := listener.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			time.Sleep(10 * time.Millisecond) // no file descriptor left, say
			continue
		}
		go b.talk(conn)
	}
}

// talk answers requests until the client closes.
func (b *backend) talk(conn net.Conn) {
	defer conn.Close()
	from := bufio.NewReaderSize(conn, 1024)
	for {
		_ = conn.SetDeadline(time.Now().Add(b.idle))
		if err := skipRequest(from); err != nil {
			return
		}
		time.Sleep(b.delay)
		if _, err := conn.Write(b.answer); err != nil {
			return
		}
	}
}

// skipRequest reads a request without a body.
func skipRequest(from *bufio.Reader) error {
	for {
		line, err := from.ReadString('\n')
		if err != nil {
			return err
		}
		if strings.TrimSpace(line) == "" {
			return nil
		}
		if len(line) > 4096 {
			return io.ErrShortBuffer
		}
	}
}
