package chart

// State is what a port is used for.
type State uint8

// In the order of dominance: of two states with equally many ports in a cell the first one is
// drawn.
const (
	Open      State = iota // a connection in none of the next three states
	SynSent                // the SYN had to be sent again
	CloseWait              // the peer has closed, the program has not
	TimeWait
	Bound    // reserved by a bind(), not connected
	Listener // a listening socket
	Reserved // net.ipv4.ip_local_reserved_ports
	Free

	States = iota
)

// names are those of the legend.
var names = [States]string{"open", "SYN resent", "CLOSE_WAIT", "TIME_WAIT", "bound", "listener", "reserved", "free"}

// Counts has the ports in each state but Free: free are the others.
type Counts [Free]int32

// Palette has a pen for each role in PortMap and Fill. Nothing else decides a colour.
type Palette struct {
	// State has the pens of each state from a slice hardly used to one wholly used, as
	// shades of one colour: one pen or as many as wanted. Without any the text is plain.
	State [States][]Pen

	// Colours says that the pens of the states differ in colour, so that an area needs no
	// texture to show them: it is smoother without. Not to be set without colours.
	Colours bool

	Axis, Label         Pen
	Threshold, Failure  Pen
	Forecast, Band, Now Pen
}

// pen returns the pen of a state in a slice of which a share is used.
func (p *Palette) pen(state State, used float64) *Pen {
	pens := p.State[state]
	if len(pens) == 0 {
		return nil
	}
	return &pens[min(int(used*float64(len(pens))), len(pens)-1)]
}
