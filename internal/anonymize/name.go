package anonymize

import (
	"cmp"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"path"
	"regexp"
	"strings"

	"github.com/porttrace/porttrace/internal/cmdline"
)

// names makes what stands for a name: name- and digits of an HMAC.
type names struct {
	key   Key
	known func(program string) string
	made  memo[string, string] // of word
}

const (
	// maxComm is how many bytes of the name of a process the kernel keeps.
	maxComm = 15
	// digits are how many a stand-in has: of a thousand names two are the same once in ten
	// thousand keys, and a name fits into maxComm.
	digits = 8
	// shortID is how many digits of a container's id are also used alone.
	shortID = 12
)

// mac returns 64 hexadecimal digits.
func (n *names) mac(kind, text string) string {
	h := hmac.New(sha256.New, n.key[:])
	h.Write([]byte(kind + "\x00" + text))
	return hex.EncodeToString(h.Sum(nil))
}

// word returns what stands for a name, or for a part of one.
func (n *names) word(s string) string {
	if s == "" || s == masked || s == ellipsis || programs[s] {
		return s
	}
	return n.made.get(s, n.standIn)
}

// standIn keeps the one thing that findings read in names: that the kernel has cut one to
// maxComm bytes, which are the beginning of the executable's.
func (n *names) standIn(s string) string {
	if n.known(s) == s {
		return s
	}
	if len(s) < maxComm {
		return n.prefix(s) + n.mac("name", s)[:digits]
	}
	cut := s[:maxComm]
	head := (n.prefix(cut) + n.mac("name", cut))[:maxComm]
	if s == cut {
		return head
	}
	return head + "-" + n.mac("name", s)[:digits]
}

func (n *names) prefix(s string) string { return cmp.Or(n.known(s), "name") + "-" }

// file returns what stands for the name of a file, with the same ending.
func (n *names) file(s string) string {
	ending := path.Ext(s)
	if stem := strings.TrimSuffix(s, ending); endings[ending] && stem != "" {
		return n.word(stem) + ending
	}
	return n.word(s)
}

// path has as many components as before.
func (n *names) path(s string) string {
	parts := strings.Split(s, "/")
	for i, part := range parts {
		switch {
		case i == len(parts)-1:
			parts[i] = n.file(part)
		case !directories[part]:
			parts[i] = n.word(part)
		}
	}
	return strings.Join(parts, "/")
}

// commandLine has as many words as before, if there is room. Each is taken for a path: that of a
// script is the same as in other fields.
func (n *names) commandLine(s string) string {
	words := strings.Split(s, " ")
	for i, word := range words {
		words[i] = n.path(word)
	}
	return cmdline.Bounded(strings.Join(words, " "))
}

// unit returns what stands for a systemd unit, or for a part of a cgroup path like one, with its
// type and with its instance apart.
func (n *names) unit(s string) string {
	kind := path.Ext(s)
	if !unitTypes[kind] {
		kind = ""
	}
	stem := strings.TrimSuffix(s, kind)
	template, instance, instantiated := strings.Cut(stem, "@")
	if !units[template] {
		template = n.word(template)
	}
	if !instantiated {
		return template + kind
	}
	return template + "@" + n.word(instance) + kind
}

// inCgroup matches the part of a cgroup path that has the id of a container.
var inCgroup = regexp.MustCompile(`^(.*?)([0-9a-f]{64})(\.scope)?$`)

func (n *names) cgroup(s string) string {
	parts := strings.Split(s, "/")
	for i, part := range parts {
		m := inCgroup.FindStringSubmatch(part)
		switch {
		case m == nil:
			parts[i] = n.unit(part)
		case runtimes[m[1]]:
			parts[i] = m[1] + n.container(m[2]) + m[3]
		default:
			parts[i] = n.word(m[1]) + n.container(m[2]) + m[3]
		}
	}
	return strings.Join(parts, "/")
}

var isID = regexp.MustCompile(`^[0-9a-f]{12,64}$`)

// container returns an id that begins as the stand-in of the first shortID digits.
func (n *names) container(s string) string {
	if !isID.MatchString(s) {
		return n.word(s)
	}
	return n.mac("container", s[:shortID])[:len(s)]
}

// pod has as many parts as before: namespace, pod, container.
func (n *names) pod(s string) string {
	parts := strings.Split(s, "/")
	for i, part := range parts {
		parts[i] = n.word(part)
	}
	return strings.Join(parts, "/")
}

// netns returns what stands for the name of a network namespace: one of ip-netns(8), or the pod,
// the id or the unit that it is called by.
func (n *names) netns(s string) string {
	switch {
	case s == hostNetns:
		return s
	case isID.MatchString(s):
		return n.container(s)
	case strings.Contains(s, "/"):
		return n.pod(s)
	}
	return n.unit(s)
}

func (n *names) host(s string) string {
	if s == "" {
		return ""
	}
	return "host-" + n.mac("host", s)[:digits]
}

const (
	firstUser  = 1000  // login.defs(5): smaller ones are of the system, and the same on most hosts
	userNobody = 65534 // kernel.overflowuid
	// standInUsers is a number that no user id has by itself: those of directories are often large.
	standInUsers = 3_000_000_000
)

// user returns what stands for a user id. That of root matters to findings.
func (n *names) user(uid uint32) uint32 {
	if uid < firstUser || uid == userNobody {
		return uid
	}
	b := binary.BigEndian.AppendUint32(nil, uid)
	sum, _ := hex.DecodeString(n.mac("user", string(b)))
	return standInUsers + binary.BigEndian.Uint32(sum)%1_000_000_000
}
