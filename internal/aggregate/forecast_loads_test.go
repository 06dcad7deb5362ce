package aggregate

import (
	"math"
	"time"

	"github.com/porttrace/porttrace/internal/event"
)

// program is a load on a simulated namespace.
type program struct {
	k    *simulated
	gap  func() time.Duration // to the next connect()
	open func() opening
	ends time.Duration // 0: never
}

// start makes connections from now on.
func (p *program) start() {
	var next func()
	next = func() {
		if p.ends != 0 && p.k.now >= p.ends {
			return
		}
		p.k.connect(p.open())
		p.k.in(p.gap(), next)
	}
	p.k.in(p.gap(), next)
}

func perSecond(rate float64) time.Duration { return time.Duration(float64(time.Second) / rate) }

// between returns a random number, small ones as likely as great ones.
func (k *simulated) between(low, high float64) float64 {
	return low * math.Exp(k.random.Float64()*math.Log(high/low))
}

func (k *simulated) steady(rate float64) func() time.Duration {
	return func() time.Duration { return perSecond(rate) }
}

func (k *simulated) poisson(rate float64) func() time.Duration {
	return func() time.Duration { return time.Duration(k.random.ExpFloat64() * float64(perSecond(rate))) }
}

// arrivals is one of these.
func (k *simulated) arrivals(rate float64) func() time.Duration {
	if k.random.IntN(2) == 0 {
		return k.steady(rate)
	}
	return k.poisson(rate)
}

// lifetimes returns random ones of some kind, of a mean.
func (k *simulated) lifetimes(mean time.Duration) func() time.Duration {
	if k.random.IntN(2) == 0 {
		return func() time.Duration { return mean }
	}
	return func() time.Duration { return time.Duration(k.random.ExpFloat64() * float64(mean)) }
}

// seconds returns a random duration.
func (k *simulated) seconds(low, high float64) time.Duration {
	return time.Duration(k.between(low, high) * float64(time.Second))
}

// toWeb opens connections to one destination.
func (k *simulated) toWeb(lasts func() time.Duration, timeWait bool) func() opening {
	return func() opening { return opening{to: web, lasts: lasts(), timeWait: timeWait} }
}

// rate returns a random one that is up to a few times what the ports sustain, or less.
func (k *simulated) rate(held time.Duration) float64 {
	return float64(k.ports) / held.Seconds() * k.between(0.3, 8)
}

// forecastLoad is a kind of load. load starts one on a namespace, with what it takes from
// its random numbers; endless says that the truth is what would be if no owner ended.
type forecastLoad struct {
	name string
	load func(k *simulated, endless bool)
}

var forecastLoads = []forecastLoad{
	{"constant", func(k *simulated, _ bool) {
		life := k.lifetimes(k.seconds(0.005, 2))
		(&program{k: k, gap: k.steady(k.rate(62 * time.Second)), open: k.toWeb(life, true)}).start()
	}},
	{"by chance (Poisson)", func(k *simulated, _ bool) {
		life := k.lifetimes(k.seconds(0.005, 20))
		(&program{k: k, gap: k.poisson(k.rate(65 * time.Second)), open: k.toWeb(life, true)}).start()
	}},
	{"bursts", burstLoad},
	{"a pool opened at once", poolLoad},
	{"on and off", onOffLoad},
	{"a ramp", rampLoad},
	{"a leak", leakLoad},
	{"mixed lifetimes", mixedLoad},
	{"the owner ends", func(k *simulated, endless bool) {
		p := &program{k: k, ends: k.seconds(5, 60)}
		p.gap, p.open = k.arrivals(k.rate(62*time.Second)), k.toWeb(k.lifetimes(k.seconds(0.01, 1)), true)
		if endless {
			p.ends = 0
		}
		k.ends = p.ends
		p.start()
	}},
	{"several programs", func(k *simulated, _ bool) {
		for range 2 + k.random.IntN(4) {
			early := k.random.IntN(3) == 0
			open := k.toWeb(k.lifetimes(k.seconds(0.01, 10)), true)
			p := &program{k: k, gap: k.arrivals(k.rate(62*time.Second) / 4), open: func() opening {
				o := open()
				o.early = early
				return o
			}}
			k.in(k.seconds(0.01, 10), p.start)
		}
	}},
	{"early bind, many destinations", func(k *simulated, _ bool) {
		n, i := 2+k.random.IntN(12), 0
		life := k.lifetimes(k.seconds(0.01, 10))
		(&program{k: k, gap: k.arrivals(k.rate(65 * time.Second)), open: func() opening {
			i++
			return opening{to: event.Endpoint{Addr: web.Addr, Port: uint16(80 + i%n)}, early: true, lasts: life(), timeWait: true}
		}}).start()
	}},
	{"TIME_WAIT that is reused", func(k *simulated, _ bool) {
		k.reuse = true
		life := k.lifetimes(k.seconds(0.01, 5))
		(&program{k: k, gap: k.arrivals(k.rate(4 * time.Second)), open: k.toWeb(life, true)}).start()
	}},
	{"small tcp_max_tw_buckets", func(k *simulated, _ bool) {
		k.most = int(float64(k.ports) * k.between(0.1, 0.9))
		life := k.lifetimes(k.seconds(0.01, 10))
		(&program{k: k, gap: k.arrivals(k.rate(62 * time.Second)), open: k.toWeb(life, true)}).start()
	}},
}

// burstLoad opens many connections in a moment, again and again.
func burstLoad(k *simulated, _ bool) {
	size, pause := int(float64(k.ports)*k.between(0.03, 0.3)), k.seconds(3, 40)
	open := k.toWeb(k.lifetimes(k.seconds(0.01, 3)), true)
	var burst func()
	burst = func() {
		for range size {
			k.in(k.seconds(0.001, 0.3), func() { k.connect(open()) })
		}
		k.in(time.Duration(float64(pause)*(0.7+0.6*k.random.Float64())), burst)
	}
	k.in(time.Second, burst)
}

// poolLoad opens connections at once that stay, beside few others or none.
func poolLoad(k *simulated, _ bool) {
	forever := func() time.Duration { return -1 }
	within := k.between(0.01, 2)
	for range int(float64(k.ports) * k.between(0.1, 0.9)) {
		k.in(time.Second+k.seconds(0.001, within), func() { k.connect(k.toWeb(forever, false)()) })
	}
	if k.random.IntN(2) == 0 {
		(&program{k: k, gap: k.arrivals(k.between(0.2, 3)), open: k.toWeb(k.lifetimes(k.seconds(0.01, 1)), true)}).start()
	}
}

// onOffLoad opens at a rate for a time, then nothing, again and again.
func onOffLoad(k *simulated, _ bool) {
	on, off := k.seconds(2, 20), k.seconds(2, 20)
	rate := k.rate(62 * time.Second)
	gap := k.arrivals(rate)
	(&program{k: k, open: k.toWeb(k.lifetimes(k.seconds(0.01, 2)), true), gap: func() time.Duration {
		d := gap()
		if (k.now+d)%(on+off) > on {
			d = (k.now+d)/(on+off)*(on+off) + on + off - k.now
		}
		return d
	}}).start()
}

// rampLoad opens ever faster up to a rate.
func rampLoad(k *simulated, _ bool) {
	full, over := k.rate(40*time.Second), k.seconds(20, 200)
	(&program{k: k, open: k.toWeb(k.lifetimes(k.seconds(0.01, 2)), true), gap: func() time.Duration {
		rate := full * max(min(k.now.Seconds()/over.Seconds(), 1), 0.02)
		return time.Duration(k.random.ExpFloat64() * float64(perSecond(rate)))
	}}).start()
}

// leakLoad has connections that are never closed, all of them or a share.
func leakLoad(k *simulated, _ bool) {
	share := 1.0
	if k.random.IntN(2) == 0 {
		share = k.between(0.05, 1)
	}
	life := k.lifetimes(k.seconds(0.005, 0.5))
	timeWait := k.random.IntN(2) == 0
	rate := k.between(0.3, 30)
	(&program{k: k, gap: k.arrivals(rate), open: func() opening {
		if k.random.Float64() < share {
			return opening{to: web, lasts: -1}
		}
		return opening{to: web, lasts: life(), timeWait: timeWait}
	}}).start()
}

// mixedLoad has some short connections and some long ones, closed by either end.
func mixedLoad(k *simulated, _ bool) {
	short, long := k.lifetimes(k.seconds(0.005, 1)), k.lifetimes(k.seconds(5, 90))
	share, closes := k.between(0.02, 0.5), k.random.Float64()
	(&program{k: k, gap: k.arrivals(k.rate(60 * time.Second)), open: func() opening {
		o := opening{to: web, lasts: short(), timeWait: k.random.Float64() < closes}
		if k.random.Float64() < share {
			o.lasts = long()
		}
		return o
	}}).start()
}
