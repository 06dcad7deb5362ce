package otlphttp

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	logs "go.opentelemetry.io/proto/slim/otlp/logs/v1"
	"google.golang.org/protobuf/encoding/protojson"
)

const request = `{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"timeUnixNano":"1","body":{"stringValue":"x"}}]}]}]}`

// client returns a client of a server that answers each try by the next function, and the pauses
// that it would have made.
func client(t *testing.T, answers ...http.HandlerFunc) (c *Client, pauses *[]time.Duration) {
	t.Helper()
	n := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var got logs.LogsData
		body, err := io.ReadAll(r.Body)
		if err == nil {
			err = protojson.Unmarshal(body, &got)
		}
		if err != nil || r.Method != http.MethodPost || r.URL.Path != "/v1/logs" || r.Header.Get("Content-Type") != "application/json" {
			t.Errorf("%s %s %s: %v", r.Method, r.URL, r.Header.Get("Content-Type"), err)
		}
		if got := r.Header.Get("Api-Key"); got != "a b" {
			t.Errorf("the key is %q", got)
		}
		answers[min(n, len(answers)-1)](w, r)
		n++
	}))
	t.Cleanup(server.Close)
	c, err := New(t.Context(), server.URL, "api-key=a%20b, other=")
	if err != nil {
		t.Fatal(err)
	}
	pauses = new([]time.Duration)
	c.pause = func(ctx context.Context, d time.Duration) error {
		*pauses = append(*pauses, d)
		return ctx.Err()
	}
	return c, pauses
}

func answer(status int, body string, header ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		for _, field := range header {
			name, value, _ := strings.Cut(field, ": ")
			w.Header().Set(name, value)
		}
		w.WriteHeader(status)
		io.WriteString(w, body)
	}
}

func TestWrite(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		answers []http.HandlerFunc
		wrong   string // the end of the error, empty: none
		pauses  []time.Duration
	}{
		"taken":          {answers: []http.HandlerFunc{answer(200, "{}")}},
		"no body":        {answers: []http.HandlerFunc{answer(204, "")}},
		"all taken":      {answers: []http.HandlerFunc{answer(200, `{"partialSuccess":{"rejectedLogRecords":"0"}}`)}},
		"busy":           {answers: []http.HandlerFunc{answer(503, ""), answer(429, ""), answer(200, "")}, pauses: seconds(1, 2)},
		"Retry-After":    {answers: []http.HandlerFunc{answer(429, "", "Retry-After: 7"), answer(200, "")}, pauses: seconds(7)},
		"long":           {answers: []http.HandlerFunc{answer(429, "", "Retry-After: 999999"), answer(200, "")}, pauses: seconds(30)},
		"never":          {answers: []http.HandlerFunc{answer(503, "")}, wrong: ": 503 Service Unavailable (after 5 tries)", pauses: seconds(1, 2, 4, 8)},
		"refused":        {answers: []http.HandlerFunc{answer(401, `{"code":16,"message":"no \u001b[2Jkey"}`)}, wrong: `: 401 Unauthorized: no \x1b[2Jkey`},
		"some rejected":  {answers: []http.HandlerFunc{answer(200, `{"partialSuccess":{"rejectedLogRecords":"3","errorMessage":"too old"}}`)}, wrong: ": it has rejected 3 records: too old"},
		"some, a number": {answers: []http.HandlerFunc{answer(200, `{"partialSuccess":{"rejectedLogRecords":3}}`)}, wrong: ": it has rejected 3 records: "},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, pauses := client(t, test.answers...)
			n, err := c.Write([]byte(request))
			if test.wrong == "" && (err != nil || n != len(request)) {
				t.Errorf("%d bytes, %v", n, err)
			}
			if test.wrong != "" && (err == nil || !strings.HasPrefix(err.Error(), "sending to http://127.") || !strings.HasSuffix(err.Error(), test.wrong)) {
				t.Errorf("%v, want %s", err, test.wrong)
			}
			if len(*pauses) != len(test.pauses) {
				t.Fatalf("pauses %s, want %s", *pauses, test.pauses)
			}
			for i, want := range test.pauses {
				if (*pauses)[i] != want {
					t.Errorf("pauses %s, want %s", *pauses, test.pauses)
				}
			}
		})
	}
}

func seconds(ns ...int) (list []time.Duration) {
	for _, n := range ns {
		list = append(list, time.Duration(n)*time.Second)
	}
	return list
}

// TestNobodyListens: the error says what the system says, once.
func TestNobodyListens(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.NotFoundHandler())
	server.Close()
	c, err := New(t.Context(), server.URL+"/own/path", "")
	if err != nil {
		t.Fatal(err)
	}
	c.pause = func(context.Context, time.Duration) error { return nil }
	_, err = c.Write([]byte(request))
	if err == nil || strings.Count(err.Error(), "/own/path") != 1 || !strings.HasSuffix(err.Error(), "connection refused (after 5 tries)") {
		t.Error(err)
	}
}

func TestInterrupted(t *testing.T) {
	t.Parallel()
	c, _ := client(t, answer(503, ""))
	ctx, cancel := context.WithCancel(t.Context())
	c.ctx, c.pause = ctx, func(context.Context, time.Duration) error {
		cancel()
		return ctx.Err()
	}
	if _, err := c.Write([]byte(request)); err == nil || !strings.HasSuffix(err.Error(), ": interrupted") {
		t.Error(err)
	}
}

func TestEndpoint(t *testing.T) {
	t.Parallel()
	for endpoint, want := range map[string]string{
		"http://localhost:4318": "http://localhost:4318/v1/logs", "https://h/": "https://h/v1/logs", "http://h/otlp/v1/logs": "http://h/otlp/v1/logs",
		"localhost:4318": "", "": "", "ftp://h": "", "/path": "",
	} {
		c, err := New(t.Context(), endpoint, "")
		if (err != nil) != (want == "") || err == nil && c.url != want {
			t.Errorf("%q: %v, want %q", endpoint, err, want)
		}
	}
}
