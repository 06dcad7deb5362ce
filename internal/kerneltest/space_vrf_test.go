package kerneltest

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/lab"
	"github.com/porttrace/porttrace/internal/portspace"
)

// vrfArea is a part of a namespace with bind buckets of its own: a VRF, or what is in none.
type vrfArea struct {
	device string // that its connections are bound to, empty: to none
	port   string // a device that is in the VRF
	space  portspace.ID
}

// vrfMix is two VRFs and what is outside of them, with the same addresses, and ports that are taken
// in random ways.
type vrfMix struct {
	*rand.Rand
	client *lab.Netns
	areas  []vrfArea
	low    uint16
	size   uint16
	fds    []int
	log    []string
}

func newVRFMix(t *testing.T, random *rand.Rand) *vrfMix {
	t.Helper()
	m := &vrfMix{Rand: random, low: firstPort, size: 32}
	m.client = clientInVRFs(t, int(m.size))
	server := newNetns(t)
	noError(t, lab.Link(m.client, server, clientAddrs, serverAddrs))
	serve(t, server, lab.Echo, serverV4)
	spawn(t, m.client, "resident", &lab.Binder{For: jobLimit}) // it keeps the namespace visible
	for _, area := range []vrfArea{{}, {device: vrfs[0], port: "lab1"}, {device: vrfs[1], port: "lab2"}} {
		area.space = portspace.ID{Netns: m.client.Inode(), Local: event.AddrFrom(clientV4), Remote: endpoint(serverV4)}
		if area.device != "" {
			area.space.Device = deviceIndex(t, m.client, area.device)
		}
		m.areas = append(m.areas, area)
	}
	t.Cleanup(func() {
		for _, fd := range m.fds {
			_ = unix.Close(fd) // the namespace goes with it
		}
	})
	return m
}

func deviceIndex(t *testing.T, n *lab.Netns, name string) uint32 {
	t.Helper()
	index, err := n.DeviceIndex(name)
	noError(t, err)
	return uint32(index)
}

// socket makes a socket, bound to a device and an address if they are given.
func (m *vrfMix) socket(device string, at netip.AddrPort) (int, error) {
	fd, err := newSocket(at.Addr())
	if err != nil {
		return -1, err
	}
	m.fds = append(m.fds, fd)
	if device != "" {
		if err := unix.BindToDevice(fd, device); err != nil {
			return fd, err
		}
	}
	if at.Port() == 0 {
		if err := unix.SetsockoptInt(fd, unix.SOL_IP, unix.IP_BIND_ADDRESS_NO_PORT, 1); err != nil {
			return fd, err
		}
	}
	return fd, unix.Bind(fd, lab.Sockaddr(at))
}

func (m *vrfMix) anyPort() uint16 { return m.low + uint16(m.IntN(int(m.size))) }

// late is an address whose port connect() chooses.
var late = netip.AddrPortFrom(clientV4, 0)

// take takes a port in an area in a random way.
func (m *vrfMix) take(a *vrfArea) error {
	device := []string{a.device, a.device, a.port}[m.IntN(3)] // what is bound is the same for both
	at := netip.AddrPortFrom([]netip.Addr{clientV4, netip.IPv4Unspecified(), netip.IPv6Unspecified()}[m.IntN(3)], m.anyPort())
	from, way := netip.AddrPortFrom(clientV4, m.anyPort()), m.IntN(6)
	var fd int
	var err error
	switch way {
	case 0, 1:
		fd, err = m.socket(device, at)
		if err == nil && way == 1 {
			err = unix.Listen(fd, 1)
		}
	case 2, 3:
		fd, err = m.socket(a.device, late)
	default:
		fd, err = m.socket(a.device, from)
	}
	if err == nil && way > 1 {
		if err = unix.Connect(fd, lab.Sockaddr(serverV4)); err == nil && way%2 == 1 {
			err = m.closeFirst(fd)
		}
	}
	m.log = append(m.log, fmt.Sprintf("area %q device %q, way %d, %s or %s: %v", a.device, device, way, at, from, err))
	if err != nil && !isExpected(err) {
		return err
	}
	return nil
}

// closeFirst leaves a TIME_WAIT bucket: the server answers the FIN with its own.
func (m *vrfMix) closeFirst(fd int) error {
	if err := unix.Shutdown(fd, unix.SHUT_WR); err != nil {
		return err
	}
	_, err := unix.Read(fd, make([]byte, 1))
	return err
}

// fill makes sockets with ports until none is left, and returns how many.
func (m *vrfMix) fill(device string, connects bool) (count int, err error) {
	err = m.client.Do(func() error {
		for ; count <= int(m.size); count++ {
			fd, err := newSocket(clientV4)
			if err != nil {
				return err
			}
			m.fds = append(m.fds, fd)
			if device != "" {
				if err := unix.BindToDevice(fd, device); err != nil {
					return err
				}
			}
			if connects {
				err = unix.Connect(fd, lab.Sockaddr(serverV4))
			} else {
				err = unix.Bind(fd, lab.Sockaddr(late))
			}
			if errors.Is(err, unix.EADDRNOTAVAIL) || errors.Is(err, unix.EADDRINUSE) {
				return nil
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
	return count, err
}

// Whatever holds the ports of two VRFs and of what is outside: the headroom that is shown of each is
// the number of connects, or of bind() to port 0, that then succeed there.
func TestHeadroomOfVRFs(t *testing.T) {
	seed := *mixSeed
	if seed == 0 {
		seed = rand.Uint64()
	}
	t.Logf("these mixes are made again by -mix-seed %d", seed)
	for round := range fewer(6, 2) {
		m := newVRFMix(t, rand.New(rand.NewPCG(seed, uint64(round))))
		w := traceSpaces(t, m.client)
		noError(t, m.client.Do(func() error {
			for range 30 {
				if err := m.take(&m.areas[m.IntN(len(m.areas))]); err != nil {
					return err
				}
			}
			return nil
		}))
		m.check(t, w)
	}
}

func (m *vrfMix) check(t *testing.T, w *spaceTrace) {
	t.Helper()
	w.awaitScans(m.client)
	want := map[vrfArea]int{}
	taken := map[vrfArea]string{}
	device := map[vrfArea]string{}
	connects := m.IntN(2) == 0
	w.withTable(func(table *portspace.Table) {
		for _, a := range m.areas {
			space := table.Find(a.space)
			taken[a] = takenText(space)
			if connects {
				device[a], want[a] = a.device, headroom(space)
				continue
			}
			id := portspace.BindID{Netns: a.space.Netns, Device: a.space.Device, Local: a.space.Local}
			if device[a] = a.device; a.port != "" && m.IntN(2) == 0 {
				device[a], id.Device = a.port, deviceIndex(t, m.client, a.port)
			}
			o := table.BindOccupancy(id)
			want[a] = o.Headroom()
		}
	})
	for _, a := range m.areas {
		got, err := m.fill(device[a], connects)
		noError(t, err)
		if got != want[a] {
			t.Errorf("in %q, by device %q, connect(): %v: headroom is %d, %d calls succeeded; taken are %s\n%s",
				a.device, device[a], connects, want[a], got, taken[a], strings.Join(m.log, "\n"))
		}
	}
}

// A listener in one VRF is in the way of a second one there, and of none elsewhere.
func TestHolderInVRF(t *testing.T) {
	client := clientInVRFs(t, 32)
	w := traceSpaces(t, client)
	addr := netip.AddrPortFrom(clientV4, 8080)
	listen := func(device string) *lab.Binder {
		return &lab.Binder{Socket: lab.Socket{Bind: addr, Device: device}, Listen: true, For: jobLimit, List: true}
	}
	servers := map[string]lab.Result{}
	for _, vrf := range vrfs { // the port is free in the second one
		p := spawn(t, client, "server-"+vrf, listen(vrf))
		r := counted(t, p)
		wantCounts(t, r, 1, 0)
		servers[vrf] = r
	}
	w.awaitScans(client)
	for _, vrf := range vrfs {
		r := run(t, client, "late-"+vrf, listen(vrf))
		if r.BindErrors["EADDRINUSE"] != 1 {
			t.Fatalf("in %s the port is not taken: %+v", vrf, r)
		}
		got := w.awaitFailure(event.BindFail, client, r.PID).Holder
		if got == nil || got.Proc.PID != uint32(servers[vrf].PID) || got.State != event.StateListen {
			t.Errorf("in %s: got %+v, want the listener %d", vrf, got, servers[vrf].PID)
		}
	}
}

// With net.ipv4.tcp_l3mdev_accept the bind buckets are those of the namespace: a port that is bound in
// one VRF is taken in the other, too.
func TestHeadroomOfSharedVRFs(t *testing.T) {
	const ports, bound = 32, 10
	client := clientInVRFs(t, ports)
	noError(t, client.Sysctl("ipv4/tcp_l3mdev_accept", "1"))
	w := traceSpaces(t, client)
	red := lab.Socket{Bind: netip.AddrPortFrom(clientV4, 0), Device: vrfs[0]}
	wantCounts(t, counted(t, spawn(t, client, "binder", &lab.Binder{Socket: red, Count: bound, For: jobLimit})), bound, 0)
	w.awaitScans(client)
	shown := 0
	w.withTable(func(table *portspace.Table) {
		shown = headroom(table.Find(portspace.ID{
			Netns: client.Inode(), Device: deviceIndex(t, client, vrfs[1]), Local: event.AddrFrom(clientV4), Remote: endpoint(serverV4),
		}))
	})
	r := run(t, client, "blue", &lab.Client{Socket: lab.Socket{Device: vrfs[1]}, To: []netip.AddrPort{serverV4}, Count: ports + 1, Talk: true, Hold: true})
	if shown != r.Succeeded || shown != ports-bound {
		t.Errorf("headroom is shown as %d, want %d; %d connects succeeded", shown, ports-bound, r.Succeeded)
	}
}
