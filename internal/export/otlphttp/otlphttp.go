// Package otlphttp posts OpenTelemetry log records and metrics to a collector (OTLP/HTTP, JSON): a Client one
// after another, a Queue in the background.
package otlphttp

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/porttrace/porttrace/internal/printable"
)

const (
	tries   = 5
	timeout = 10 * time.Second // of one try
	// The pauses between tries are doubled from the first to the longest, which bounds a
	// Retry-After as well.
	firstPause, longestPause = time.Second, 30 * time.Second
	maxAnswer                = 64 << 10 // bytes of an answer that are read
	maxMessage               = 200      // of a message that is shown
)

// Client posts requests to an endpoint. Its Write posts one.
type Client struct {
	ctx     context.Context // of all requests: an io.Writer has none
	url     string
	headers map[string]string
	http    http.Client
	pause   func(context.Context, time.Duration) error
}

// New returns a Client for the URL of a collector; without a path it is that of logs, /v1/logs.
// headers are as in the variable OTEL_EXPORTER_OTLP_HEADERS: name=value,name=value, with escapes of
// URLs.
func New(ctx context.Context, endpoint, headers string) (*Client, error) {
	u, err := url.Parse(endpoint)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, errors.New("must be a URL, as in http://localhost:4318")
	}
	if strings.Trim(u.Path, "/") == "" {
		u.Path = "/v1/logs"
	}
	c := &Client{ctx: ctx, url: u.String(), headers: make(map[string]string), http: http.Client{Timeout: timeout}, pause: pause}
	for field := range strings.SplitSeq(headers, ",") {
		name, value, ok := strings.Cut(strings.TrimSpace(field), "=")
		if text, err := url.PathUnescape(value); ok && err == nil {
			c.headers[strings.TrimSpace(name)] = strings.TrimSpace(text)
		}
	}
	return c, nil
}

func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}

// temporary is a failure after which another try can help.
type temporary struct {
	error
	after time.Duration // that the endpoint asks for; 0: none
}

// Write posts a request, again if that may help.
func (c *Client) Write(request []byte) (int, error) {
	next := firstPause
	for try := 1; ; try++ {
		err := c.post(request)
		var again temporary
		switch {
		case err == nil:
			return len(request), nil
		case c.ctx.Err() != nil:
			return 0, fmt.Errorf("sending to %s: interrupted", c.url)
		case !errors.As(err, &again):
			return 0, fmt.Errorf("sending to %s: %w", c.url, err)
		case try == tries:
			return 0, fmt.Errorf("sending to %s: %w (after %d tries)", c.url, err, tries)
		}
		if err := c.pause(c.ctx, min(max(next, again.after), longestPause)); err != nil {
			return 0, fmt.Errorf("sending to %s: interrupted", c.url)
		}
		next *= 2
	}
}

func (c *Client) post(body []byte) error {
	request, err := http.NewRequestWithContext(c.ctx, http.MethodPost, c.url, bytes.NewReader(body))
	if err != nil {
		return err
	}
	for name, value := range c.headers {
		request.Header.Set(name, value)
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := c.http.Do(request)
	if err != nil {
		var u *url.Error
		if errors.As(err, &u) {
			err = u.Err // the rest repeats the URL
		}
		return temporary{error: err}
	}
	defer response.Body.Close()
	answer, _ := io.ReadAll(io.LimitReader(response.Body, maxAnswer)) // a part of a message is better than none
	switch response.StatusCode {
	case http.StatusOK, http.StatusAccepted, http.StatusNoContent:
		return rejected(answer)
	case http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		seconds, _ := strconv.Atoi(response.Header.Get("Retry-After")) // a date is as good as none
		return temporary{said(response.Status, answer), time.Duration(min(max(seconds, 0), int(longestPause/time.Second))) * time.Second}
	}
	return said(response.Status, answer)
}

// rejected returns an error if the endpoint has not taken all of it.
func rejected(answer []byte) error {
	var a struct {
		PartialSuccess struct {
			Records json.RawMessage `json:"rejectedLogRecords"` // a string of digits, or a number
			Points  json.RawMessage `json:"rejectedDataPoints"`
			Message string          `json:"errorMessage"`
		} `json:"partialSuccess"`
	}
	if json.Unmarshal(answer, &a) != nil { // an answer need not be JSON
		return nil
	}
	for what, count := range map[string]json.RawMessage{"records": a.PartialSuccess.Records, "data points": a.PartialSuccess.Points} {
		if n := strings.Trim(string(count), `"`); n != "" && n != "0" {
			return fmt.Errorf("it has rejected %s %s: %s", shown(n), what, shown(a.PartialSuccess.Message))
		}
	}
	return nil
}

// said is an error with the status, and with what the answer says of it.
func said(status string, answer []byte) error {
	var a struct {
		Message string `json:"message"`
	}
	message := string(answer)
	if json.Unmarshal(answer, &a) == nil && a.Message != "" {
		message = a.Message
	}
	if message = strings.TrimSpace(message); message == "" {
		return errors.New(shown(status))
	}
	return errors.New(shown(status) + ": " + shown(message))
}

// shown is text of the endpoint, inert and short.
func shown(text string) string {
	if len(text) > maxMessage {
		text = text[:maxMessage]
	}
	return printable.String(text)
}
