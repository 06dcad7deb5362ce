package doctor

import (
	"strings"
	"testing"
	"time"

	"github.com/porttrace/porttrace/internal/event"
)

// exhausted is a program that wants a hundred connections a second more than there are ports.
func (h *host) exhausted(from, until time.Duration) {
	each(from, until, 100, func(at time.Duration, _ int) { h.noPort(at) })
}

func TestSpaces(t *testing.T) {
	t.Parallel()
	const second = time.Second
	for _, tc := range []struct {
		name       string
		low, high  uint16
		load       func(h *host)
		until      time.Duration
		id         string
		severity   Severity
		confidence Confidence
		says       string
		victim     string
	}{
		{"a connection for each request", 40000, 40999, func(h *host) {
			each(0, 10*second, 100, func(at time.Duration, n int) {
				h.connect(connection{at: at, life: time.Millisecond, port: 40000 + uint16(n)})
			})
			h.exhausted(10*second, 30*second)
		}, 30 * second, "churn:shop:10.0.0.2:80", Critical, Proved, "TIME_WAIT, 60 s each", "shop"},
		{"never closed", 40000, 40999, func(h *host) {
			each(0, 25*second, 40, func(at time.Duration, n int) { h.connect(connection{at: at, life: -1, port: 40000 + uint16(n)}) })
			h.exhausted(25*second, 30*second)
		}, 30 * second, "leak:shop:10.0.0.2:80", Critical, Proved, "has closed none", "shop"},
		{"never closed, in a range that is taken before ten seconds are over", 40000, 40159, func(h *host) {
			each(0, 8*second, 20, func(at time.Duration, n int) { h.connect(connection{at: at, life: -1, port: 40000 + uint16(n)}) })
			h.exhausted(8*second, 30*second)
		}, 30 * second, "leak:shop:10.0.0.2:80", Critical, Proved, "has closed none", "shop"},
		{"never closed, until the program ends while calls fail", 40000, 40999, func(h *host) {
			each(0, 25*second, 40, func(at time.Duration, n int) {
				h.connect(connection{at: at, life: 30*second + 300*time.Millisecond - at, port: 40000 + uint16(n)})
			})
			h.exhausted(25*second, 30*second+200*time.Millisecond)
		}, 36 * second, "leak:shop:10.0.0.2:80", Critical, Proved, "has closed none", "shop"},
		{"never closed, and not full yet", 40000, 40999, func(h *host) {
			each(0, 20*second, 40, func(at time.Duration, n int) { h.connect(connection{at: at, life: -1, port: 40000 + uint16(n)}) })
		}, 20 * second, "leak:shop:10.0.0.2:80", Warning, Likely, "the last port will be taken in", ""},
		{"never closed, a quarter taken, most of it before start", 40000, 40999, func(h *host) {
			for n := range 200 {
				h.openBefore(40000 + uint16(n))
			}
			each(0, 11*second, 8, func(at time.Duration, n int) { h.connect(connection{at: at, life: -1, port: 40200 + uint16(n)}) })
		}, 11 * second, "leak:shop:10.0.0.2:80", Warning, Likely, "if it goes on like that", ""},
		{"never closed, 48 % taken", 40000, 40999, func(h *host) {
			for n := range 140 {
				h.openBefore(40000 + uint16(n))
			}
			each(0, 11*second, 31, func(at time.Duration, n int) { h.connect(connection{at: at, life: -1, port: 40140 + uint16(n)}) })
		}, 11 * second, "leak:shop:10.0.0.2:80", Warning, Likely, "the last port will be taken in", ""},
		{"a connection for each request, a fifth taken", 32768, 60999, func(h *host) {
			each(0, 12*second, 500, func(at time.Duration, n int) {
				h.connect(connection{at: at, life: time.Millisecond, port: 32768 + uint16(n)})
			})
		}, 12 * second, "churn:shop:10.0.0.2:80", Warning, Likely, "the last port will be taken in", ""},
		{"the other end has closed", 40000, 40999, func(h *host) {
			each(0, 25*second, 40, func(at time.Duration, n int) {
				h.connect(connection{at: at, life: -1, port: 40000 + uint16(n)})
				cookie := h.cookie
				h.add(at+second, event.EnterCloseWait, func(e *event.Event) { e.Src.Port, e.Cookie = 40000+uint16(n), cookie })
			})
			h.exhausted(25*second, 30*second)
		}, 30 * second, "close_wait_leak:shop:10.0.0.2:80", Critical, Proved, "CLOSE_WAIT", "shop"},
		{"a pool that is too large", 32768, 34767, func(h *host) {
			for n := range 2000 {
				h.connect(connection{at: time.Duration(n) * time.Millisecond, life: -1, port: 32768 + uint16(n)})
			}
			h.exhausted(2*second, 3*second)
		}, 30 * second, "burst:shop:10.0.0.2:80", Critical, Proved, "at the same time", "shop"},
		{"a batch that is over at once", 32768, 34767, func(h *host) {
			for n := range 2000 {
				h.connect(connection{at: second + time.Duration(n)*100*time.Microsecond, life: 400 * time.Millisecond, port: 32768 + uint16(n), remote: true})
			}
			h.exhausted(1210*time.Millisecond, 1300*time.Millisecond)
		}, 30 * second, "burst:shop:10.0.0.2:80", Critical, Proved, "at once than there are ports: 2,000 within 5 s", "shop"},
		{"a healthy pool in a narrow range", 40000, 40199, func(h *host) {
			each(0, 20*second, 10, func(at time.Duration, n int) { h.connect(connection{at: at / 20, life: -1, port: 40000 + uint16(n)}) })
			h.exhausted(2*second, 3*second)
		}, 30 * second, "narrow_range:shop:10.0.0.2:80", Critical, Proved, "200 ports", "shop"},
		{"reserved ports", 32768, 60999, func(h *host) {
			h.net.Reserved = "33000-60999"
			each(0, 20*second, 30, func(at time.Duration, n int) {
				if n < 232 {
					h.connect(connection{at: at / 20, life: -1, port: 32768 + uint16(n)})
				}
			})
			h.exhausted(2*second, 3*second)
		}, 30 * second, "reserved_range:shop:10.0.0.2:80", Critical, Proved, "28,000 of the 28,232 ports", "shop"},
		{"ports that another program has bound", 40000, 40199, func(h *host) {
			for n := range 180 {
				port := 40000 + uint16(n)
				h.add(0, event.Bind, func(e *event.Event) { e.Proc, e.Src.Port, e.Dst = cache, port, event.Endpoint{} })
				h.connect(connection{at: time.Millisecond, life: -1, proc: cache, port: port, to: endpoint("10.0.0.7:6379"), flags: event.EarlyBind})
			}
			for n := range 20 {
				h.connect(connection{at: second, life: -1, port: 40180 + uint16(n)})
			}
			h.exhausted(2*second, 4*second)
		}, 20 * second, "early_bind:cache", Critical, Proved, "180 of 200 ports are lost to every connect()", "shop"},
		{"ports that another program bound, most of them before start", 40000, 40199, func(h *host) {
			for n := range 170 {
				h.boundBefore(40000+uint16(n), endpoint("10.0.0.7:6379"))
			}
			for n := range 10 {
				port := 40170 + uint16(n)
				h.add(0, event.Bind, func(e *event.Event) { e.Proc, e.Src.Port, e.Dst = cache, port, event.Endpoint{} })
				h.connect(connection{at: second, life: time.Millisecond, proc: cache, port: port, to: endpoint("10.0.0.7:6379"), flags: event.EarlyBind})
			}
			for n := range 20 {
				h.connect(connection{at: second, life: time.Millisecond, port: 40180 + uint16(n)})
			}
			h.exhausted(2*second, 15*second)
		}, 15 * second, "early_bind:cache", Critical, Proved, "180 of 200 ports are lost to every connect()", "shop"},
		{"a program that finds no port to bind, and one that so cannot connect", 40000, 40199, func(h *host) {
			for n := range 200 {
				h.boundBefore(40000+uint16(n), endpoint("10.0.0.7:6379"))
			}
			each(0, 15*second, 10, func(at time.Duration, _ int) {
				h.fail(at, event.OpBind, event.RangeExhausted, event.EADDRINUSE, func(e *event.Event) { e.Proc = cache })
			})
			h.exhausted(0, 15*second)
		}, 15 * second, "early_bind:cache", Critical, Proved, "all 200 ports are lost to every connect()", "shop"},
		{"a port bound for each connection to four destinations", 40000, 40399, func(h *host) {
			each(0, 4*second, 100, func(at time.Duration, n int) {
				port, to := 40000+uint16(n), endpoint("10.0.0.7:6379")
				to.Port += uint16(n % 4)
				h.add(at, event.Bind, func(e *event.Event) { e.Src.Port, e.Dst = port, event.Endpoint{} })
				h.connect(connection{at: at + time.Millisecond, life: 100 * time.Millisecond, port: port, to: to, flags: event.EarlyBind})
			})
			each(4*second, 9*second, 50, func(at time.Duration, _ int) {
				h.fail(at, event.OpBind, event.RangeExhausted, event.EADDRINUSE, asIs)
			})
		}, 30 * second, "early_bind:shop", Critical, Proved, "before each connect()", "shop"},
		{"bind() to port 0 whose ports were gone before start", 40000, 40255, func(h *host) {
			for n := range 256 {
				to := endpoint("10.0.0.7:6379")
				to.Port += uint16(n % 4)
				h.bucketBefore(40000+uint16(n), to)
			}
			each(0, 15*second, 10, func(at time.Duration, _ int) {
				h.fail(at, event.OpBind, event.RangeExhausted, event.EADDRINUSE, asIs)
			})
		}, 15 * second, "early_bind:shop", Critical, Proved, "shop (pid 100) calls bind() to 10.0.0.1 and port 0", "shop"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			h := newHost(tc.low, tc.high)
			tc.load(h)
			findings, _ := h.run(t, tc.until)
			f := only(t, findings)
			if f.ID != tc.id || f.Severity != tc.severity || f.Confidence != tc.confidence || !strings.Contains(f.Summary, tc.says) {
				t.Errorf("%s %s %s: %s", f.Severity, f.Confidence, f.ID, f.Summary)
			}
			if len(f.Evidence) < 2 {
				t.Errorf("evidence %+v", f.Evidence)
			}
			victim := ""
			if len(f.Victims) > 0 {
				victim = programOf(&f.Victims[0].Proc)
			}
			if victim != tc.victim {
				t.Errorf("victims %+v", f.Victims)
			}
			t.Log(f.Summary)
		})
	}
}

// Healthy loads have no finding.
func TestHealthySpaces(t *testing.T) {
	t.Parallel()
	const second = time.Second
	for _, tc := range []struct {
		name      string
		low, high uint16
		until     time.Duration
		load      func(h *host)
	}{
		{"28,000 in TIME_WAIT over 40 destinations", 32768, 60999, 70 * second, func(h *host) {
			each(0, 62*second, 460, func(at time.Duration, n int) {
				to := endpoint("10.0.1.1:443")
				to.Addr[15] += byte(n % 40)
				h.connect(connection{at: at, life: time.Millisecond, port: 32768 + uint16(n%28232), to: to})
			})
		}},
		{"a pool that fills most of a narrow range", 40000, 40199, 70 * second, func(h *host) {
			for n := range 185 {
				h.connect(connection{at: time.Duration(n) * 10 * time.Millisecond, life: -1, port: 40000 + uint16(n)})
			}
		}},
		{"seen for too short", 40000, 40999, 8 * second, func(h *host) {
			each(0, 8*second, 100, func(at time.Duration, n int) {
				h.connect(connection{at: at, life: time.Millisecond, port: 40000 + uint16(n)})
			})
		}},
		{"a pool that grows to a quarter", 40000, 40999, 13 * second, func(h *host) {
			each(0, 13*second, 20, func(at time.Duration, n int) { h.connect(connection{at: at, life: -1, port: 40000 + uint16(n)}) })
		}},
		{"a batch that begins", 32768, 60999, 12 * second, func(h *host) {
			each(0, 10*second, 2, func(at time.Duration, n int) {
				h.connect(connection{at: at, life: time.Millisecond, port: 32768 + uint16(n)})
			})
			each(10*second, 12*second, 3000, func(at time.Duration, n int) {
				h.connect(connection{at: at, life: time.Millisecond, port: 33000 + uint16(n)})
			})
		}},
		{"a rate that the range sustains", 40000, 40999, 130 * second, func(h *host) {
			each(0, 130*second, 12, func(at time.Duration, n int) {
				h.connect(connection{at: at, life: time.Millisecond, port: 40000 + uint16(n%1000)})
			})
		}},
		{"refused by one backend that is down", 32768, 60999, 20 * second, func(h *host) {
			each(0, 20*second, 5, func(at time.Duration, n int) {
				h.connect(connection{at: at, life: -1, port: 40000 + uint16(n)})
				cookie := h.cookie
				h.fail(at+time.Millisecond, event.OpConnect, event.Refused, event.ECONNREFUSED, func(e *event.Event) {
					e.Src.Port, e.Cookie, e.Flags = 40000+uint16(n), cookie, event.HadPort
				})
			})
		}},
		{"the slower one of two addresses", 32768, 60999, 20 * second, func(h *host) {
			each(0, 20*second, 5, func(at time.Duration, n int) {
				h.connect(connection{at: at, life: -1, port: 40000 + uint16(n)})
				cookie := h.cookie
				h.fail(at+300*time.Millisecond, event.OpConnect, event.GivenUp, 0, func(e *event.Event) {
					e.Src.Port, e.Cookie, e.Flags = 40000+uint16(n), cookie, event.HadPort
				})
			})
		}},
		{"a scanner of ports", 32768, 60999, 20 * second, func(h *host) {
			each(0, 10*second, 20, func(at time.Duration, n int) {
				to := web
				to.Port = uint16(1 + n%50)
				h.connect(connection{at: at, life: -1, port: 40000 + uint16(n), to: to})
				cookie := h.cookie
				h.fail(at+2*second, event.OpConnect, event.GivenUp, 0, func(e *event.Event) {
					e.Src.Port, e.Dst, e.Cookie, e.Flags = 40000+uint16(n), to, cookie, event.HadPort|event.Unanswered
				})
			})
		}},
		{"a bind space full of connections, of which no bind() complains", 40000, 40099, 20 * second, func(h *host) {
			h.add(0, event.Bind, func(e *event.Event) { e.Proc, e.Src.Port, e.Dst = cache, 40000, event.Endpoint{} })
			for n := range 98 {
				to := web
				to.Port += uint16(n % 5)
				h.connect(connection{at: second, life: time.Second, port: 40001 + uint16(n), to: to})
			}
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			h := newHost(tc.low, tc.high)
			tc.load(h)
			findings, _ := h.run(t, tc.until)
			for _, f := range urgent(findings) {
				t.Errorf("%s %s: %s", f.Severity, f.ID, f.Summary)
			}
		})
	}
}
