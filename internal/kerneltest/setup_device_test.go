package kerneltest

import (
	"fmt"
	"net/netip"
	"strconv"
	"testing"

	"github.com/porttrace/porttrace/internal/lab"
	"github.com/porttrace/porttrace/internal/snapshot"
)

// Networks in which a socket belongs to a device: VRFs and link-local addresses.

// vrfs are two of them with the same addresses, which is what they are for.
var vrfs = []string{"red", "blue"}

// linkInVRF joins the client to a server by a link that is in a VRF of the client. The number of the
// link is that of the VRF.
func linkInVRF(t testing.TB, client, server *lab.Netns, number int) {
	t.Helper()
	vrf, link := vrfs[number-1], fmt.Sprint("lab", number)
	needDevice(t, "CONFIG_NET_VRF", client.AddVRF(vrf, uint32(100+number)))
	noError(t, lab.Link(client, server, nil, serverAddrs), client.Enslave(link, vrf))
	for _, addr := range clientAddrs { // a device loses its IPv6 addresses if it goes into a VRF
		noError(t, client.AddAddr(link, addr))
	}
}

func clientInVRF(l *load) {
	l.client, l.server = newNetns(l.t), newNetns(l.t)
	l.nets = []*lab.Netns{l.client, l.server}
	linkInVRF(l.t, l.client, l.server, 1)
}

func vrfLoad(l *load) {
	l.serve(l.server, lab.Echo, echoServers...)
	l.start(setupWorks(echoServers, closedServers, lab.Socket{Device: vrfs[0]}))()
}

// linkLocalOn gives both ends of a link an address, the same on each link, and returns that of the
// server as the client and as the server name it.
func linkLocalOn(t testing.TB, client, server *lab.Netns, clientDevice, serverDevice string) (there, here netip.Addr) {
	t.Helper()
	local, remote := netip.MustParsePrefix("fe80::1/64"), netip.MustParsePrefix("fe80::2/64")
	noError(t, client.AddAddr(clientDevice, local), server.AddAddr(serverDevice, remote))
	a, err := client.DeviceIndex(clientDevice)
	noError(t, err)
	b, err := server.DeviceIndex(serverDevice)
	noError(t, err)
	return remote.Addr().WithZone(strconv.Itoa(a)), remote.Addr().WithZone(strconv.Itoa(b))
}

func addLinkLocal(l *load) {
	l.client, l.server = newNetns(l.t), newNetns(l.t)
	l.nets = []*lab.Netns{l.client, l.server}
	noError(l.t, l.client.Sysctl("ipv6/conf/default/addr_gen_mode", "1")) // the device has no other such address
	noError(l.t, lab.Link(l.client, l.server, nil, nil))
	there, here := linkLocalOn(l.t, l.client, l.server, "lab1", "lab1")
	l.real = map[netip.AddrPort]netip.AddrPort{}
	for _, port := range []uint16{echoPort, closedPort} {
		l.real[netip.AddrPortFrom(there, port)] = netip.AddrPortFrom(here, port)
	}
	l.own6 = netip.MustParseAddr("fe80::1")
}

func linkLocalLoad(l *load) {
	var echo, closed []netip.AddrPort
	for there, here := range l.real {
		if there.Port() == closedPort {
			closed = append(closed, there)
			continue
		}
		echo = append(echo, there)
		l.serve(l.server, lab.Echo, here)
	}
	l.start(setupWorks(echo, closed, lab.Socket{}))()
}

// The same address on two links is two port spaces: what is taken towards one is free towards the
// other.
func TestSpacesOfLinks(t *testing.T) {
	const ports, tries = 32, 40
	client, servers := newNetns(t), []*lab.Netns{newNetns(t), newNetns(t)}
	narrow(t, client, ports)
	var to []netip.AddrPort
	for i, server := range servers {
		needDevice(t, "CONFIG_VETH", lab.Link(client, server, nil, nil))
		there, here := linkLocalOn(t, client, server, fmt.Sprint("lab", i+1), "lab1")
		serve(t, server, lab.Echo, netip.AddrPortFrom(here, echoPort))
		to = append(to, netip.AddrPortFrom(there, echoPort))
	}
	w := traceSpaces(t, client)
	checkSpacesApart(t, w, client, to, func(int) lab.Socket { return lab.Socket{} }, ports, tries)
}

// clientInVRFs makes a namespace with all of them, each with a server, and a range of these ports.
func clientInVRFs(t *testing.T, ports int) *lab.Netns {
	t.Helper()
	client := newNetns(t)
	narrow(t, client, ports)
	for number := range vrfs {
		server := newNetns(t)
		linkInVRF(t, client, server, number+1)
		serve(t, server, lab.Echo, serverV4)
	}
	return client
}

// Two VRFs with the same addresses are two port spaces.
func TestSpacesOfVRFs(t *testing.T) {
	const ports, tries = 32, 40
	client := clientInVRFs(t, ports)
	w := traceSpaces(t, client)
	inVRF := func(i int) lab.Socket { return lab.Socket{Device: vrfs[i]} }
	checkSpacesApart(t, w, client, []netip.AddrPort{serverV4, serverV4}, inVRF, ports, tries)
}

// checkSpacesApart fills one space and then the other, and compares both with what the client counts.
func checkSpacesApart(t *testing.T, w *spaceTrace, client *lab.Netns, to []netip.AddrPort, socket func(int) lab.Socket, ports, tries int) {
	t.Helper()
	devices := map[uint32]bool{}
	for i := range to {
		p := spawn(t, client, fmt.Sprint("filler-", i), &lab.Client{Socket: socket(i), To: to[i : i+1], Count: tries, Talk: true, Hold: true})
		wantCounts(t, counted(t, p), ports, tries-ports)
		eventually(t, "a full space", func() bool {
			for _, s := range spacesOf(w.snapshot(), client) {
				if s.Kind == snapshot.ConnectSpace && s.Remote == endpoint(to[i]) && !devices[s.Device] && s.IsFull() {
					if s.Exhausted != uint64(tries-ports) || s.Live != ports || s.Device == 0 {
						t.Errorf("of device %d: %s, %d failures", s.Device, spaceText(&s), s.Exhausted)
					}
					devices[s.Device] = true
					return true
				}
			}
			return false
		})
	}
	w.awaitScans(client) // a scan finds the same
	for _, s := range spacesOf(w.snapshot(), client) {
		if devices[s.Device] && s.Kind == snapshot.ConnectSpace && s.Remote == endpoint(to[0]) && (s.Live != ports || s.Bound != 0) {
			t.Errorf("after a scan, device %d: %s", s.Device, spaceText(&s))
		}
	}
}
