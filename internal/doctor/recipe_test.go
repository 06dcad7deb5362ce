package doctor

import (
	"strings"
	"testing"

	"github.com/porttrace/porttrace/internal/event"
)

// TestKnownPart: what stays of a name leads to the same recipe, with anything after it if it is not
// the whole name; and there is nothing of a name that no recipe knows.
func TestKnownPart(t *testing.T) {
	t.Parallel()
	for _, name := range []string{
		"nginx", "haproxy", "haproxy-acme", "envoy", "istio-proxy", "apache2", "node", "python3.11", "gunicorn: master [acme]", "celery-acme",
		"java", "php", "php-fpm8.2", "curl", "wget", "ab", "wrk2", "redis-benchmark", "mysqladmin", "pgbench",
	} {
		part := KnownPart(name)
		stays := part
		if part != name {
			stays += "-1a2b3c4d"
		}
		if got, want := recipeOf(&event.Process{Comm: stays}), recipeOf(&event.Process{Comm: name}); got != want || want == other {
			t.Errorf("%q, of which %q stays, is %q, want %q", name, part, got.name, want.name)
		}
		if strings.Contains(part, "acme") {
			t.Errorf("%q of %q stays", part, name)
		}
	}
	for _, name := range []string{"", "billing", "my-nginx", "nginx-acme", "absent", "name-1a2b3c4d"} {
		if part := KnownPart(name); part != "" {
			t.Errorf("%q of %q stays", part, name)
		}
	}
	if KnownPart("kubelet") != "kubelet" {
		t.Error("findings about Kubernetes depend on kubelet")
	}
}
