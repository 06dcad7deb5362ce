package doctor

import (
	"fmt"
	"strings"
)

// serverCloses is a risk of every pool.
const serverCloses = "The server must keep connections open as well, for longer than the client: else a request can meet a connection that is being closed."

func nginxKeep(t *trouble, n int) Advice {
	a := Advice{
		Action: t.keepAction(fmt.Sprintf("in the nginx configuration; %s idle ones for each worker, then nginx -t && nginx -s reload", t.sized(n))),
		Command: lines(
			"upstream <name> {",
			"    server "+t.remoteWord()+";",
			fmt.Sprintf("    keepalive %d;", n),
			"}",
			"# in the location, with proxy_pass http://<name>;",
			"proxy_http_version 1.1;",
			`proxy_set_header Connection "";`),
		Undo:   "take the lines out again and reload",
		Risk:   serverCloses + " For fastcgi_pass it is fastcgi_keep_conn on; for uwsgi_pass there is none.",
		Safety: CheckFirst,
	}
	return a
}

func nginxLate(*trouble) Advice {
	return Advice{
		Action: "Give proxy_bind an address without a port: nginx (1.11.4 and later) then leaves the port to connect(), by IP_BIND_ADDRESS_NO_PORT; or leave proxy_bind out",
		Command: lines(
			"# no port, and not \"transparent\" unless it is needed",
			"proxy_bind <local address>;"),
		Undo:   "put the old proxy_bind back and reload",
		Risk:   "None to requests. A firewall that expects certain source ports must allow the port range.",
		Safety: CheckFirst,
	}
}

func nginxSources(_ *trouble, n int) Advice {
	list := []string{"# outside of server { }", `split_clients "$remote_addr$remote_port" $source {`}
	for i := 1; i < n; i++ {
		list = append(list, fmt.Sprintf("    %d%% <local address %d>;", 100/n, i))
	}
	list = append(list, fmt.Sprintf("    * <local address %d>;", n), "}", "# in the location", "proxy_bind $source;")
	return Advice{
		Action:  fmt.Sprintf("Connect from %d local addresses: each has ports of its own", n),
		Command: lines(list...),
		Undo:    "take the lines out again and reload",
		Risk:    "The addresses must be on this host, routed back to it and allowed by the server.",
	}
}

func haproxyKeep(t *trouble, n int) Advice {
	return Advice{
		Action: t.keepAction(fmt.Sprintf("in the HAProxy configuration; at most %s idle ones, then haproxy -c -f FILE and reload", t.sized(n))),
		Command: lines(
			"backend <name>",
			"    mode http",
			"    no option httpclose",
			"    no option http-server-close",
			"    http-reuse safe",
			fmt.Sprintf("    server <server> %s pool-max-conn %d", t.remoteWord(), n)),
		Undo:   "put the old lines back and reload",
		Risk:   serverCloses + " In mode tcp a connection cannot be used again: there it takes mode http, or more addresses.",
		Safety: CheckFirst,
	}
}

func haproxyLate(t *trouble) Advice {
	return Advice{
		Action: "Take the port range out of source: HAProxy then leaves the port to connect(), by IP_BIND_ADDRESS_NO_PORT. With usesrc clientip, too, give no ports",
		Command: lines(
			"backend <name>",
			fmt.Sprintf("    server <server> %s source <local address>   # without :PORT-PORT", t.remoteWord())),
		Undo:   "put the old source back and reload",
		Risk:   "None to requests. A firewall that expects certain source ports must allow the port range.",
		Safety: CheckFirst,
	}
}

func haproxySources(t *trouble, n int) Advice {
	list := []string{"backend <name>"}
	for i := range n {
		list = append(list, fmt.Sprintf("    server <server>%d %s source <local address %d>", i+1, t.remoteWord(), i+1))
	}
	return Advice{
		Action:  fmt.Sprintf("Connect from %d local addresses: each has ports of its own. HAProxy takes one server line for each", n),
		Command: lines(list...),
		Undo:    "put the old lines back and reload",
		Risk:    "The addresses must be on this host, routed back to it and allowed by the server. Health checks multiply.",
	}
}

func envoyKeep(t *trouble, _ int) Advice {
	return Advice{
		Action: t.keepAction("in the Envoy cluster: HTTP/2 puts many requests on one connection; max_requests_per_connection must not be set to 1"),
		Command: lines(
			"typed_extension_protocol_options:",
			"  envoy.extensions.upstreams.http.v3.HttpProtocolOptions:",
			`    "@type": type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions`,
			"    explicit_http_config:",
			"      http2_protocol_options: {}   # HTTP/1.1: http_protocol_options: {}"),
		Undo:   "put the old protocol options back",
		Risk:   "The server must speak HTTP/2 in plain text or by ALPN; if it does not, every request fails. With HTTP/1.1 Envoy keeps connections already.",
		Safety: CheckFirst,
	}
}

func envoyLate(*trouble) Advice {
	return Advice{
		Action: "Bind the cluster to an address without a port, with IP_BIND_ADDRESS_NO_PORT",
		Command: lines(
			"upstream_bind_config:",
			"  source_address: { address: <local address>, port_value: 0 }",
			"  socket_options:",
			"  - { description: IP_BIND_ADDRESS_NO_PORT, level: 0, name: 24, int_value: 1, state: STATE_PREBIND }"),
		Undo:   "put the old upstream_bind_config back",
		Risk:   "None to requests. A firewall that expects certain source ports must allow the port range.",
		Safety: CheckFirst,
	}
}

func envoySources(t *trouble, n int) Advice {
	a := Advice{
		Action: fmt.Sprintf("Connect from %d local addresses: each has ports of its own. By default Envoy uses the first of its source addresses that fits, "+
			"so it takes a cluster for each (weighted_clusters), or a local_address_selector", n),
		Undo: "put the old cluster back",
		Risk: "The addresses must be on this host, routed back to it and allowed by the server. Circuit breakers count for each cluster.",
	}
	var list []string
	for i := range n {
		list = append(list, fmt.Sprintf("# cluster %d, to %s", i+1, t.remoteWord()),
			"upstream_bind_config:", fmt.Sprintf("  source_address: { address: <local address %d>, port_value: 0 }", i+1))
	}
	a.Command = strings.Join(list, "\n")
	return a
}

func apacheKeep(t *trouble, n int) Advice {
	return Advice{
		Action:  t.keepAction(fmt.Sprintf("in the Apache configuration; at most %s for each process, then apachectl configtest && apachectl graceful", t.sized(n))),
		Command: fmt.Sprintf(`ProxyPass "<path>" "http://%s/" enablereuse=on max=%d`, t.remoteWord(), n),
		Undo:    "put the old ProxyPass back and reload",
		Risk:    serverCloses + " With the prefork MPM each process keeps one connection.",
		Safety:  CheckFirst,
	}
}
