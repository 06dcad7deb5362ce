package main

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	logs "go.opentelemetry.io/proto/otlp/logs/v1"
	"google.golang.org/protobuf/proto"
)

const exactRecording = "../../internal/record/testdata/versions/v1-exact-6.12.ptrace"

// TestExportToEndpoint: a collector gets each failure once, in batches.
func TestExportToEndpoint(t *testing.T) {
	var failures, requests atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		var request logs.LogsData
		body, err := io.ReadAll(r.Body)
		if err == nil {
			err = proto.Unmarshal(body, &request)
		}
		if err != nil {
			t.Error(err)
			return
		}
		requests.Add(1)
		for _, record := range request.ResourceLogs[0].ScopeLogs[0].LogRecords {
			if strings.HasSuffix(record.EventName, "_fail") {
				failures.Add(1)
			}
		}
	}))
	defer server.Close()
	root := rootCommand()
	root.SetArgs([]string{"export", exactRecording, "-f", "otlp", "--endpoint", server.URL})
	if err := root.ExecuteContext(t.Context()); err != nil {
		t.Fatal(err)
	}
	const want = 2744 // lines of export --kind connect_fail,bind_fail
	if failures.Load() != want || requests.Load() != (want+511)/512 {
		t.Errorf("%d failures in %d requests, want %d", failures.Load(), requests.Load(), want)
	}
}

// TestEndpointRefuses: what a collector says is one line.
func TestEndpointRefuses(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusForbidden)
		if err := json.NewEncoder(w).Encode(map[string]string{"message": "no\akey"}); err != nil {
			t.Error(err)
		}
	}))
	defer server.Close()
	root := rootCommand()
	root.SetArgs([]string{"export", exactRecording, "-f", "otlp", "--endpoint", server.URL})
	err := root.ExecuteContext(t.Context())
	if want := server.URL + `/v1/logs: 403 Forbidden (body: {"message":"no\u0007key"})`; err == nil || !strings.HasSuffix(err.Error(), want) {
		t.Errorf("%v, want %s", err, want)
	}
}
