package event

import "testing"

func TestPod(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		pod                               Pod
		namespace, name, container, whole string
	}{
		{"", "", "", "", ""},
		{PodOf("shop", "web-1", ""), "shop", "web-1", "", "shop/web-1"},
		{PodOf("shop", "web-1", "nginx"), "shop", "web-1", "nginx", "shop/web-1"},
		{"a", "a", "", "", "a"}, // of a hostile recording
		{"a/b/c/d", "a", "b", "c/d", "a/b"},
	} {
		if p := tc.pod; p.Namespace() != tc.namespace || p.Name() != tc.name || p.Container() != tc.container || p.Whole() != Pod(tc.whole) {
			t.Errorf("%q is %q, %q, %q, whole %q", p, p.Namespace(), p.Name(), p.Container(), p.Whole())
		}
	}
}
