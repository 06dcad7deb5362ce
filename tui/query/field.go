package query

import "strings"

// Field is one property of a row.
type Field uint8

// The fields. Text is what a row shows beside them: it has no name, only words find it.
const (
	Text Field = iota

	// Of text.
	Comm
	Exe
	Script
	Parent
	Unit
	Container
	Pod
	Cgroup
	Netns
	User
	State
	Errno
	Reason
	Kind

	// Of their own kind: Row.AddPID, AddDest, AddSource, AddPort.
	PID
	Dest
	Source
	Port

	// Of numbers: Row.Set.
	Percent
	Rate
	Ports
	Open
	TimeWait
	CloseWait
	Bound
	Fails

	fieldCount
)

// Set is a set of fields: those that the rows of a table have.
type Set uint32

// SetOf returns the set of these fields.
func SetOf(fields ...Field) Set {
	var s Set
	for _, f := range fields {
		s |= 1 << f
	}
	return s
}

// Has reports whether the set has a field.
func (s Set) Has(f Field) bool { return s&(1<<f) != 0 }

// property describes a field: how it is typed, and what it takes.
type property struct {
	name    string // before the colon; Percent and Rate have none
	alias   string
	example string // a term
	noun    string // as in "this table has no unit"
	meaning string // for the help
	takes   string // for errors
	parse   func(f Field, value string) (condition, error)
}

var properties [fieldCount]property

// It is filled here, as the parsers read it.
func init() {
	properties = [fieldCount]property{
		Comm:      textual("comm", "program name", "nginx", "php*"),
		Exe:       textual("exe", "executable", "sbin/nginx", "*/nginx"),
		Script:    textual("script", "script", "billing.py", "*.py"),
		Parent:    textual("parent", "parent process", "systemd", "php*"),
		Unit:      textual("unit", "unit", "billing", "*.service"),
		Container: textual("container", "container", "3f2a", "web*"),
		Pod:       textual("pod", "pod", "shop/web", "shop/*"),
		Cgroup:    textual("cgroup", "cgroup", "system.slice", "/user.slice/*"),
		Netns:     textual("ns", "network namespace", "web", "web-?"),
		User:      textual("user", "user", "www-data", "app*"),
		State:     textual("state", "state", "full", "time*"),
		Errno:     textual("errno", "errno", "EADDRNOTAVAIL", "EADDR*"),
		Reason:    textual("reason", "reason", "range", "*taken*"),
		Kind:      textual("kind", "kind of event", "close", "connect_*"),
		PID: {
			name: "pid", example: "pid:1234", noun: "process id", meaning: "the process with this id; 1,2 and 100-200 are several",
			takes: "process ids, as in pid:1234, pid:1,2 or pid:100-200", parse: parseSpans,
		},
		Dest: {
			name: "dest", example: "dest:10.0.0.0/8", noun: "destination", meaning: "towards this address, network, or beginning of an address",
			takes: "an address, network or port, as in dest:10.0.0.0/8, dest:10.77.0.2:9000 or dest::443", parse: parseAddresses,
		},
		Source: {
			name: "src", alias: "from", example: "src:10.77.0.1", noun: "source address", meaning: "from this address, network, or beginning of an address",
			takes: "an address or network, as in src:10.77.0.1 or src:10.0.0.0/8", parse: parseAddresses,
		},
		Port: {
			name: "port", example: "port:5432", noun: "port", meaning: "this port; 80,443 and 40000-40999 are several",
			takes: "ports from 0 to 65535, as in port:5432, port:80,443 or port:40000-40999", parse: parseSpans,
		},
		Percent:   {noun: "percentage of ports taken", takes: "a percentage, as in >80%, or a rate, as in >100/s"},
		Rate:      {noun: "rate of connections", takes: "a percentage, as in >80%, or a rate, as in >100/s"},
		Ports:     counting("ports", "", "count of ports", "ports in use"),
		Open:      counting("open", "", "count of open connections", "open connections"),
		TimeWait:  counting("time_wait", "tw", "count of TIME_WAIT", "sockets in TIME_WAIT"),
		CloseWait: counting("close_wait", "cw", "count of CLOSE_WAIT", "sockets in CLOSE_WAIT"),
		Bound:     counting("bound", "", "count of bound sockets", "sockets that are only bound"),
		Fails:     counting("fails", "", "count of failures", "failed calls"),
	}
	properties[Netns].alias = "netns"
}

func textual(name, noun, example, pattern string) property {
	example, pattern = name+":"+example, name+":"+pattern
	return property{
		name: name, example: example, noun: noun, meaning: "the " + noun + " has this text; with * or ? all of it",
		takes: "text, as in " + example + ", or a pattern for all of it, as in " + pattern,
		parse: parseTexts,
	}
}

func counting(name, alias, noun, counted string) property {
	return property{
		name: name, alias: alias, example: name + ":>100", noun: noun, meaning: "more than this of " + counted + "; also <, =, 10-20",
		takes: "a number, as in " + name + ":>100, " + name + ":0 or " + name + ":10-20", parse: parseNumbers,
	}
}

// fieldNamed returns the field with a name, in upper or lower case.
func fieldNamed(name string) (Field, bool) {
	name = strings.ToLower(name)
	for f := range fieldCount {
		if p := &properties[f]; p.name != "" && (p.name == name || p.alias == name) {
			return f, true
		}
	}
	return 0, false
}

func fieldNames() []string {
	var names []string
	for f := range fieldCount {
		if p := &properties[f]; p.name != "" {
			names = append(names, p.name)
		}
	}
	return names
}

// completes reports whether the field can be meant by the beginning of its name.
func (p *property) completes(beginning string) bool {
	beginning = strings.ToLower(beginning)
	return p.name != "" && (strings.HasPrefix(p.name, beginning) || p.alias != "" && strings.HasPrefix(p.alias, beginning))
}

// String returns the name of the field, or what it is if it has none.
func (f Field) String() string {
	if name := properties[f].name; name != "" {
		return name
	}
	return properties[f].noun
}
