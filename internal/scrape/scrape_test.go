package scrape

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
)

// gatherer counts how often it is asked.
type gatherer struct {
	prometheus.Gatherer
	asked atomic.Int32
}

func newGatherer() *gatherer {
	registry := prometheus.NewRegistry()
	registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "porttrace_test_ports", Help: "Ports."}, func() float64 { return 42 }))
	return &gatherer{Gatherer: registry}
}

func (g *gatherer) Gather() ([]*dto.MetricFamily, error) {
	g.asked.Add(1)
	return g.Gatherer.Gather()
}

// serving starts a server on a free port, which ends with the test, and returns its URL without a path.
func serving(t *testing.T, from prometheus.Gatherer, views *Views, config string) string {
	t.Helper()
	server, err := Listen([]string{"127.0.0.1:0"}, config)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(ctx, from, views, "1.2.3") }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return strings.TrimSuffix(server.URLs()[0], "/metrics")
}

func get(t *testing.T, client *http.Client, url string, head ...string) (status int, body string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i+1 < len(head); i += 2 {
		request.Header.Set(head[i], head[i+1])
	}
	answer, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, string(text)
}

// TestFlood: of a thousand scrapes at once in all forms few are gathered, and all are answered.
func TestFlood(t *testing.T) {
	t.Parallel()
	now := time.Now()
	views, from := NewViews(), newGatherer()
	views.Made()
	p := newPages(views, from, func() time.Time { return now }) // no second passes
	forms := []string{"", "text/plain", "application/openmetrics-text", "application/openmetrics-text;version=1.0.0", "nonsense", "text/plain;q=0.1,*/*"}
	var wait sync.WaitGroup
	for i := range 1000 {
		wait.Go(func() {
			answer := &page{head: http.Header{}}
			request, _ := http.NewRequestWithContext(context.Background(), http.MethodGet, "/metrics", nil)
			request.Header.Set("Accept", forms[i%len(forms)])
			p.ServeHTTP(answer, request)
			if answer.status != http.StatusOK || !strings.Contains(answer.body.String(), "porttrace_test_ports 42") {
				t.Errorf("%d: %s", answer.status, answer.body.String())
			}
		})
	}
	wait.Wait()
	if n := from.asked.Load(); n == 0 || n > maxPages {
		t.Errorf("gathered %d times, want %d at most", n, maxPages)
	}
	now = now.Add(reuseFor)
	p.ServeHTTP(&page{head: http.Header{}}, &http.Request{Header: http.Header{}})
	if n := from.asked.Load(); n > maxPages+1 || len(p.kept) != 1 {
		t.Errorf("gathered %d times, %d answers are kept", n, len(p.kept))
	}
}

// TestViews: views are wanted while there are scrapes, and a scrape is served at once if there is a fresh one.
func TestViews(t *testing.T) {
	t.Parallel()
	now := time.Unix(1e9, 0)
	v := newViews(func() time.Time { return now })
	if v.Wanted() || v.isReady() || v.stuck() != 0 {
		t.Fatal("wanted, ready or stuck at the start")
	}
	answered := make(chan bool)
	go func() { answered <- v.Await(t.Context()) }()
	for !v.Wanted() { // until the scrape has asked
		time.Sleep(time.Millisecond)
	}
	v.Made()
	if !<-answered || !v.Await(t.Context()) {
		t.Error("no view was shown")
	}
	now = now.Add(wantedFor)
	if v.Wanted() || v.stuck() != wantedFor {
		t.Errorf("wanted %t without scrapes; stuck for %s", v.Wanted(), v.stuck())
	}
	v.Move()
	v.Ready()
	if v.stuck() != 0 || !v.isReady() {
		t.Error("stuck or not ready")
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if !v.Await(gone) {
		t.Error("an old view is better than none")
	}
}

func TestPaths(t *testing.T) {
	t.Parallel()
	now := time.Now()
	var moved atomic.Int64
	views := newViews(func() time.Time { return now.Add(time.Duration(moved.Load())) })
	views.Made()
	url := serving(t, newGatherer(), views, "")
	for _, tc := range []struct {
		path   string
		status int
		has    string
	}{
		{"/", 200, "porttrace"},
		{"/metrics", 200, "porttrace_test_ports 42"},
		{"/healthz", 200, "ok"},
		{"/readyz", 503, "first scan"},
		{"/nothing", 404, ""},
	} {
		if status, body := get(t, http.DefaultClient, url+tc.path); status != tc.status || !strings.Contains(body, tc.has) {
			t.Errorf("%s: %d %s", tc.path, status, body)
		}
	}
	views.Ready()
	moved.Store(int64(time.Hour))
	if status, body := get(t, http.DefaultClient, url+"/readyz"); status != 200 {
		t.Errorf("readyz: %d %s", status, body)
	}
	if status, body := get(t, http.DefaultClient, url+"/healthz"); status != 503 || !strings.Contains(body, "1h0m0s") {
		t.Errorf("healthz: %d %s", status, body)
	}
	if _, body := get(t, http.DefaultClient, url+"/metrics", "Accept", "application/openmetrics-text;version=1.0.0"); !strings.HasSuffix(body, "# EOF\n") {
		t.Errorf("no OpenMetrics: %s", body)
	}
}

// TestTLSAndUsers: with a configuration file everything is answered by TLS alone, to those with the password.
func TestTLSAndUsers(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	pool := certificate(t, dir)
	config := filepath.Join(dir, "web.yml")
	// The password is "open sesame".
	const hash = "$2a$04$7cqX4oMcJacCmslWovp7VO0H87X74SsZoARQBHLdBSHjlV5sEfUf2"
	write(t, config, "tls_server_config: {cert_file: cert.pem, key_file: key.pem}\n"+
		"basic_auth_users: {prometheus: "+hash+"}\n")
	views := NewViews()
	views.Made()
	url := serving(t, newGatherer(), views, config)
	if !strings.HasPrefix(url, "https://") {
		t.Fatal(url)
	}
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}}}
	defer client.CloseIdleConnections()
	for _, path := range []string{"/metrics", "/healthz", "/"} {
		if status, _ := get(t, client, url+path); status != http.StatusUnauthorized {
			t.Errorf("%s without a password: %d", path, status)
		}
	}
	for password, want := range map[string]int{"open sesame": 200, "wrong": 401} {
		request, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, url+"/metrics", nil)
		request.SetBasicAuth("prometheus", password)
		answer, err := client.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		answer.Body.Close()
		if answer.StatusCode != want {
			t.Errorf("password %q: %d", password, answer.StatusCode)
		}
	}
	if status, _ := get(t, http.DefaultClient, "http"+strings.TrimPrefix(url, "https")+"/metrics"); status != http.StatusBadRequest {
		t.Errorf("without TLS: %d", status)
	}
}

func TestListenErrors(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	dir := t.TempDir()
	write(t, filepath.Join(dir, "bad.yml"), "basic_auth_users: [1\n")
	write(t, filepath.Join(dir, "plain.yml"), "basic_auth_users: {alice: secret}\n")
	write(t, filepath.Join(dir, "empty.yml"), "")
	write(t, filepath.Join(dir, "unknown.yml"), "tls_server_config:\n  cert_file: a\n  bogus: 1\nbogus: 2\nother: 3\n")
	write(t, filepath.Join(dir, "kind.yml"), "tls_server_config: [1]\nhttp_server_config: {http2: maybe}\n")
	write(t, filepath.Join(dir, "word.yml"), "http_server_config: {http2: maybe}\n")
	write(t, filepath.Join(dir, "twice.yml"), "rate_limit: {}\nrate_limit: {}\n")
	for _, tc := range []struct{ address, config, want string }{
		{taken.Addr().String(), "", "address already in use"},
		{"127.0.0.1", "", "missing port"},
		{"127.0.0.1:0", filepath.Join(dir, "none.yml"), "no such file"},
		{"127.0.0.1:0", filepath.Join(dir, "bad.yml"), "yaml"},
		{"127.0.0.1:0", filepath.Join(dir, "plain.yml"), `user "alice": the password must be a bcrypt hash`},
		{"127.0.0.1:0", filepath.Join(dir, "empty.yml"), "neither tls_server_config"},
		{"127.0.0.1:0", filepath.Join(dir, "unknown.yml"), "line 3: unknown setting bogus"},
		{"127.0.0.1:0", filepath.Join(dir, "kind.yml"), "line 1: wrong kind of value: !!seq"},
		{"127.0.0.1:0", filepath.Join(dir, "word.yml"), "line 1: wrong kind of value: !!str `maybe`"},
		{"127.0.0.1:0", filepath.Join(dir, "twice.yml"), "line 2: field rate_limit already set"},
	} {
		_, err := Listen([]string{tc.address}, tc.config)
		if err == nil || !strings.Contains(err.Error(), tc.want) || strings.ContainsAny(err.Error(), "\n") || strings.Contains(err.Error(), "web.") {
			t.Errorf("%s %s: %v", tc.address, tc.config, err)
		}
	}
}

func write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// certificate writes a certificate of 127.0.0.1 and its key, and returns who trusts it.
func certificate(t *testing.T, dir string) *x509.CertPool {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	cert := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	write(t, filepath.Join(dir, "cert.pem"), string(cert))
	write(t, filepath.Join(dir, "key.pem"), string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8})))
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(cert)
	return pool
}
