package doctor

import "fmt"

// tool is the advice for a program that is run on the command line, once for each request.
func tool(action, risk string, command ...string) Advice {
	return Advice{Action: action, Command: lines(command...), Undo: "run it as before", Risk: risk, Safety: CheckFirst}
}

func curlKeep(t *trouble, _ int) Advice {
	return tool("Fetch many URLs with one curl in place of a curl for each: it keeps the connection to "+t.remoteWord(),
		"One that fails does not stop the rest: --fail-early does.",
		"xargs -n 1000 curl -sS --remote-name-all < <file with URLs>",
		"# different options for each: --next between them",
		"curl -sS -o <file 1> <URL 1> --next -sS -o <file 2> <URL 2>")
}

func curlLate(*trouble) Advice {
	return tool("Leave --local-port out; --interface with an address alone lets connect() choose the port",
		"A firewall that expects certain source ports must allow the port range.",
		"curl --interface <local address> <URL>")
}

func wgetKeep(t *trouble, _ int) Advice {
	return tool("Fetch many URLs with one wget: it keeps the connection to "+t.remoteWord(), "None.", "wget -i <file with URLs>")
}

func abKeep(t *trouble, _ int) Advice {
	return tool("Run ab with -k: one connection for each of its concurrent clients in place of one for each request. Without it the test measures the ports of this host",
		"It measures requests on kept connections, as browsers and proxies make them.",
		"ab -k -n <requests> -c <concurrency> http://"+t.remoteWord()+"/")
}

func wrkKeep(t *trouble, _ int) Advice {
	return tool("Let the load generator keep its connections: leave -H 'Connection: close' and --disable-keepalive out, and see that the server keeps them",
		"It measures requests on kept connections, as browsers and proxies make them.",
		"wrk -t <threads> -c <connections> -d 10s http://"+t.remoteWord()+"/")
}

func redisKeep(t *trouble, _ int) Advice {
	return tool("Send many commands through one redis-cli to "+t.remoteWord()+" in place of one for each", "A command that fails does not stop the rest.",
		"redis-cli -h <host> -p "+portWord(t)+" < <file with commands>",
		"# redis-benchmark: -k 1 (the default)")
}

func mysqlKeep(t *trouble, _ int) Advice {
	return tool("Send many statements through one mysql to "+t.remoteWord()+" in place of one for each", "The first that fails ends it, unless --force is given.",
		"mysql -h <host> -P "+portWord(t)+" < <file with statements>")
}

func psqlKeep(t *trouble, n int) Advice {
	return tool(fmt.Sprintf("Send many statements through one psql to %s in place of one for each, or connect to a PgBouncer on this host (default_pool_size = %d, %s)", t.remoteWord(), n, t.sizedBy()),
		"A statement that fails does not stop the rest: -v ON_ERROR_STOP=1 does. pgbench: without -C.",
		"psql -h <host> -p "+portWord(t)+" -f <file with statements>")
}
