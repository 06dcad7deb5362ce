package kubelet

import (
	"path"
	"regexp"
	"strings"

	"github.com/porttrace/porttrace/internal/event"
)

// link is what the name and the target of a link say. What they do not say is empty.
type link struct {
	pod event.Pod
	id  string // of the container, 64 hexadecimal digits
	uid string // of the pod, see UID
}

// The kubelet cuts the name of a link at 255 bytes, and the id of the container with it.
const (
	ending   = ".log"
	idLength = 64
)

// parse returns what a link says, zero if the kubelet cannot have made it.
func parse(name, target string) link {
	l := parseTarget(target)
	stem, is := strings.CutSuffix(name, ending)
	pod, rest, _ := strings.Cut(stem, "_")
	namespace, rest, _ := strings.Cut(rest, "_")
	dash := strings.LastIndexByte(rest, '-')
	if !is || dash < 0 {
		return l
	}
	container, id := rest[:dash], rest[dash+1:]
	if len(id) != idLength || strings.Trim(id, "0123456789abcdef") != "" {
		return l
	}
	if valid(namespace, pod, container) {
		l.pod, l.id = event.PodOf(namespace, pod, container), id
	}
	return l
}

// parseTarget returns what .../NAMESPACE_POD_UID/CONTAINER/0.log says.
func parseTarget(target string) link {
	dir := path.Dir(target)
	parts := strings.Split(path.Base(path.Dir(dir)), "_")
	if len(parts) != 3 || !uidForm.MatchString(parts[2]) {
		return link{}
	}
	container := path.Base(dir)
	if !valid(parts[0], parts[1], container) {
		return link{}
	}
	return link{pod: event.PodOf(parts[0], parts[1], container), uid: parts[2]}
}

// Names as the API server accepts them, RFC 1123: without anything that a shell or a terminal
// takes for more than a letter.
var (
	label     = regexp.MustCompile(`^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$`)
	subdomain = regexp.MustCompile(`^[a-z0-9]([-.a-z0-9]{0,251}[a-z0-9])?$`)
)

func valid(namespace, pod, container string) bool {
	return label.MatchString(namespace) && subdomain.MatchString(pod) && label.MatchString(container)
}

// The UID of a pod is a UUID; that of a pod from a file of the kubelet is a hash without dashes.
const uidDigits = `[0-9a-f]{8}([-_][0-9a-f]{4}){3}[-_][0-9a-f]{12}|[0-9a-f]{32}`

var (
	uidForm = regexp.MustCompile(`^(` + uidDigits + `)$`)
	// podPart is the part of a cgroup path for a pod. The cgroupfs driver has podUID, the systemd
	// driver kubepods-burstable-podUID.slice with _ for -; kind has a prefix, kubelet-kubepods-;
	// a containerd that takes the one for the other goes on with :cri-containerd:ID.
	podPart = regexp.MustCompile(`(?:^|/|-)pod(` + uidDigits + `)(?:\.slice)?(?:$|[/:])`)
)

// UID returns the UID of the pod that a cgroup path is of, as the directories of the kubelet have
// it, empty if it is of none. Of nested ones (a node in a container) it is the innermost.
func UID(cgroup string) string {
	if !strings.Contains(cgroup, "pod") {
		return ""
	}
	all := podPart.FindAllStringSubmatch(cgroup, -1)
	if all == nil {
		return ""
	}
	return strings.ReplaceAll(all[len(all)-1][1], "_", "-")
}
