package incidents

import "fmt"

// nginx starts nginx as a proxy on port 8080 of the client for a server. The lines go into the
// block of the upstream.
func (s *site) nginx(upstream, lines string) *program {
	s.write("nginx.conf", fmt.Sprintf(`
user root;
daemon off;
worker_processes 2;
pid nginx.pid;
error_log stderr error;
events { worker_connections 1024; }
http {
	access_log off;
	client_body_temp_path tmp; proxy_temp_path tmp; fastcgi_temp_path tmp; uwsgi_temp_path tmp; scgi_temp_path tmp;
	upstream app { server %s max_fails=0; %s }
	server {
		listen %s:8080 reuseport;
		location / {
			proxy_pass http://app;
			proxy_http_version 1.1;
			proxy_set_header Connection "";
		}
	}
}
`, upstream, lines, s.clientIP))
	p := s.run("nginx", "-p", ".", "-c", "nginx.conf", "-e", "stderr")
	s.await("nginx listens", func() bool { return listens(s.client, 8080) })
	return p
}

// nginxFiles starts nginx as a server of files on port 80 of the server, with lines for its server
// block.
func (s *site) nginxFiles(lines string) *program {
	s.write("index.html", "hello\n")
	s.write("files.conf", fmt.Sprintf(`
user root;
daemon off;
worker_processes 2;
pid files.pid;
error_log stderr error;
events { worker_connections 1024; }
http {
	access_log off;
	client_body_temp_path tmp; proxy_temp_path tmp; fastcgi_temp_path tmp; uwsgi_temp_path tmp; scgi_temp_path tmp;
	server { listen %s:80; root .; %s }
}
`, s.serverIP, lines))
	p := s.serve("nginx", "-p", s.dir, "-c", "files.conf", "-e", "stderr")
	s.await("nginx listens", func() bool { return listens(s.server, 80) })
	return p
}

// visitors are clients of the proxy on port 8080, in the server's namespace: their connections stay
// open.
func (s *site) visitors(rate, conns int) *program {
	return s.help(s.server, "visitors", fmt.Sprintf("-rate=%d", rate), fmt.Sprintf("-conns=%d", conns),
		fmt.Sprintf("http://%s:8080/", s.clientIP))
}

// service starts nginx on a port of the client, again and again, as a supervisor does.
func (s *site) service(port uint16) *program {
	s.write("service.conf", fmt.Sprintf(`
user root;
daemon off;
pid service.pid;
error_log stderr error;
events { worker_connections 64; }
http {
	access_log off;
	client_body_temp_path tmp; proxy_temp_path tmp; fastcgi_temp_path tmp; uwsgi_temp_path tmp; scgi_temp_path tmp;
	server { listen %d; root .; }
}
`, port))
	return s.run("bash", "-c", "while true; do nginx -p "+s.dir+" -c service.conf -e stderr; sleep 2; done")
}
