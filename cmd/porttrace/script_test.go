package main

import (
	"errors"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/porttrace/porttrace/internal/lab"
)

// The scripts in testdata/script run the program as a user's shell does. Beside it they
// have:
//
//	dial [COUNT [PAUSE]]  makes connections to itself over 127.0.0.1 and closes them
//	refused               connects to a port of its own at which nothing listens
//	unprivileged ARGS     porttrace ARGS as user 65534
//	status N COMMAND      runs a command, which must end with that status
//	oneline FILE          stdout, stderr or a file must be one line, of no panic
//	lines N FILE          it must have N lines
//	cut FILE N OUT        OUT is the first N bytes of FILE
//	flip FILE N OUT       OUT is FILE with another byte at N; from the end, if N is negative
//	agree REPORT EVENTS   the totals of a JSON report must be the sums over JSON lines
//	valid SCHEMA FILE     each JSON value of the file is as that schema of docs/schema has it
//
// and in the environment PROCESS, the id of a process, and THREAD, that of another of
// its threads; EXACT and INFERRED, recordings of the demo, in the folder VERSIONS, and SPACES, of
// port spaces; INCIDENTS, the folder of recorded incidents.
func TestMain(m *testing.M) {
	lab.MaybeRun()
	testscript.Main(m, map[string]func(){
		"porttrace":    main,
		"dial":         dialProgram,
		"refused":      refusedProgram,
		"unprivileged": unprivilegedProgram,
	})
}

func TestScripts(t *testing.T) {
	recordings, err := filepath.Abs("../../internal/record/testdata/versions")
	if err != nil {
		t.Fatal(err)
	}
	incidents, err := filepath.Abs("../../internal/incidents/recorded/testdata")
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		WorkdirRoot:         t.TempDir(), // its own it does not remove
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Condition: func(name string) (bool, error) {
			if name == "root" {
				return os.Geteuid() == 0, nil
			}
			return false, errors.New("unknown condition " + name)
		},
		Setup: func(env *testscript.Env) error {
			thread, err := otherThread()
			if err != nil {
				return err
			}
			env.Setenv("PROCESS", strconv.Itoa(os.Getpid()))
			env.Setenv("THREAD", thread)
			env.Setenv("EXACT", filepath.Join(recordings, "v1-exact-6.12.ptrace"))
			env.Setenv("INFERRED", filepath.Join(recordings, "v1-inferred-6.18.ptrace"))
			env.Setenv("VERSIONS", recordings)
			env.Setenv("INCIDENTS", incidents)
			env.Setenv("SPACES", filepath.Join(env.WorkDir, "spaces.ptrace"))
			return recordSpaces(env.Getenv("SPACES"))
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"status": statusCommand, "oneline": oneLineCommand, "lines": linesCommand,
			"cut": truncateCommand, "flip": flipCommand, "agree": agreeCommand,
			"valid": validCommand,
		},
	})
}

// otherThread is a thread of this process that is not its first.
func otherThread() (string, error) {
	tasks, err := os.ReadDir("/proc/self/task")
	if err != nil {
		return "", err
	}
	for _, task := range tasks {
		if task.Name() != strconv.Itoa(os.Getpid()) {
			return task.Name(), nil
		}
	}
	return "", errors.New("this process has one thread only")
}

func statusCommand(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: status N COMMAND ARGS")
	}
	err := ts.Exec(args[1], args[2:]...)
	got := 0
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
		got = exit.ExitCode()
	} else {
		ts.Check(err)
	}
	if strconv.Itoa(got) != args[0] {
		ts.Fatalf("exit status %d, want %s", got, args[0])
	}
}

func oneLineCommand(ts *testscript.TestScript, neg bool, args []string) {
	linesCommand(ts, neg, append([]string{"1"}, args...))
	if text := ts.ReadFile(args[0]); strings.Contains(text, "panic") || strings.Contains(text, "goroutine") {
		ts.Fatalf("%s is the trace of a panic", args[0])
	}
}

func linesCommand(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: lines N FILE, oneline FILE")
	}
	text := ts.ReadFile(args[1])
	got := strings.Count(text, "\n")
	if text != "" && !strings.HasSuffix(text, "\n") {
		ts.Fatalf("%s does not end with a newline", args[1])
	}
	if strconv.Itoa(got) != args[0] {
		ts.Fatalf("%s has %d lines, want %s", args[1], got, args[0])
	}
}

// unprivilegedProgram is porttrace as a user without privileges. It does not call execve(): only
// root may enter the folder of a test binary.
func unprivilegedProgram() {
	const unprivileged = 65534
	if os.Geteuid() == 0 {
		err := errors.Join(syscall.Setgroups(nil), syscall.Setgid(unprivileged), syscall.Setuid(unprivileged))
		exitOn(err)
	}
	os.Args[0] = "porttrace"
	main()
}

// dialProgram makes connections with an active close of the outgoing end.
func dialProgram() {
	count, pause := 3, time.Duration(0)
	var err error
	if len(os.Args) > 1 {
		count, err = strconv.Atoi(os.Args[1])
		exitOn(err)
	}
	if len(os.Args) > 2 {
		pause, err = time.ParseDuration(os.Args[2])
		exitOn(err)
	}
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	exitOn(err)
	for range count {
		exitOn(dialOnce(listener))
		time.Sleep(pause)
	}
}

// refusedProgram makes a connection that is refused.
func refusedProgram() {
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	exitOn(err)
	exitOn(listener.Close())
	if out, err := net.Dial("tcp4", listener.Addr().String()); err == nil {
		exitOn(errors.Join(out.Close(), errors.New("another program listens there")))
	}
}

func dialOnce(listener net.Listener) error {
	out, err := net.Dial("tcp4", listener.Addr().String())
	if err != nil {
		return err
	}
	in, err := listener.Accept()
	if err != nil {
		return err
	}
	if err := out.Close(); err != nil {
		return err
	}
	if _, err := io.Copy(io.Discard, in); err != nil {
		return err
	}
	return in.Close()
}

func exitOn(err error) {
	if err != nil {
		os.Stderr.WriteString(err.Error() + "\n")
		os.Exit(1)
	}
}
