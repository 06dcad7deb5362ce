package record

import (
	"google.golang.org/protobuf/encoding/protowire"

	"github.com/porttrace/porttrace/internal/event"
)

// readNextFact gives the event the next of the frame's facts.
func (d *decoder) readNextFact(e *event.Event) error {
	if len(d.facts) == 0 {
		return errMalformed
	}
	message := d.facts[0]
	d.facts = d.facts[1:]
	return eachField(message, func(n protowire.Number, _ uint64, b []byte) error {
		if n == factUDP {
			fact, err := d.readUDP(b)
			e.Fact = fact
			return err
		}
		fact, err := readFact(n, b)
		if fact != nil {
			e.Fact = fact
		}
		return err
	})
}

// readFact returns nil for a fact of a later version.
func readFact(n protowire.Number, b []byte) (event.Fact, error) {
	switch n {
	case factHost:
		fact := &event.Host{}
		return fact, readMessage(b, hostFields(fact))
	case factSignals:
		return readSignals(b, signalsSignal)
	case factClock:
		var fact event.Clock
		err := readMessage(b, clockFields(&fact))
		return fact, err
	case factProcess:
		fact := &event.Process{}
		return fact, readProcess(b, fact)
	case factNetns:
		fact := &event.Netns{}
		return fact, readMessage(b, netnsFields(fact))
	case factFold:
		fact := &event.Fold{}
		return fact, readMessage(b, foldFields(fact))
	case factHealth:
		fact := &event.Health{}
		return fact, readMessage(b, healthFields(fact))
	case factNotice:
		return event.Text(b), nil
	case factCensus:
		fact := &event.Census{}
		return fact, readMessage(b, censusFields(fact))
	case factCounts:
		fact := &event.NetnsCounts{}
		return fact, readMessage(b, countsFields(fact))
	case factFiles:
		fact := &event.FileUse{}
		return fact, readMessage(b, filesFields(fact))
	case factGap:
		fact := &event.Gap{}
		return fact, readMessage(b, gapFields(fact))
	}
	return nil, nil
}

// maxUDPHolders bounds the holders of a UDPUse: live there are fewer.
const maxUDPHolders = 64

func (d *decoder) readUDP(b []byte) (*event.UDPUse, error) {
	u := &event.UDPUse{}
	if err := readMessage(b, udpFields(u)); err != nil {
		return nil, err
	}
	err := eachField(b, func(n protowire.Number, _ uint64, b []byte) error {
		if n != udpHolder {
			return nil
		}
		var h event.UDPHolder
		var proc uint32
		if err := readMessage(b, udpHolderFields(&h, &proc)); err != nil {
			return err
		}
		if int(proc) > len(d.processes) || len(u.Holders) >= maxUDPHolders {
			return errMalformed
		}
		h.Proc = d.id(proc)
		u.Holders = append(u.Holders, h)
		return nil
	})
	return u, err
}

// readSignals returns the signals in field n of the message.
func readSignals(b []byte, n protowire.Number) (event.Signals, error) {
	var signals event.Signals
	err := eachField(b, func(field protowire.Number, _ uint64, b []byte) error {
		if field != n {
			return nil
		}
		var s event.Signal
		if err := readMessage(b, signalFields(&s)); err != nil {
			return err
		}
		signals = append(signals, s)
		return limit(len(signals))
	})
	return signals, err
}

// appendContext appends the context and the processes of the frame, as events at its begin:
// facts of earlier frames, which may be missing.
func (d *decoder) appendContext(to []event.Event, at event.Time) ([]event.Event, error) {
	add := func(kind event.Kind, fact event.Fact) {
		to = append(to, event.Event{Time: at, Kind: kind, Fact: fact})
	}
	err := eachField(d.context, func(n protowire.Number, _ uint64, b []byte) error {
		switch n {
		case contextHost:
			fact, err := readFact(factHost, b)
			add(event.HostKnown, fact)
			return err
		case contextClock:
			fact, err := readFact(factClock, b)
			add(event.ClockAnchor, fact)
			return err
		case contextNetns:
			fact, err := readFact(factNetns, b)
			add(event.NetnsKnown, fact)
			return err
		case contextCounts:
			fact, err := readFact(factCounts, b)
			add(event.NetnsCounted, fact)
			return err
		}
		return limit(len(to))
	})
	if err != nil {
		return to, err
	}
	signals, err := readSignals(d.context, contextSignal)
	if err != nil {
		return to, err
	}
	add(event.SignalsKnown, signals)
	for _, p := range d.processes {
		add(event.ProcessKnown, &p)
	}
	return to, nil
}
