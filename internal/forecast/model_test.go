package forecast

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/porttrace/porttrace/internal/event"
)

// randomLoad is near the limit of a space of a thousand ports as often as not.
func randomLoad(r *rand.Rand) Load {
	l := Load{
		Rate: r.ExpFloat64() * 16, Dispersion: r.Float64(), Lifetime: time.Duration(r.ExpFloat64() * float64(10*time.Second)),
		Closed: uint64(r.IntN(3) * r.IntN(1000)), TimeWaitShare: r.Float64(), BucketLife: time.Duration(1+r.IntN(61)) * time.Second,
		Rise: r.NormFloat64() * float64(r.IntN(2)), RiseError: r.Float64() / 10,
	}
	l.LowRate, l.HighRate = l.Rate*r.Float64(), l.Rate*(1+r.Float64())
	if r.IntN(4) == 0 {
		l.LeakShare = r.Float64()
	}
	if r.IntN(8) == 0 {
		l.Rate, l.LowRate, l.HighRate = 0, 0, 0
	}
	if r.IntN(4) == 0 {
		l.LongLife, l.LeastBucketLife = 2*l.Lifetime, l.BucketLife/2
	}
	l.Open, l.Buckets = r.IntN(300), r.IntN(300)
	l.Draining = r.IntN(l.Open + 1)
	for left := l.Buckets; left > 0 && len(l.Expiring) < 60; {
		n := r.IntN(left + 1)
		l.Expiring, left = append(l.Expiring, n), left-n
	}
	return l
}

func randomInputs(r *rand.Rand) Inputs {
	in := Inputs{Occupancy: event.Occupancy{Capacity: 200 + r.IntN(2000)}, Load: randomLoad(r), Watched: time.Duration(r.IntN(100)) * time.Second}
	in.Live, in.TimeWait = in.Open, in.Buckets
	if r.IntN(3) == 0 {
		other := randomLoad(r)
		in.Elsewhere, in.Bound, in.TimeWait = &other, other.Open, in.TimeWait+other.Buckets
	}
	if r.IntN(5) == 0 {
		in.MaxBuckets = 1 + r.IntN(1000)
	}
	if r.IntN(10) == 0 {
		in.BoundRate = r.Float64()
	}
	return in
}

// TestSteps: what follows the formula after the last step comes when many more steps find it.
func TestSteps(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 1))
	later := 0
	for range 500 {
		in := randomInputs(r)
		for _, s := range []scenario{usual, worst, best, doubtful} {
			m, long := in.newModel(s), in.newModel(s)
			if m.opens()+m.bound <= 0 {
				continue
			}
			long.steps = 60_000
			after, is := m.simulate()
			want, wanted := long.simulate()
			if off := (after - want).Abs(); is != wanted || off > time.Second/2 && off.Seconds() > 0.02*want.Seconds() {
				t.Fatalf("%+v in scenario %d, %d steps: full %v after %s, with many more %v after %s", in, s, m.steps, is, after, wanted, want)
			}
			if is && after.Seconds() > float64(m.steps)*step {
				later++
			}
		}
	}
	if later < 200 {
		t.Errorf("%d cases were full after the last step", later)
	}
}

// TestStaysBelow: what needs no step has the result of all steps.
func TestStaysBelow(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 1))
	clear, full := 0, 0
	for range 20_000 {
		in := randomInputs(r)
		for _, s := range []scenario{usual, worst, best, doubtful} {
			below := in.newModel(s).staysBelow()
			after, is := in.newModel(s).simulate()
			if is {
				full++
			}
			if !below {
				continue
			}
			if clear++; is {
				t.Fatalf("%+v: full after %s in scenario %d", in, after, s)
			}
		}
	}
	if clear < 10_000 || full < 10_000 {
		t.Errorf("%d cases were clear, %d became full", clear, full)
	}
}
