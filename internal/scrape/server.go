package scrape

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"html"
	"io"
	"log"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/exporter-toolkit/web"
	"go.yaml.in/yaml/v2"
	"golang.org/x/crypto/bcrypt"
)

const (
	maxHeader     = 16 << 10
	headerTimeout = 2 * time.Second  // of TLS, too
	answerTimeout = 30 * time.Second // also for a slow reader
	idleTimeout   = time.Minute
	shutdownTime  = time.Second
)

// Server answers at some addresses.
type Server struct {
	listeners []net.Listener
	config    string // of TLS and users; empty: none
	scheme    string
}

// Listen checks the configuration file of TLS and users, if one is named, and takes the addresses. Nothing is
// answered before Serve.
func Listen(addresses []string, config string) (*Server, error) {
	scheme, err := schemeOf(config)
	if err != nil {
		return nil, err
	}
	s := &Server{config: config, scheme: scheme}
	for _, address := range addresses {
		l, err := net.Listen("tcp", address)
		if err != nil {
			s.Close()
			var op *net.OpError
			if errors.As(err, &op) {
				err = op.Err
			}
			return nil, fmt.Errorf("listening on %s: %w", address, err)
		}
		s.listeners = append(s.listeners, l)
	}
	return s, nil
}

// CheckConfig returns what is wrong with a configuration file; none is fine.
func CheckConfig(file string) error {
	_, err := schemeOf(file)
	return err
}

// schemeOf checks the file. The library does not say whether it asks for TLS, takes one that asks for
// nothing, and does not name the user whose password is wrong.
func schemeOf(config string) (string, error) {
	if config == "" {
		return "http", nil
	}
	text, err := os.ReadFile(config)
	if err != nil {
		return "", err
	}
	var c web.Config
	if err := yaml.UnmarshalStrict(text, &c); err != nil {
		return "", inPlainWords(err)
	}
	if err := cmp.Or(checkPasswords(&c), web.Validate(config)); err != nil {
		return "", err
	}
	if c.TLSConfig.IsEnabled() {
		return "https", nil
	}
	if len(c.Users) == 0 {
		return "", errors.New("has neither tls_server_config with a certificate nor basic_auth_users: anyone could read the metrics")
	}
	return "http", nil
}

// inPlainWords returns the first fault of those that the library lists, without the Go types that it names.
func inPlainWords(err error) error {
	var faults *yaml.TypeError
	if !errors.As(err, &faults) {
		return err
	}
	text := faults.Errors[0]
	for _, before := range []string{" in type ", " into "} {
		if at := strings.LastIndex(text, before); at >= 0 {
			text = text[:at]
		}
	}
	if unknown, ok := strings.CutSuffix(text, " not found"); ok {
		text = strings.Replace(unknown, ": field ", ": unknown setting ", 1)
	}
	return errors.New(strings.Replace(text, ": cannot unmarshal ", ": wrong kind of value: ", 1))
}

// checkPasswords returns the error of the first user whose password is no hash.
func checkPasswords(c *web.Config) error {
	for _, name := range slices.Sorted(maps.Keys(c.Users)) {
		if _, err := bcrypt.Cost([]byte(c.Users[name])); err != nil {
			return fmt.Errorf("user %q: the password must be a bcrypt hash, as of htpasswd -nBC 10 %s", name, name)
		}
	}
	return nil
}

// URLs returns where the metrics are.
func (s *Server) URLs() (urls []string) {
	for _, l := range s.listeners {
		urls = append(urls, s.scheme+"://"+l.Addr().String()+"/metrics")
	}
	return urls
}

// Serve answers until the context ends, or with the error that ends it before.
func (s *Server) Serve(ctx context.Context, from prometheus.Gatherer, views *Views, version string) error {
	handler := markingRequests(handlerOf(from, views, version))
	ended := make(chan error, len(s.listeners))
	var servers []*http.Server
	for _, l := range s.listeners { // the library changes a server that it serves
		server := &http.Server{
			Handler: handler, MaxHeaderBytes: maxHeader, ReadHeaderTimeout: headerTimeout, ReadTimeout: answerTimeout,
			WriteTimeout: answerTimeout, IdleTimeout: idleTimeout, ErrorLog: log.New(io.Discard, "", 0),
			ConnContext: withConn,
		}
		servers = append(servers, server)
		flags := &web.FlagConfig{WebConfigFile: &s.config}
		go func() {
			ended <- web.Serve(newLimitListener(l), server, flags, slog.New(slog.DiscardHandler))
		}()
	}
	var fault error
	running := len(servers)
	select {
	case <-ctx.Done():
	case fault = <-ended:
		running--
	}
	soon, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownTime)
	defer cancel()
	for _, server := range servers {
		if server.Shutdown(soon) != nil {
			_ = server.Close() // of a client that reads slowly
		}
	}
	for range running {
		fault = cmp.Or(fault, ignoreClosed(<-ended))
	}
	return ignoreClosed(fault)
}

func ignoreClosed(err error) error {
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}

// Close gives the addresses back, of a server that does not serve.
func (s *Server) Close() {
	for _, l := range s.listeners {
		_ = l.Close() // Serve may have closed it
	}
}

// landing is the page for people. That of the toolkit is a template, which takes 3 MB: see packaging/cold.
const landing = `<!DOCTYPE html>
<html lang="en">
<title>porttrace</title>
<h1>porttrace</h1>
<p>Ephemeral ports of this host. Version: %s</p>
<ul>
<li><a href="metrics">Metrics</a></li>
<li><a href="healthz">Health</a>: 200 while the stream of events moves</li>
<li><a href="readyz">Readiness</a>: 200 once all sockets are known</li>
</ul>
</html>
`

// handlerOf returns what answers at each path.
func handlerOf(from prometheus.Gatherer, views *Views, version string) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintf(w, landing, html.EscapeString(version)) })
	mux.Handle("GET /metrics", newPages(views, from, time.Now))
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		still := views.stuck()
		answer(w, still == 0, fmt.Sprintf("the stream of events has stood still for %s", still.Round(time.Second)))
	})
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, views.isReady(), "the first scan of all sockets is not done")
	})
	return mux
}

// answer says ok, or why not.
func answer(w http.ResponseWriter, ok bool, why string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	if !ok {
		w.WriteHeader(http.StatusServiceUnavailable)
		fmt.Fprintln(w, why)
		return
	}
	fmt.Fprintln(w, "ok")
}
