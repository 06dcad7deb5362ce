package portspace

import (
	"time"

	"github.com/porttrace/porttrace/internal/event"
)

// orphans counts how the FIN_WAIT2 buckets of a space went on, some hundred of them: by
// tcp_fin_timeout, without a TIME_WAIT, or with the peer's FIN, which makes one.
type orphans struct{ ended, closed float32 }

// manyOrphans are enough; when more have been counted, the older half counts half.
const manyOrphans = 512

func (o *orphans) halve() {
	if o.ended+o.closed >= manyOrphans {
		o.ended, o.closed = o.ended/2, o.closed/2
	}
}

// noteEnded counts a bucket that is gone, if it waited for the peer's FIN to the end.
func (o *orphans) noteEnded(bucket *Socket) {
	if bucket.State == event.StateTimeWait && bucket.Flags.Has(event.FinWait2) {
		o.halve()
		o.ended++
	}
}

// noteFound counts a bucket that was found again, if the peer's FIN has come since.
func (o *orphans) noteFound(before, found *Socket) {
	if before.State == event.StateTimeWait && found.State == event.StateTimeWait && before.Flags.Has(event.FinWait2) && !found.Flags.Has(event.FinWait2) {
		o.halve()
		o.closed++
	}
}

// FinWait2Life returns for how long the bucket of an orphan takes a port of the space away,
// as they did so far: those that the peer closes have a TIME_WAIT behind them, the others end
// by tcp_fin_timeout. As long as none has gone on, they are taken for the former; least is
// how it is if they are not.
func (s *Space) FinWait2Life() (usual, least time.Duration) {
	kept := s.net.BucketLife()
	timeout := time.Duration(s.net.fact.FinTimeout)
	if timeout <= 0 {
		return kept, kept
	}
	ends := s.net.saturated(s.net.finWaitLength(timeout))
	all := s.orphans.ended + s.orphans.closed
	if all == 0 {
		return kept, min(ends, kept)
	}
	share := float64(s.orphans.ended / all)
	usual = time.Duration(share*float64(ends) + (1-share)*float64(kept))
	return usual, usual
}
