// Package conntrack takes the place of github.com/mwitkow/go-conntrack (see go.mod), of which the module
// prometheus/common uses four functions in its HTTP client, which porttrace does not use: what the exporter toolkit
// needs of prometheus/common are paths and secrets. The original counts dials, and registers pages at
// http.DefaultServeMux which call methods by their names, for which the linker keeps all methods of the program:
// 3 MB.
package conntrack

import (
	"context"
	"net"
)

type dialFunc = func(ctx context.Context, network, address string) (net.Conn, error)

// option is the function that dials, nil for the default.
type option dialFunc

// NewDialContextFunc returns the function of DialWithDialContextFunc, or else that of a net.Dialer.
func NewDialContextFunc(options ...option) dialFunc {
	for _, o := range options {
		if o != nil {
			return dialFunc(o)
		}
	}
	return new(net.Dialer).DialContext
}

// DialWithDialContextFunc is an option for how to dial.
func DialWithDialContextFunc(dial dialFunc) option { return option(dial) }

// DialWithName is an option without effect: nothing is counted.
func DialWithName(string) option { return nil }

// DialWithTracing is an option without effect: nothing is traced.
func DialWithTracing() option { return nil }
