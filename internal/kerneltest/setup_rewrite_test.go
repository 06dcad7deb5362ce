package kerneltest

import (
	"encoding/binary"
	"math/bits"
	"net/netip"
	"strings"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/link"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/lab"
	"github.com/porttrace/porttrace/internal/portspace"
	"github.com/porttrace/porttrace/internal/snapshot"
)

// The addresses of services, which no host has: a program at cgroup/connect4 and connect6 replaces
// them by those of a server before the kernel sees them, as the load balancers of service meshes do.
var services = map[netip.AddrPort]netip.AddrPort{
	netip.MustParseAddrPort("10.96.0.1:443"): serverV4,
	netip.MustParseAddrPort("10.96.0.1:444"): at(serverV4, closedPort),
	netip.MustParseAddrPort("10.96.0.1:445"): netip.MustParseAddrPort("192.0.2.1:80"), // there is no route
	netip.MustParseAddrPort("[fd96::1]:443"): serverV6,
	netip.MustParseAddrPort("[fd96::1]:444"): at(serverV6, closedPort),
}

// service returns the address of a service by its port.
func service(v6 bool, port uint16) netip.AddrPort {
	return netip.AddrPortFrom(map[bool]netip.Addr{false: netip.MustParseAddr("10.96.0.1"), true: netip.MustParseAddr("fd96::1")}[v6], port)
}

// Offsets in struct bpf_sock_addr of linux/bpf.h.
const (
	userIP4, userIP6, userPort = 4, 8, 24
)

// place is where struct bpf_sock_addr has an address, and the words of the address there.
func place(a netip.Addr) (offset int16, words []int32) {
	offset = userIP6
	if a.Is4() {
		offset = userIP4
	}
	for text := a.AsSlice(); len(text) > 0; text = text[4:] {
		words = append(words, int32(binary.NativeEndian.Uint32(text)))
	}
	return offset, words
}

// networkPort is a port as the structure has it.
func networkPort(port uint16) int32 {
	if binary.NativeEndian.Uint16([]byte{0, 1}) != 1 {
		port = bits.ReverseBytes16(port)
	}
	return int32(port)
}

// rewriter is the program for one family: R6 is the context.
func rewriter(v6 bool) (program asm.Instructions) {
	program = append(program, asm.Mov.Reg(asm.R6, asm.R1))
	next := ""
	for from, to := range services {
		if from.Addr().Is6() != v6 {
			continue
		}
		begin := asm.LoadMem(asm.R1, asm.R6, userPort, asm.Word)
		if next != "" {
			begin = begin.WithSymbol(next)
		}
		next = "after " + from.String()
		program = append(program, begin, asm.JNE.Imm(asm.R1, networkPort(from.Port()), next))
		offset, old := place(from.Addr())
		_, replacement := place(to.Addr())
		for i, word := range old {
			program = append(program, asm.LoadMem(asm.R1, asm.R6, offset+int16(4*i), asm.Word), asm.JNE.Imm32(asm.R1, word, next))
		}
		for i, word := range replacement {
			program = append(program, asm.Mov.Imm32(asm.R1, word), asm.StoreMem(asm.R6, offset+int16(4*i), asm.R1, asm.Word))
		}
		program = append(program, asm.Mov.Imm(asm.R1, networkPort(to.Port())), asm.StoreMem(asm.R6, userPort, asm.R1, asm.Word),
			asm.Mov.Imm(asm.R0, 1), asm.Return())
	}
	return append(program, asm.Mov.Imm(asm.R0, 1).WithSymbol(next), asm.Return())
}

func attachRewriter(l *load) {
	l.attachAtConnect(map[ebpf.AttachType]asm.Instructions{
		ebpf.AttachCGroupInet4Connect: rewriter(false), ebpf.AttachCGroupInet6Connect: rewriter(true),
	})
	l.real = services
}

// attachAtConnect attaches programs to a cgroup, in which the clients are started then.
func (l *load) attachAtConnect(programs map[ebpf.AttachType]asm.Instructions) {
	l.t.Helper()
	groups := mountCgroups(l.t, "cgroup2", "", "0::")
	dir := groups.make("/connect")
	for at, instructions := range programs {
		program, err := ebpf.NewProgram(&ebpf.ProgramSpec{Type: ebpf.CGroupSockAddr, AttachType: at, Instructions: instructions, License: "GPL"})
		noError(l.t, err)
		attached, err := link.AttachCgroup(link.CgroupOptions{Path: dir, Attach: at, Program: program})
		noError(l.t, err)
		l.t.Cleanup(func() {
			if err := attached.Close(); err != nil {
				l.t.Error(err)
			}
			_ = program.Close() // it was attached
		})
	}
	l.within = func(start func() *lab.Proc) *lab.Proc { return groups.within("/connect", start) }
}

// rewrittenLoad connects to the services.
func rewrittenLoad(l *load) {
	l.serve(l.server, lab.Echo, echoServers...)
	works := setupWorks([]netip.AddrPort{service(false, 443), service(true, 443)}, []netip.AddrPort{service(false, 444), service(true, 444)}, lab.Socket{})
	l.start(works)()
	// Only the exit of the system call shows what the program asked for.
	if strings.HasSuffix(l.trace.signal("connect_errors").Hook, "/sys_exit") {
		l.real = nil
	}
	l.start([]work{{name: "no-route", to: []netip.AddrPort{service(false, 445)}, job: lab.Client{Count: 20}}})()
}

// boundSource is a second address of the client, which its programs do not ask for.
var boundSource = netip.MustParsePrefix("10.1.0.3/24")

// binder binds each socket to boundSource, without a port: bpf_bind().
func binder() asm.Instructions {
	const family, size = 2, 16 // AF_INET, struct sockaddr_in
	_, words := place(boundSource.Addr())
	return asm.Instructions{
		asm.StoreImm(asm.RFP, -16, family, asm.Word), // the port is 0
		asm.StoreImm(asm.RFP, -8, 0, asm.Word), asm.StoreImm(asm.RFP, -4, 0, asm.Word),
		asm.Mov.Imm32(asm.R2, words[0]), asm.StoreMem(asm.RFP, -12, asm.R2, asm.Word),
		asm.Mov.Reg(asm.R2, asm.RFP), asm.Add.Imm(asm.R2, -16), asm.Mov.Imm(asm.R3, size),
		asm.FnBind.Call(),
		asm.Mov.Imm(asm.R0, 1), asm.Return(),
	}
}

func attachBinder(l *load) {
	noError(l.t, l.client.AddAddr("lab1", boundSource))
	l.own4 = boundSource.Addr()
	l.attachAtConnect(map[ebpf.AttachType]asm.Instructions{ebpf.AttachCGroupInet4Connect: binder()})
}

func boundLoad(l *load) {
	l.serve(l.server, lab.Echo, echoServers...)
	l.start(setupWorks(echoServers, closedServers, lab.Socket{}))()
}

// The ports of a service are those of the server behind it: its own address has no port space.
func TestSpaceOfRewritten(t *testing.T) {
	const ports, tries = 64, 80
	client, server := pair(t)
	narrow(t, client, ports)
	l := newLoad(t, client, server)
	attachRewriter(l)
	serve(t, server, lab.Echo, serverV4)
	w := traceSpaces(t, client, server)
	p := l.within(func() *lab.Proc {
		return spawn(t, client, "mesh", &lab.Client{To: []netip.AddrPort{service(false, 443)}, Count: tries, Talk: true, Hold: true})
	})
	wantCounts(t, counted(t, p), ports, tries-ports)
	id := portspace.ID{Netns: client.Inode(), Local: event.AddrFrom(clientV4), Remote: endpoint(serverV4)}
	w.awaitRow("all failures in a full space", id, func(p *snapshot.PortSpace) bool {
		return p.Exhausted == tries-ports && p.Live == ports && p.IsFull()
	})
	for _, s := range spacesOf(w.snapshot(), client) {
		if s.Remote.Addr == event.AddrFrom(service(false, 443).Addr()) {
			t.Errorf("the service has a space: %s", spaceText(&s))
		}
	}
	release(t, p)
}
