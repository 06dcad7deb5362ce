package event

import "strings"

// Pod names the container of Kubernetes that a process is in: NAMESPACE/POD/CONTAINER, or
// NAMESPACE/POD if only the pod is known; empty if it is in none, or that is not known. It is one
// text, as each row has one.
type Pod string

// PodOf returns the container of a pod; container is empty if it is not known.
func PodOf(namespace, pod, container string) Pod {
	if container == "" {
		return Pod(namespace + "/" + pod)
	}
	return Pod(namespace + "/" + pod + "/" + container)
}

// Namespace returns that of the pod.
func (p Pod) Namespace() string { namespace, _, _ := p.parts(); return namespace }

// Name returns that of the pod.
func (p Pod) Name() string { _, pod, _ := p.parts(); return pod }

// Container returns the name of the container in its pod, which is not its id.
func (p Pod) Container() string { _, _, container := p.parts(); return container }

// Whole returns NAMESPACE/POD, without the container.
func (p Pod) Whole() Pod {
	if container := p.Container(); container != "" {
		return p[:len(p)-len(container)-1]
	}
	return p
}

func (p Pod) parts() (namespace, pod, container string) {
	namespace, rest, _ := strings.Cut(string(p), "/")
	pod, container, _ = strings.Cut(rest, "/")
	return namespace, pod, container
}
