package procinfo

import (
	"net"
	"os"
	"syscall"
	"testing"
)

func TestSocketHolders(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	file, err := l.(*net.TCPListener).File()
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		t.Fatal(err)
	}
	socket := info.Sys().(*syscall.Stat_t).Ino
	holders, err := SocketHolders(map[uint64]bool{socket: true, 1: true})
	if err != nil {
		t.Fatal(err)
	}
	if len(holders) != 1 || holders[socket].PID != uint32(os.Getpid()) {
		t.Errorf("socket %d is held by %v, want process %d", socket, holders, os.Getpid())
	}
}
