package query_test

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"github.com/porttrace/porttrace/tui/query"
)

var processFields = query.SetOf(query.Comm, query.Exe, query.Script, query.Unit, query.Container, query.Netns, query.State,
	query.Errno, query.PID, query.Dest, query.Source, query.Port, query.Percent, query.Rate, query.CloseWait)

var (
	source = netip.MustParseAddrPort("10.77.0.1:0")
	dest   = netip.MustParseAddrPort("10.77.0.2:9000")
	dest6  = netip.MustParseAddrPort("[fd00::2]:443")
)

// nginx returns the row of a process without a container, of unknown rate.
func nginx() *query.Row {
	r := query.NewRow(processFields)
	fillNginx(r)
	return r
}

func fillNginx(r *query.Row) {
	r.Reset()
	r.Add(query.Comm, "nginx")
	r.Add(query.Exe, "/usr/sbin/nginx")
	r.Add(query.Text, "nginx: Worker process")
	r.Add(query.Unit, "nginx.service")
	r.Add(query.Netns, "Straße")
	r.Add(query.State, "full")
	r.Add(query.State, "TIME_WAIT")
	r.Add(query.Errno, "EADDRNOTAVAIL")
	r.AddPID(1234)
	r.AddPID(1240)
	r.AddSource(source)
	r.AddDest(dest)
	r.AddDest(dest6)
	r.AddPort(9000, 9000)
	r.AddPort(40000, 40999)
	r.Set(query.Percent, 80.5)
	r.Set(query.CloseWait, 12)
}

func TestMatch(t *testing.T) {
	t.Parallel()
	tests := []struct {
		filters string // with " ; " between them
		want    bool
	}{
		{``, true},
		{`nginx ; NGINX ; "nginx: worker" ; worker service ; STRAßE ; 1234 ; 10.77.0.2:9000 ; [fd00::2]:443 ; 10.77.0.1`, true},
		{`php ; nginx php ; "nginx worker" ; !nginx ; !1234 ; 123`, false},
		{`!php ; nginx !php ; !"nginx worker" ; !!nginx ; !123`, true},
		{`/^nginx$/ ; /ngi.x.*9000/ ; /Worker/ nginx ; /worker process/ ; /time_wait/ ; /^10\.77\.0\.1$/ ; /\S+service/ ; /usr\/s?bin/`, true},
		{`/^worker/ ; /Nginx/ ; !/nginx/`, false},
		{`/usr/sbin ; /usr/sbin/nginx ; /usr/ ; /usr ; /ngin`, true},
		{`/usr/bin ; /srv/x`, false},
		{`pid:1234 ; pid:1,1240 ; pid:1200-1239 ; pid:1240- ; pid:-1234 ; !pid:1 ; PID:1234`, true},
		{`pid:1 ; pid:123 ; pid:1235-1239 ; !pid:1234`, false},
		{`dest:10.0.0.0/8 ; dest:10.77.0.2 ; dest:10.77.0.2:9000 ; dest::443 ; dest:10.77. ; dest:10.7 ; dest:10`, true},
		{`dest:10.0.0.0/8:9000 ; dest:[fd00::/16]:443 ; dest:fd00::2 ; dest:fd00: ; dest:192.0.2.1,::/0 ; dest:::ffff:10.77.0.2`, true},
		{`dest:10.77.0.1 ; dest:10.77.0.2:443 ; dest:77 ; dest:[fd00::2]:9000 ; dest:192.0.2.0/24 ; !dest::443 ; dest:fd01:`, false},
		{`src:10.77.0.1 ; from:10.77.0.0/24 ; !src:10.77.0.2`, true},
		{`src:10.77.0.2 ; src::443`, false},
		{`port:9000 ; port:40500 ; port:40999-65535 ; port:80,9000 ; port:-9000 ; !port:39999`, true},
		{`port:443 ; port:41000- ; !port:9000 ; port:9001-39999`, false},
		{`unit:nginx ; unit:NGINX.service ; unit:*.service ; unit:php,nginx ; unit:"ginx.s" ; unit:/^nginx/ ; unit:/^nginx ; unit:/p{2},|nginx/`, true},
		{`unit:service* ; unit:nginx? ; unit:/Nginx/ ; !unit:nginx ; unit:"a,b"`, false},
		{`exe:/usr/sbin/nginx ; exe:*/nginx ; exe:sbin ; exe:/usr/sbin/*`, true},
		{`exe:/usr/bin/nginx ; exe:nginx/ ; comm:worker`, false},
		{`!container:* ; !container:web ; unit:*`, true}, // it has no container
		{`container:* ; container:web`, false},
		{`state:full ; state:time ; errno:EADDRNOTAVAIL ; errno:eaddr* ; ns:straße ; netns:STRAßE`, true},
		{`state:fail ; errno:EADDRINUSE ; !state:full`, false},
		{`>80% ; >=80.5% ; <81% ; <=80.5% ; > 80% nginx ; !>90% ; !<80%`, true},
		{`>80.5% ; <80.5% ; >81% ; !>80%`, false},
		{`>100/s ; <100/s ; !>100/s ; >=0/s`, false}, // not known
		{`close_wait:>11 ; cw:12 ; cw:10-20 ; cw:>=12 ; cw:<1k ; cw:<1,000 ; !cw:0`, true},
		{`close_wait:>12 ; cw:11 ; cw:<12 ; cw:>1k`, false},
		{`fails:>0 ; !fails:>0 ; user:root ; !user:root ; kind:open`, false}, // a table without them
		{`" ; "nginx ; ! ; / ; // ; "" ; nginx " ; nginx !`, true},           // more is to come
	}
	for _, test := range tests {
		for filter := range strings.SplitSeq(test.filters, " ; ") {
			q, err := query.Parse(filter)
			if err != nil {
				t.Errorf("%s: %v", filter, err)
				continue
			}
			if got := q.Match(nginx()); got != test.want {
				t.Errorf("%s: %v", filter, got)
			}
		}
	}
}

// TestReuse checks that nothing of a row is left in the next one.
func TestReuse(t *testing.T) {
	t.Parallel()
	row := nginx()
	filters := []string{"nginx", "/Worker/", "pid:1234", "dest::443", "src:10.77.0.1", "port:9000", "unit:nginx", ">80%", "cw:>1"}
	for _, filter := range filters {
		q, err := query.Parse(filter)
		if err != nil {
			t.Fatal(err)
		}
		fillNginx(row)
		for range 2 { // the second time with text that is there
			if !q.Match(row) {
				t.Errorf("%s does not match", filter)
			}
		}
		row.Reset()
		row.Add(query.Comm, "curl")
		if q.Match(row) {
			t.Errorf("%s matches the next row", filter)
		}
	}
}

func TestErrors(t *testing.T) {
	t.Parallel()
	tests := [][2]string{
		{`nginx pid:abc`, `pid:abc: takes process ids, as in pid:1234, pid:1,2 or pid:100-200`},
		{`pid:`, `pid: takes process ids, as in pid:1234, pid:1,2 or pid:100-200`},
		{`pid:9-1`, `pid:9-1: takes process ids, as in pid:1234, pid:1,2 or pid:100-200`},
		{`port:70000`, `port:70000: takes ports from 0 to 65535, as in port:5432, port:80,443 or port:40000-40999`},
		{`!unit:`, `!unit: takes text, as in unit:billing, or a pattern for all of it, as in unit:*.service`},
		{`unti:x`, `unti:x: there is no field unti; did you mean unit:? As text it is "unti:x"`},
		{`http://x`, `http://x: there is no field http; as text it is "http://x"`},
		{`dest:10.0.0.0/33`, `dest:10.0.0.0/33: takes an address, network or port, as in dest:10.0.0.0/8, dest:10.77.0.2:9000 or dest::443`},
		{`dest:db.example`, `dest:db.example: takes an address, network or port, as in dest:10.0.0.0/8, dest:10.77.0.2:9000 or dest::443; names are not looked up`},
		{`dest:9000`, `dest:9000: takes an address, network or port, as in dest:10.0.0.0/8, dest:10.77.0.2:9000 or dest::443; a port is port:9000`},
		{`>80`, `>80: takes a percentage, as in >80%, or a rate, as in >100/s`},
		{`>x%`, `>x%: takes a percentage, as in >80%, or a rate, as in >100/s`},
		{`cw:many`, `cw:many: takes a number, as in close_wait:>100, close_wait:0 or close_wait:10-20`},
		{`/a(b/`, `/a(b/: not a regular expression: missing closing )`},
		{`comm:/[/`, `comm:/[/: not a regular expression: missing closing ]`},
	}
	for _, test := range tests {
		_, err := query.Parse(test[0])
		var fault *query.Error
		if !errors.As(err, &fault) || err.Error() != test[1] {
			t.Errorf("%s:\n got %v\nwant %s", test[0], err, test[1])
		}
	}
}

func TestUnknown(t *testing.T) {
	t.Parallel()
	has := query.SetOf(query.Comm, query.Percent)
	for filter, want := range map[string]string{
		"":                          "",
		"nginx comm:x >80%":         "",
		"nginx unit:x":              "this table has no unit",
		"unit:x !unit:y pid:1 >5/s": "this table has no unit and no process id and no rate of connections",
	} {
		q, err := query.Parse(filter)
		if err != nil {
			t.Fatal(err)
		}
		if got := q.Unknown(has); got != want {
			t.Errorf("%s: %q", filter, got)
		}
	}
	var none *query.Query
	if !none.Empty() || !none.Match(nginx()) || none.Unknown(has) != "" || none.String() != "" {
		t.Error("nil is not the empty filter")
	}
}

// TestWhile types filters letter by letter.
func TestWhile(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"nginx pid:":          `nginx pid:   matches, with an error`,
		"php pid:":            `php pid:   does not match, with an error`,
		"pid:1234":            `pid:1234   matches`,
		"dest:192.0.2.0/":     `dest:192.0.2.0   does not match, with an error`, // while /24 is typed
		"dest:10.77.0.2:9000": `dest:10.77.0.2:9000   matches`,
		"nginx >":             `nginx >   matches, with an error`,
		"nginx >9":            `nginx >9   matches, with an error`,
		"nginx >90%":          `nginx >90%   does not match`,
		"unti:x":              `unti:x   matches, with an error`,
	} {
		var q *query.Query
		var err error
		for i := range text {
			q, err = query.While(text[:i+1], q)
		}
		got := q.String() + "   matches"
		if !q.Match(nginx()) {
			got = q.String() + "   does not match"
		}
		if err != nil {
			got += ", with an error"
		}
		if got != want {
			t.Errorf("%s: %s, want %s", text, got, want)
		}
	}
}

func TestString(t *testing.T) {
	t.Parallel()
	q, err := query.Parse("  nginx  !pid:1 ")
	if err != nil || q.String() != "nginx  !pid:1" || q.Empty() {
		t.Errorf("%q %v", q, err)
	}
}

// TestHelp checks that each form of the help is a filter, and each field has one.
func TestHelp(t *testing.T) {
	t.Parallel()
	var forms strings.Builder
	for _, line := range query.Help() {
		q, err := query.Parse(line[0])
		if err != nil || q.Empty() || line[1] == "" {
			t.Errorf("%s: %v", line[0], err)
		}
		forms.WriteString(line[0] + "\n")
	}
	for _, name := range query.Complete("e", query.SetOf(query.Exe, query.Errno)) {
		if !strings.Contains(forms.String(), name) {
			t.Errorf("the help has no %s", name)
		}
	}
}

func TestComplete(t *testing.T) {
	t.Parallel()
	has := query.SetOf(query.PID, query.Port, query.Ports, query.Unit, query.TimeWait, query.Netns)
	for text, want := range map[string]string{
		"":          "[]",
		"p":         "[pid: port: ports:]",
		"nginx !un": "[!unit:]",
		"nginx ":    "[]",
		"TW":        "[time_wait:]",
		"netn":      "[ns:]",
		"unit:x":    "[]",
		`"p`:        "[]",
		"exe":       "[]",
	} {
		if got := fmt.Sprint(query.Complete(text, has)); got != want {
			t.Errorf("%q: %s", text, got)
		}
	}
}

func TestNoAllocations(t *testing.T) {
	for _, filter := range []string{"worker !php", "pid:1-5,1240 port:40500", "dest:10.0.0.0/8 dest:10.7", "unit:nginx", ">80% cw:>1"} {
		q, err := query.Parse(filter)
		if err != nil {
			t.Fatal(err)
		}
		row := nginx()
		if n := testing.AllocsPerRun(100, func() {
			fillNginx(row)
			if !q.Match(row) {
				t.Error("no match")
			}
		}); n > 0 {
			t.Errorf("%s: %v allocations", filter, n)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, line := range query.Help() {
		f.Add(line[0])
	}
	for _, text := range []string{`!!"a`, `/a b/ /c`, `comm:"a,b",/x,y/`, "> 1,0k/s", "dest:[::1]:1", "port:-", "\xff:ß"} {
		f.Add(text)
	}
	row := nginx()
	f.Fuzz(func(t *testing.T, text string) {
		q, err := query.Parse(text)
		query.Complete(text, processFields)
		if err != nil {
			if !strings.Contains(err.Error(), ": ") {
				t.Error(err)
			}
			return
		}
		matched := q.Match(row)
		again, err := query.Parse(q.String())
		if err != nil || again.Match(row) != matched {
			t.Errorf("%q is not the filter %q", q, text)
		}
	})
}

func BenchmarkMatch(b *testing.B) {
	const rows = 10_000
	for name, filter := range map[string]string{
		"words": "worker php", "regexp": "/work.r.*php/", "Regexp": "/Work.r.*php/", "dest": "dest:192.0.2.0/24", "text": "unit:php",
	} {
		b.Run(name, func(b *testing.B) {
			q, err := query.Parse(filter)
			if err != nil {
				b.Fatal(err)
			}
			row := nginx()
			b.ReportAllocs()
			for b.Loop() {
				for range rows {
					row.Reset()
					row.Add(query.Comm, "nginx")
					row.Add(query.Exe, "/usr/sbin/nginx")
					row.Add(query.Text, "nginx: worker process")
					row.Add(query.Unit, "nginx.service")
					row.AddPID(1234)
					row.AddDest(dest)
					if q.Match(row) {
						b.Fatal("matches")
					}
				}
			}
		})
	}
}
