package main

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	logs "go.opentelemetry.io/proto/otlp/logs/v1"
	"google.golang.org/protobuf/proto"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/pipeline"
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

// TestInterruptedExport: of a Parquet file nothing is left, lines stay as far as they go.
func TestInterruptedExport(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for format, kept := range map[string]bool{"parquet": false, "jsonl": true} {
		recording, err := openFiles([]string{exactRecording})
		if err != nil {
			t.Fatal(err)
		}
		defer recording.close()
		target := exportTarget{file: filepath.Join(t.TempDir(), "out")}
		to, err := target.open(t.Context(), format)
		if err != nil {
			t.Fatal(err)
		}
		out, err := new(printFlags).printer(event.PrintedKinds(), format, to, time.UTC, true)
		if err != nil {
			t.Fatal(err)
		}
		err = to.close(out.export(ctx, recording, pipeline.Options{}))
		if _, statErr := os.Stat(target.file); (statErr == nil) != kept || (err == nil) != kept {
			t.Errorf("%s: %v; the file: %v", format, err, statErr)
		}
	}
}
