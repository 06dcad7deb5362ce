package anonymize

import (
	"regexp"
	"strings"
	"testing"

	"github.com/porttrace/porttrace/internal/event"
)

func newNames() *names {
	known := func(s string) string {
		if strings.HasPrefix(s, "php") {
			return "php"
		}
		return map[string]string{"nginx": "nginx"}[s]
	}
	return &New(Key{1}, known).names
}

// TestShapes: what stands for a name has the form that readers and findings expect.
func TestShapes(t *testing.T) {
	t.Parallel()
	n := newNames()
	id := strings.Repeat("0a1b2c3d", 8)
	for _, c := range []struct{ got, want string }{
		{n.file("billing"), `name-[0-9a-f]{8}`},
		{n.file("billing.py"), `name-[0-9a-f]{8}\.py`},
		{n.file("com.acme.Billing"), `name-[0-9a-f]{10}-[0-9a-f]{8}`},
		{n.file("nginx"), `nginx`},
		{n.file("php-fpm8.2"), `php-[0-9a-f]{8}`},
		{n.file(""), ``},
		{n.path("/usr/local/bin/billing"), `/usr/local/bin/name-[0-9a-f]{8}`},
		{n.path("/srv/acme/nginx"), `/srv/name-[0-9a-f]{8}/nginx`},
		{n.path("/opt/bin"), `/opt/name-[0-9a-f]{8}`},
		{n.commandLine("/usr/sbin/nginx -g *** --c=/etc/x …"), `/usr/sbin/nginx name-[0-9a-f]{8} \*\*\* name-[0-9a-f]{8}/etc/name-[0-9a-f]{8} …`},
		{n.unit("billing.service"), `name-[0-9a-f]{8}\.service`},
		{n.unit("pg@acme.service"), `name-[0-9a-f]{8}@name-[0-9a-f]{8}\.service`},
		{n.unit("system.slice"), `system\.slice`},
		{n.unit("user@148213.service"), `user@name-[0-9a-f]{8}\.service`},
		{n.cgroup("/system.slice/docker-" + id + ".scope"), `/system\.slice/docker-[0-9a-f]{64}\.scope`},
		{n.cgroup("/kubepods.slice/kubepods-pod1a2b.slice/" + id), `/kubepods\.slice/name-[0-9a-f]{10}-[0-9a-f]{8}\.slice/[0-9a-f]{64}`},
		{n.cgroup("/acme:" + id), `/name-[0-9a-f]{8}[0-9a-f]{64}`},
		{n.container(id), `[0-9a-f]{64}`},
		{n.container("web"), `name-[0-9a-f]{8}`},
		{n.netns("host"), `host`},
		{n.netns("blue"), `name-[0-9a-f]{8}`},
		{n.netns(id[:12]), `[0-9a-f]{12}`},
		{n.host("db1.acme.com"), `host-[0-9a-f]{8}`},
	} {
		if !regexp.MustCompile("^"+c.want+"$").MatchString(c.got) || strings.Contains(c.got, "acme") || strings.Contains(c.got, id) {
			t.Errorf("got %q, want %s", c.got, c.want)
		}
	}
}

// TestRelations: what is the same, or begins as something else, still does.
func TestRelations(t *testing.T) {
	t.Parallel()
	n := newNames()
	id := strings.Repeat("0a1b2c3d", 8)
	base := func(path string) string { return path[strings.LastIndexByte(path, '/')+1:] }
	long := n.file("very-long-program-name")
	for name, is := range map[string]bool{
		"a script in a command line":     strings.HasSuffix(n.commandLine("python3 /srv/app/job.py"), " "+n.path("/srv/app/job.py")),
		"a file in two directories":      base(n.path("/a/job.py")) == base(n.path("/b/job.py")),
		"a program and its unit":         n.unit("billing.service") == n.file("billing")+".service",
		"the first digits of an id":      strings.HasPrefix(n.container(id), n.netns(id[:12])),
		"an id in a cgroup":              strings.Contains(n.cgroup("/system.slice/docker-"+id+".scope"), n.container(id)),
		"a pod and its namespace":        strings.HasPrefix(n.pod("shop/web-1/side"), n.netns("shop/web-1")+"/"),
		"one namespace of two pods":      strings.HasPrefix(n.pod("shop/web-2"), n.pod("shop")+"/"),
		"a unit in a cgroup":             n.cgroup("/system.slice/a.service") == "/system.slice/"+n.unit("a.service"),
		"a name that the kernel has cut": n.file("very-long-progr") == long[:15] && len(n.file("very-long-progr")) == 15,
		"one that is as long":            n.file("very-long-progs")[:15] != long[:15],
		"two with that beginning":        n.file("very-long-program-none") != long,
		"a short name is not cut":        len(n.file("fourteen-bytes")) < 15,
		"the system's users":             n.user(0) == 0 && n.user(33) == 33 && n.user(65534) == 65534,
		"other users":                    n.user(1000) != n.user(1001) && n.user(1000) >= standInUsers,
	} {
		if !is {
			t.Error(name)
		}
	}
	cut := event.Process{Comm: n.file("very-long-progr"), Exe: n.path("/opt/very-long-program-name")}
	if cut.Name() != long {
		t.Errorf("a process whose name the kernel has cut is %q, want %q", cut.Name(), long)
	}
	if line := n.commandLine(strings.Repeat("a b ", 120)); len(line) > event.MaxCommandLine {
		t.Errorf("a command line of %d bytes", len(line))
	}
}

// TestKeys: another key gives other names, and the memo forgets without a difference.
func TestKeys(t *testing.T) {
	t.Parallel()
	known := func(string) string { return "" }
	one, other := New(Key{1}, known), New(Key{2}, known)
	if one.names.word("billing") == other.names.word("billing") || one.names.host("a") == other.names.host("a") ||
		one.names.container("0123456789ab") == other.names.container("0123456789ab") || one.names.user(1000) == other.names.user(1000) {
		t.Error("two keys give the same names")
	}
	if first, second := RandomKey(), RandomKey(); first == second {
		t.Error("two random keys are the same")
	}
	for _, short := range []string{"", "fifteen bytes.."} {
		if _, err := KeyOf([]byte(short)); err == nil {
			t.Errorf("%q is a key", short)
		}
	}
	before := one.addr(event.Addr{1})
	for i := range mostMemo + 10 {
		one.addr(event.Addr{2, byte(i >> 16), byte(i >> 8), byte(i)})
	}
	if len(one.forward) > mostMemo || one.addr(event.Addr{1}) != before {
		t.Errorf("%d addresses are kept; the first became %s, then %s", len(one.forward), before, one.addr(event.Addr{1}))
	}
}
