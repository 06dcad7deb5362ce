// Package manifesttest checks the manifests of deploy/kubernetes: that they are what the API
// server takes, that they ask for no more than docs/kubernetes.md says, and that porttrace works
// with that, in a container that runc makes of them.
package manifesttest

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	monitoring "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	apps "k8s.io/api/apps/v1"
	core "k8s.io/api/core/v1"
	"sigs.k8s.io/json"
	"sigs.k8s.io/yaml"
)

const root = "../../.."

// kinds are those of the manifests, as the API server decodes them.
var kinds = map[string]func() any{
	"v1 Namespace":                        func() any { return new(core.Namespace) },
	"v1 ServiceAccount":                   func() any { return new(core.ServiceAccount) },
	"apps/v1 DaemonSet":                   func() any { return new(apps.DaemonSet) },
	"monitoring.coreos.com/v1 PodMonitor": func() any { return new(monitoring.PodMonitor) },
}

// decode refuses a field that the kind has not, has twice, or has in other letters, as
// kubectl apply --validate=strict does.
func decode(document []byte, object any) error {
	text, err := yaml.YAMLToJSONStrict(document)
	if err != nil {
		return err
	}
	unknown, err := json.UnmarshalStrict(text, object)
	return errors.Join(append(unknown, err)...)
}

// objects returns those of a file.
func objects(t *testing.T, file string) []any {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var list []any
	for _, document := range bytes.Split(text, []byte("\n---\n")) {
		var head struct{ APIVersion, Kind string }
		if err := yaml.Unmarshal(document, &head); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		make, known := kinds[head.APIVersion+" "+head.Kind]
		if !known {
			t.Fatalf("%s: %+v: not a kind that is checked", file, head)
		}
		object := make()
		if err := decode(document, object); err != nil {
			t.Fatalf("%s: %s: %v", file, head.Kind, err)
		}
		list = append(list, object)
	}
	return list
}

// daemonSet returns that of porttrace.yaml.
func daemonSet(t *testing.T) *apps.DaemonSet {
	t.Helper()
	for _, object := range objects(t, "../porttrace.yaml") {
		if set, is := object.(*apps.DaemonSet); is {
			return set
		}
	}
	t.Fatal("there is no DaemonSet")
	return nil
}

func TestManifests(t *testing.T) {
	files, err := filepath.Glob("../*.yaml")
	if err != nil || len(files) != 2 {
		t.Fatalf("%v, %v", files, err)
	}
	for _, file := range files {
		objects(t, file)
	}
}

// TestRefused: what is misspelt does not pass.
func TestRefused(t *testing.T) {
	text, err := os.ReadFile("../porttrace.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, document := range bytes.Split(text, []byte("\n---\n")) {
		if !bytes.Contains(document, []byte("kind: DaemonSet")) {
			continue
		}
		misspelt := bytes.Replace(document, []byte("readOnlyRootFilesystem"), []byte("readOnlyRootFileSystem"), 1)
		if err := decode(misspelt, new(apps.DaemonSet)); err == nil {
			t.Error("a field that there is not was taken")
		}
	}
}

// TestConsistent: what the parts of the manifests say of each other.
func TestConsistent(t *testing.T) {
	set := daemonSet(t)
	pod := &set.Spec.Template
	container := &pod.Spec.Containers[0]
	for name, value := range set.Spec.Selector.MatchLabels {
		if pod.Labels[name] != value {
			t.Errorf("the selector wants %s=%s, the pods have %v", name, value, pod.Labels)
		}
	}
	port := container.Ports[0]
	if pod.Annotations["prometheus.io/port"] != "9435" || port.ContainerPort != 9435 || port.HostPort != port.ContainerPort {
		t.Errorf("ports: %v, %+v", pod.Annotations, port)
	}
	for _, probe := range []*core.Probe{container.StartupProbe, container.ReadinessProbe, container.LivenessProbe} {
		if probe == nil || probe.HTTPGet.Port.StrVal != port.Name {
			t.Errorf("a probe: %+v", probe)
		}
	}
	monitor := objects(t, "../podmonitor.yaml")[0].(*monitoring.PodMonitor)
	if *monitor.Spec.PodMetricsEndpoints[0].Port != port.Name || monitor.Namespace != set.Namespace {
		t.Errorf("the PodMonitor asks another port or namespace: %+v", monitor.Spec)
	}
	for _, mount := range container.VolumeMounts {
		if !mount.ReadOnly || !slices.ContainsFunc(pod.Spec.Volumes, func(v core.Volume) bool { return v.Name == mount.Name }) {
			t.Errorf("mount %+v of %+v", mount, pod.Spec.Volumes)
		}
	}
}

// TestLeastPrivilege is what docs/kubernetes.md says of the container.
func TestLeastPrivilege(t *testing.T) {
	pod := daemonSet(t).Spec.Template.Spec
	security := pod.Containers[0].SecurityContext
	if *security.Privileged || *security.AllowPrivilegeEscalation || !*security.ReadOnlyRootFilesystem ||
		security.SeccompProfile.Type != core.SeccompProfileTypeRuntimeDefault || *pod.AutomountServiceAccountToken {
		t.Errorf("%+v", security)
	}
	if !slices.Equal(security.Capabilities.Drop, []core.Capability{"ALL"}) {
		t.Errorf("dropped: %v", security.Capabilities.Drop)
	}
	page, err := os.ReadFile(filepath.Join(root, "docs/kubernetes.md"))
	if err != nil {
		t.Fatal(err)
	}
	var documented []string
	for _, row := range regexp.MustCompile("(?m)^\\| `([A-Z_]+)` \\|.*\\| yes \\|$").FindAllSubmatch(page, -1) {
		documented = append(documented, string(row[1]))
	}
	var added []string
	for _, name := range security.Capabilities.Add {
		added = append(added, string(name))
	}
	if !slices.Equal(added, documented) {
		t.Errorf("the manifest adds %v, docs/kubernetes.md has %v", added, documented)
	}
}

// TestImage: the image has the binary alone.
func TestImage(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(root, "deploy/Containerfile"))
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for line := range strings.Lines(string(text)) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") {
			lines = append(lines, line)
		}
	}
	if want := []string{"FROM scratch", "COPY porttrace /porttrace", `ENTRYPOINT ["/porttrace"]`}; !slices.Equal(lines, want) {
		t.Errorf("got %q: TestContainer makes the image of %q", lines, want)
	}
}
