package anonymize

import "strings"

func setOf(words string) map[string]bool {
	set := map[string]bool{}
	for word := range strings.FieldsSeq(words) {
		set[word] = true
	}
	return set
}

// What follows is on most hosts, so it identifies none of them, and a reader needs it.
var (
	// programs are what starts other programs.
	programs = setOf("init systemd sh bash dash ash zsh ksh perl ruby dotnet busybox env sudo su login sshd cron crond tini " +
		"dockerd containerd runc conmon kthreadd swapper")
	// directories are those of the Filesystem Hierarchy Standard, and of /proc and snap.
	directories = setOf("bin boot dev etc home include lib lib32 lib64 libexec local mnt opt proc root run sbin self exe share snap " +
		"srv sys tmp usr var . ..")
	// endings are those of scripts and programs, and say what runs them.
	endings = setOf(".py .js .mjs .cjs .ts .jar .war .rb .pl .php .sh .dll .exe .lua .pyc")
	// unitTypes are those of systemd.unit(5) that processes are in.
	unitTypes = setOf(".service .scope .slice .socket .mount .swap")
	// units are those that every host has, without their type, and the directories that container
	// runtimes make beside them.
	units = setOf("- system user init machine app session background kubepods kubepods-burstable kubepods-besteffort burstable " +
		"besteffort docker containerd crio lxc podman")
	// runtimes precede the id of a container in the name of a cgroup.
	runtimes = setOf("docker- cri-containerd- containerd- nerdctl- crio- crio-conmon- libpod- libpod-payload- libpod-conmon-")
)

// hostNetns is how the namespace of the host itself is called.
const hostNetns = "host"

// Notation of command lines: what a secret was masked by, and what had no room.
const (
	masked   = "***"
	ellipsis = "…"
)
