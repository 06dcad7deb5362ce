package cmdline

import (
	"path"
	"slices"
	"strings"
)

// interpreter says how a program finds what it interprets in its arguments. Short options can
// stand together, as in -Eeuo pipefail.
type interpreter struct {
	code     string   // short options that are followed by code, or that read it: there is no file
	module   string   // short options that are followed by what is run
	values   string   // short options with a value: what is left of the word, else the next
	rest     string   // short options whose value is what is left of the word
	longCode []string // as code
	longs    []string // long options whose value is the next word
}

var (
	shell = interpreter{code: "cs", values: "oO", longs: []string{"--rcfile", "--init-file"}}
	node  = interpreter{
		code: "ep", values: "rC", longCode: []string{"--eval", "--print", "--test"},
		longs: []string{
			"--require", "--import", "--loader", "--experimental-loader", "--conditions", "--title", "--env-file",
			"--inspect-port", "--input-type", "--diagnostic-dir",
		},
	}
	python = interpreter{code: "c", module: "m", values: "WX", longs: []string{"--check-hash-based-pycs"}}
)

var interpreters = map[string]interpreter{
	"python": python, "pypy": python,
	"sh": shell, "bash": shell, "dash": shell, "ash": shell, "zsh": shell, "ksh": shell,
	"node": node, "nodejs": node,
	"perl": {code: "eE", values: "I", rest: "MmxiFdDCV"},
	"ruby": {code: "e", values: "ICErX", rest: "WTKxiF"},
	"php":  {code: "rBRES", module: "f", values: "dctz", longCode: []string{"--run", "--server"}},
}

// script returns what an interpreter runs, empty if the program is none or runs no file. The
// executable may be unknown.
func script(exe string, args []string) string {
	for _, program := range []string{exe, strings.TrimPrefix(args[0], "-")} { // a login shell has the -
		switch name := strings.TrimRight(path.Base(program), "0123456789."); name {
		case "java":
			return javaProgram(args[1:])
		case "dotnet":
			return dotnetProgram(args[1:])
		default:
			if i, known := interpreters[name]; known {
				return i.file(args[1:])
			}
		}
	}
	return ""
}

func (i *interpreter) file(args []string) string {
	for n := 0; n < len(args); n++ {
		arg := args[n]
		switch {
		case arg == "-" || arg == "":
			return ""
		case arg == "--":
			return operand(args[n+1:])
		case strings.HasPrefix(arg, "--"):
			if slices.Contains(i.longCode, strings.SplitN(arg, "=", 2)[0]) {
				return ""
			}
			if slices.Contains(i.longs, arg) {
				n++
			}
		case arg[0] == '-' || arg[0] == '+':
			value, is := i.options(arg[1:], args[n+1:])
			switch is {
			case runsCode:
				return ""
			case runsModule:
				return value
			case takesNext:
				n++
			}
		default:
			return operand(args[n:])
		}
	}
	return ""
}

// effect is what a word of short options means for the search.
type effect int

const (
	noEffect effect = iota
	runsCode
	runsModule
	takesNext // the next word is a value
)

func (i *interpreter) options(letters string, next []string) (module string, is effect) {
	for at := range len(letters) {
		letter, left := letters[at], letters[at+1:]
		in := func(list string) bool { return strings.IndexByte(list, letter) >= 0 }
		switch {
		case in(i.code):
			return "", runsCode
		case in(i.module) && left != "":
			return left, runsModule
		case in(i.module):
			return operand(next), runsModule
		case in(i.values) && left == "":
			return "", takesNext
		case in(i.values), in(i.rest):
			return "", noEffect
		}
	}
	return "", noEffect
}

// operand returns the first word, unless it is a file that a shell has opened for the program.
func operand(args []string) string {
	if len(args) == 0 || args[0] == "-" || strings.HasPrefix(args[0], "/dev/") || strings.HasPrefix(args[0], "/proc/") {
		return ""
	}
	return args[0]
}

// javaProgram returns the jar, module or main class.
func javaProgram(args []string) string {
	values := []string{
		"-cp", "-classpath", "--class-path", "-p", "--module-path", "--upgrade-module-path", "--add-modules", "--add-opens",
		"--add-exports", "--add-reads", "--patch-module", "--limit-modules", "--enable-native-access", "--source", "--finalization",
	}
	for n := 0; n < len(args); n++ {
		switch arg := args[n]; {
		case arg == "-jar" || arg == "-m" || arg == "--module":
			return operand(args[n+1:])
		case slices.Contains(values, arg):
			n++
		case strings.HasPrefix(arg, "-") || strings.HasPrefix(arg, "@"):
		default:
			return arg
		}
	}
	return ""
}

// dotnetProgram returns the assembly; the other commands of dotnet are no programs of the user.
func dotnetProgram(args []string) string {
	values := []string{"--depsfile", "--runtimeconfig", "--additionalprobingpath", "--fx-version", "--roll-forward", "--additional-deps"}
	for n := 0; n < len(args); n++ {
		switch arg := args[n]; {
		case slices.Contains(values, arg):
			n++
		case arg == "exec" || strings.HasPrefix(arg, "-"):
		case strings.HasSuffix(arg, ".dll") || strings.HasSuffix(arg, ".exe"):
			return arg
		default:
			return ""
		}
	}
	return ""
}
