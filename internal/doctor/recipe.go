package doctor

import (
	"fmt"
	"path"
	"regexp"
	"slices"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/phrase"
	"github.com/porttrace/porttrace/internal/snapshot"
)

// recipe is what is known of a program: how it keeps connections, binds and spreads them. All
// programs have the same causes; what is typed differs.
type recipe struct {
	name  string
	match *regexp.Regexp // of the base name of the executable, else of the name of the process
	// keep says how to open fewer connections: keep up to n of them and use them again.
	keep func(t *trouble, n int) Advice
	// late says how to leave the choice of the port to connect(); nil: as of any program.
	late func(t *trouble) Advice
	// spread says how to use n local addresses; nil: as of any program.
	sources func(t *trouble, n int) Advice
	// ownPorts says how to give it more ports of its own; nil: as of any program.
	ownPorts func(t *trouble, own *snapshot.OwnPorts) []Advice
	// leak says where connections are forgotten; empty: as of any program.
	leak string
	// perProcess says that the size of the pool is one knob for all remote ends.
	perProcess bool
	// files says how to raise the file limit in its configuration; empty: it has no such knob.
	files string
}

// recipes are those with advice of their own. The first that matches counts.
var recipes = []*recipe{
	{
		name: "nginx", match: regexp.MustCompile(`^(nginx|openresty|tengine)$`),
		keep: nginxKeep, late: nginxLate, sources: nginxSources, files: "worker_rlimit_nofile %d;",
		leak: "An nginx keeps an upstream connection open for as long as a client reads or a WebSocket lasts: proxy_read_timeout and proxy_send_timeout end those that do nothing.",
	},
	{
		name: "HAProxy", match: regexp.MustCompile(`^haproxy`),
		keep: haproxyKeep, late: haproxyLate, sources: haproxySources, ownPorts: haproxyOwnPorts, files: "ulimit-n %d",
		leak: "In HAProxy timeout server, timeout client and timeout tunnel end connections that do nothing; without them none ends.",
	},
	{
		name: "Envoy", match: regexp.MustCompile(`^(envoy|pilot-agent|istio-proxy)`),
		keep: envoyKeep, late: envoyLate, sources: envoySources,
		leak: "In Envoy idle_timeout of common_http_protocol_options and max_connection_duration end connections that do nothing.",
	},
	{
		name: "Apache httpd", match: regexp.MustCompile(`^(httpd|apache2)$`), keep: apacheKeep,
		leak: "In mod_proxy the parameters ttl and timeout of the worker end connections that do nothing.",
	},
	{
		name: "Node.js", match: regexp.MustCompile(`^(node|nodejs|bun|deno)$`), keep: nodeKeep, perProcess: true, late: nodeLate,
		leak: "In Node read every response to its end (response.resume() if the body is not needed), and call socket.destroy() in the 'error' and 'timeout' handlers.",
	},
	{
		name: "Python", match: regexp.MustCompile(`^(python|pypy)[0-9.]*$|^(gunicorn|uwsgi|celery|uvicorn)`), keep: pythonKeep, perProcess: true, late: pythonLate,
		leak: "In Python use with: with requests.get(url) as r, with closing(connection), async with session.get(url) as r. A connection that is only dropped stays open as long as anything refers to it.",
	},
	{
		name: "Java", match: regexp.MustCompile(`^(java|jsvc)$`), keep: javaKeep, perProcess: true,
		leak: "In Java use try (...) for connections, statements and responses; leakDetectionThreshold of HikariCP logs the stack of one that is not given back.",
	},
	{
		name: "PHP", match: regexp.MustCompile(`^php`), keep: phpKeep, perProcess: true,
		leak: "PHP closes all but persistent connections at the end of a request: a request that never ends, or a worker of its own (a queue consumer), keeps them.",
	},
	{name: "curl", match: regexp.MustCompile(`^curl$`), keep: curlKeep, late: curlLate},
	{name: "wget", match: regexp.MustCompile(`^wget$`), keep: wgetKeep},
	{name: "ab", match: regexp.MustCompile(`^ab$`), keep: abKeep},
	{name: "wrk", match: regexp.MustCompile(`^(wrk2?|hey|oha|bombardier)$`), keep: wrkKeep},
	{name: "redis-cli", match: regexp.MustCompile(`^redis-(cli|benchmark)$`), keep: redisKeep},
	{name: "mysql", match: regexp.MustCompile(`^(mysql|mariadb|mysqladmin)$`), keep: mysqlKeep},
	{name: "psql", match: regexp.MustCompile(`^(psql|pgbench)$`), keep: psqlKeep},
}

// other is every other program.
var other = &recipe{keep: otherKeep}

// recipeOf returns what is known of the program of a process.
func recipeOf(p *event.Process) *recipe {
	for _, name := range []string{path.Base(p.Exe), p.Comm} {
		for _, r := range recipes {
			if r.match.MatchString(name) {
				return r
			}
		}
	}
	return other
}

// KnownPart returns the beginning of a program's name by which findings and advice know it, empty if
// they are those of any program.
func KnownPart(name string) string {
	if slices.Contains(kubernetesPrograms, name) {
		return name
	}
	for _, r := range recipes {
		if part := r.match.FindString(name); part != "" {
			return part
		}
	}
	return ""
}

// service is a protocol by the port that servers usually have.
type service struct {
	name string
	pool bool // its clients have pools
	sql  bool
}

var services = map[uint16]service{
	3306: {"MySQL", true, true}, 5432: {"PostgreSQL", true, true}, 6432: {"PgBouncer", true, true}, 1521: {"Oracle", true, true}, 1433: {"SQL Server", true, true},
	27017: {"MongoDB", true, false}, 6379: {"Redis", true, false}, 11211: {"memcached", true, false}, 9042: {"Cassandra", true, false}, 5672: {"RabbitMQ", true, false},
}

// service returns the protocol of the remote end by its port, the zero value if the port does
// not say.
func (t *trouble) service() service { return services[t.remote().Port] }

// keepAction begins the sentence that advises to keep connections.
func (t *trouble) keepAction(where string) string {
	to := ""
	if r := t.remote(); r.Known() {
		to = " to " + phrase.Endpoint(r)
	}
	return fmt.Sprintf("Keep connections%s open and use them again, %s", to, where)
}

// spread is the advice to connect from n local addresses.
func (r *recipe) spread(t *trouble, n int) Advice {
	if r.sources != nil {
		return r.sources(t, n)
	}
	return otherSources(t, n)
}

// bindLate is the advice not to choose the port in bind().
func (r *recipe) bindLate(t *trouble) Advice {
	if r.late != nil {
		return r.late(t)
	}
	return otherLate(t)
}
