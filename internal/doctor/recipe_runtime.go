package doctor

import (
	"fmt"

	"github.com/porttrace/porttrace/internal/phrase"
)

// changesCode is the way back from every change of a program.
const changesCode = "put the old code back"

// poolRisk is a risk of pools that have a limit.
const poolRisk = "If the pool is smaller than what runs at a time, requests wait for a connection."

func nodeKeep(t *trouble, n int) Advice {
	a := Advice{Undo: changesCode, Risk: poolRisk + " " + serverCloses, Safety: CheckFirst}
	if s := t.service(); s.pool {
		a.Action = t.keepAction(fmt.Sprintf("with one pool for the process of at most %s; port %d is mostly %s", t.sized(n), t.remote().Port, s.name))
		a.Command = lines("// made once, not for each request",
			fmt.Sprintf("const pool = new Pool({ max: %d });   // pg; mysql2: createPool({ connectionLimit: %d })", n, n))
		return a
	}
	a.Action = t.keepAction(fmt.Sprintf("with one agent for the process of at most %s for each remote end", t.sized(n)))
	a.Command = lines("// made once, not for each request; https: the same with require('node:https')",
		"const http = require('node:http');",
		fmt.Sprintf("const agent = new http.Agent({ keepAlive: true, maxSockets: %d });", n),
		"http.get({ host: '<host>', port: 80, path: '/', agent }, (response) => response.resume());")
	return a
}

func nodeLate(*trouble) Advice {
	return Advice{
		Action:  "Leave localAddress and localPort out of the options of the request, if the address does not matter: Node cannot set IP_BIND_ADDRESS_NO_PORT",
		Command: "http.get({ host: '<host>', port: 80, path: '/', agent }, (response) => response.resume());   // no localAddress, no localPort",
		Undo:    changesCode,
		Risk:    "The kernel then chooses the local address by the route: the server must allow that one.",
		Safety:  CheckFirst,
	}
}

func pythonKeep(t *trouble, n int) Advice {
	a := Advice{Undo: changesCode, Risk: poolRisk + " " + serverCloses, Safety: CheckFirst}
	if s := t.service(); s.pool {
		a.Action = t.keepAction(fmt.Sprintf("with one pool for the process of at most %s; port %d is mostly %s", t.sized(n), t.remote().Port, s.name))
		a.Command = lines("# made once, not for each request",
			fmt.Sprintf("engine = sqlalchemy.create_engine(url, pool_size=%d, max_overflow=0)", n),
			fmt.Sprintf("pool = psycopg_pool.ConnectionPool(url, min_size=1, max_size=%d)", n),
			fmt.Sprintf("pool = redis.ConnectionPool(host=host, max_connections=%d)", n))
		return a
	}
	a.Action = t.keepAction(fmt.Sprintf("with one session for the process, whose pool holds %s for each remote end", t.sized(n)))
	a.Command = lines("# sockets of its own: connect once, and send the next request on the same socket",
		"# requests: made once, not for each request; requests.get() makes a new connection each time",
		"session = requests.Session()",
		fmt.Sprintf(`session.mount("http://", requests.adapters.HTTPAdapter(pool_maxsize=%d))`, n),
		fmt.Sprintf(`session.mount("https://", requests.adapters.HTTPAdapter(pool_maxsize=%d))`, n),
		fmt.Sprintf("# urllib3: urllib3.PoolManager(maxsize=%d); aiohttp: aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit_per_host=%d))", n, n))
	return a
}

func pythonLate(*trouble) Advice {
	return Advice{
		Action: "Set IP_BIND_ADDRESS_NO_PORT (Linux 4.2 and later) before bind(), or do not bind: leave source_address out",
		Command: lines("# socket.IP_BIND_ADDRESS_NO_PORT from Python 3.12 on; it is 24",
			"s.setsockopt(socket.IPPROTO_IP, 24, 1)",
			"s.bind((local_address, 0))",
			"s.connect(remote)"),
		Undo:   changesCode,
		Risk:   "getsockname() between bind() and connect() says port 0.",
		Safety: CheckFirst,
	}
}

func javaKeep(t *trouble, n int) Advice {
	a := Advice{Undo: changesCode, Risk: poolRisk + " " + serverCloses, Safety: CheckFirst}
	if s := t.service(); s.pool {
		a.Action = t.keepAction(fmt.Sprintf("with one pool for the process of at most %s; port %d is mostly %s", t.sized(n), t.remote().Port, s.name))
		a.Command = lines("# HikariCP; in Spring spring.datasource.hikari.maximum-pool-size",
			fmt.Sprintf("maximumPoolSize=%d", n))
		return a
	}
	a.Action = t.keepAction(fmt.Sprintf("with one HttpClient for the process, %s connections for each remote end; read each response to its end", t.sized(n)))
	a.Command = lines("# HttpURLConnection keeps 5 idle ones for each remote end by default",
		fmt.Sprintf("-Dhttp.keepAlive=true -Dhttp.maxConnections=%d", n),
		"# Apache HttpClient",
		fmt.Sprintf("connectionManager.setDefaultMaxPerRoute(%d);", n),
		fmt.Sprintf("connectionManager.setMaxTotal(%d);   // or more, with several remote ends", n))
	return a
}

func phpKeep(t *trouble, n int) Advice {
	a := Advice{
		Undo: changesCode, Safety: CheckFirst,
		Risk: "Each worker keeps a connection: the server must allow as many as pm.max_children of all pools. A transaction or lock that a request leaves open meets the next one.",
	}
	switch s := t.service(); s.name {
	case "Redis":
		a.Action = t.keepAction("persistent ones of phpredis, one for each worker (port 6379 is mostly Redis)")
		a.Command = "$redis->pconnect('<host>', 6379);   // in place of connect()"
	case "":
		a.Action = t.keepAction("one for each worker")
		a.Command = lines("$fp = pfsockopen('<host>', "+portWord(t)+");   // in place of fsockopen()",
			"// curl: keep the handle in a static variable, and set only CURLOPT_URL for each request")
	default:
		a.Action = t.keepAction(fmt.Sprintf("persistent ones, one for each worker (port %d is mostly %s)", t.remote().Port, s.name))
		a.Command = lines("$db = new PDO($dsn, $user, $password, [PDO::ATTR_PERSISTENT => true]);",
			"// mysqli: new mysqli('p:<host>', ...)")
	}
	return a
}

func portWord(t *trouble) string {
	if r := t.remote(); r.Known() {
		return fmt.Sprint(r.Port)
	}
	return "<port>"
}

// manyRuns is how many processes of a program with a connection each are no accident.
const manyRuns = 10

// runsForEach reports whether the program is run once for each connection: then nothing within a process
// can keep one.
func (t *trouble) runsForEach() bool {
	if t.row == nil {
		return false
	}
	var runs, opens uint64
	for i := range t.snap.Processes {
		if p := &t.snap.Processes[i]; programOf(&p.Info) == programOf(&t.proc) && p.Opens > 0 {
			runs, opens = runs+1, opens+p.Opens
		}
	}
	return runs >= manyRuns && opens < 2*runs
}

// otherKeep is for programs that are not known, among them those written in Go, which have no
// interpreter to be known by.
func otherKeep(t *trouble, n int) Advice {
	a := Advice{
		Action: t.keepAction(fmt.Sprintf("in %s: a pool of at most %s", t.name(), t.sized(n))),
		Undo:   changesCode,
		Risk:   poolRisk + " " + serverCloses,
		Safety: CheckFirst,
	}
	if s := t.service(); s.pool {
		a.Action += fmt.Sprintf("; port %d is mostly %s", t.remote().Port, s.name)
		if s.sql && t.proc.ID.Known() {
			a.Command = lines("// if it is written in Go, database/sql; the default keeps 2 idle ones",
				fmt.Sprintf("db.SetMaxOpenConns(%d)", n),
				fmt.Sprintf("db.SetMaxIdleConns(%d)", n))
		}
		return a
	}
	if t.runsForEach() {
		a.Action = t.keepAction("by one process of " + programOf(&t.proc) + " for many requests: now each has a process of its own, with which its connection ends")
		return a
	}
	if !t.proc.ID.Known() {
		return a // code in whatever language would be a guess
	}
	a.Command = lines("// if it is written in Go: one client for the process; by default it keeps 2 idle ones for each host",
		"transport := http.DefaultTransport.(*http.Transport).Clone()",
		fmt.Sprintf("transport.MaxIdleConns = %d // of all hosts together", max(n, 100)),
		fmt.Sprintf("transport.MaxIdleConnsPerHost = %d", n),
		"client := &http.Client{Transport: transport}",
		"// each response: a body that is not read to its end costs the connection",
		"_, _ = io.Copy(io.Discard, response.Body)",
		"_ = response.Body.Close()")
	return a
}

func otherLate(t *trouble) Advice {
	return Advice{
		Action: fmt.Sprintf("In %s set IP_BIND_ADDRESS_NO_PORT (Linux 4.2 and later) before bind(), or do not bind at all: the port is then chosen by connect(), "+
			"and taken towards one remote end only", t.name()),
		Command: lines("int on = 1;",
			"setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof(on));   /* before bind(fd, address with port 0) */"),
		Undo:   changesCode,
		Risk:   "getsockname() between bind() and connect() says port 0. A firewall that expects certain source ports must allow the port range.",
		Safety: CheckFirst,
	}
}

func otherSources(t *trouble, n int) Advice {
	command := lines(t.enter()+"ip addr add <address>/<prefix> dev <interface>",
		"# the program binds each connection to one of them: IP_BIND_ADDRESS_NO_PORT, then bind() with port 0")
	if r := t.remote(); r.Known() && isLoopback(r) && r.Addr.Is4() {
		command = "# 127.0.0.1 to 127.0.0." + fmt.Sprint(n) + " are there: the program binds each connection to one of them (IP_BIND_ADDRESS_NO_PORT, then bind() with port 0)"
	}
	return Advice{
		Action: fmt.Sprintf("Connect from %d local addresses, or to %d remote addresses or ports: each has %s ports of its own", n, n,
			phrase.Grouped(t.plan.capacityAfter())),
		Command: command,
		Undo:    t.enter() + "ip addr del <address>/<prefix> dev <interface>",
		Risk:    "The addresses must be routed back to this host and allowed by the server.",
	}
}
