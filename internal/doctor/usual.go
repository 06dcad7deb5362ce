package doctor

import (
	"slices"
	"time"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/snapshot"
)

// What Linux has unless it is set otherwise.
const (
	usualTimeWait   = 60 * time.Second // TCP_TIMEWAIT_LEN, include/net/tcp.h
	usualFinTimeout = 60 * time.Second // net.ipv4.tcp_fin_timeout: TCP_FIN_TIMEOUT, include/net/tcp.h
)

// defaultRange is the net.ipv4.ip_local_port_range of a new namespace: 28,232 ports
// (inet_init_net, net/ipv4/af_inet.c).
var defaultRange = event.PortRange{Low: 32768, High: 60999}

// nodePorts are those that Kubernetes gives to services of the type NodePort, unless it is set up
// otherwise.
var nodePorts = event.PortRange{Low: 30000, High: 32767}

// overlap reports whether two ranges have a port in common.
func overlap(a, b event.PortRange) bool { return a.Low <= b.High && b.Low <= a.High }

var kubernetesPrograms = []string{"kubelet", "kube-proxy", "k3s", "k3s-server", "k3s-agent"}

// runsKubernetes reports whether a process of a Kubernetes node is known.
func runsKubernetes(s *snapshot.Snapshot) bool {
	for i := range s.Processes {
		if slices.Contains(kubernetesPrograms, s.Processes[i].Info.Comm) {
			return true
		}
	}
	return false
}
