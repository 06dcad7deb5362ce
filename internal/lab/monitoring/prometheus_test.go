package monitoring

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/porttrace/porttrace/internal/lab/need"
)

// prometheus is a running server.
type prometheus struct {
	*process
	url string
}

// startPrometheus starts one that scrapes a target, with rules.
func startPrometheus(t *testing.T, target, rules string) *prometheus {
	t.Helper()
	path, dir, address := need.Program(t, "prometheus"), t.TempDir(), freeAddress(t)
	config := filepath.Join(dir, "prometheus.yml")
	noError(t,
		os.WriteFile(config, []byte(configFor(target)), 0o600),
		os.WriteFile(filepath.Join(dir, "rules.yml"), []byte(rules), 0o600))
	p := startProcess(t, path, "--config.file="+config, "--storage.tsdb.path="+filepath.Join(dir, "data"),
		"--web.listen-address="+address, "--log.level=warn")
	m := &prometheus{p, "http://" + address}
	p.await(t, "it scrapes", func() bool {
		samples, err := m.query(`up{job="porttrace"} == 1`, time.Time{})
		return err == nil && len(samples) == 1
	})
	return m
}

// get returns the body of an answer.
func get(url string) ([]byte, error) {
	response, err := http.Get(url)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s", response.Status, body)
	}
	return body, err
}

// ask decodes the data of an answer of the API.
func (m *prometheus) ask(path string, values url.Values, data any) error {
	body, err := get(m.url + path + "?" + values.Encode())
	if err != nil {
		return err
	}
	answer := struct{ Data any }{data}
	return json.Unmarshal(body, &answer)
}

// sample is a series with its last value.
type sample struct {
	Metric map[string]string
	Value  [2]any
}

// number returns the value.
func (s *sample) number() float64 {
	text, _ := s.Value[1].(string)
	n, _ := strconv.ParseFloat(text, 64)
	return n
}

// query returns the result of an expression; at no time: now.
func (m *prometheus) query(expr string, at time.Time) ([]sample, error) {
	values := url.Values{"query": {expr}}
	if !at.IsZero() {
		values.Set("time", strconv.FormatFloat(float64(at.UnixMilli())/1e3, 'f', 3, 64))
	}
	var data struct{ Result []sample }
	err := m.ask("/api/v1/query", values, &data)
	return data.Result, err
}

// value returns the only sample of an expression, false if there is none.
func (m *prometheus) value(t *testing.T, expr string) (float64, bool) {
	t.Helper()
	samples, err := m.query(expr, time.Time{})
	noError(t, err)
	if len(samples) != 1 {
		return 0, false
	}
	return samples[0].number(), true
}

// alert is one that is pending or fires.
type alert struct {
	Labels      map[string]string
	Annotations map[string]string
	State       string
}

// firing returns the firing alerts of a name whose labels have these values.
func (m *prometheus) firing(t *testing.T, name string, labels map[string]string) (list []alert) {
	t.Helper()
	var data struct{ Alerts []alert }
	noError(t, m.ask("/api/v1/alerts", nil, &data))
	for _, a := range data.Alerts {
		matches := a.State == "firing" && a.Labels["alertname"] == name
		for key, value := range labels {
			matches = matches && a.Labels[key] == value
		}
		if matches {
			list = append(list, a)
		}
	}
	return list
}
