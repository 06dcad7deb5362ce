package probe

// windowSize is how much of a ring stays mapped: a few visits of a reader take that long to read so
// much, but for the first ones in a storm.
const windowSize = 256 << 10

// ringWindow maps the parts of a ring that are read. It keeps a window mapped, in which the next small
// parts are, too: to unmap interrupts the other processors, which takes as long as to read 50 events.
type ringWindow struct {
	size, page uint64 // bytes
	pages      func(at, length uint64) ([]byte, error)
	unmap      func([]byte)

	window []byte // nil: none
	at     uint64 // where it begins
}

// view returns a part of the data, valid until release and the next view.
func (w *ringWindow) view(offset, length uint64) (part []byte, release func(), err error) {
	at := offset &^ (w.page - 1)
	if size := offset + length - at; size > w.size {
		pages, err := w.pages(at, size)
		if err != nil {
			return nil, nil, err
		}
		return pages[offset-at:], func() { w.unmap(pages) }, nil
	}
	if offset < w.at || offset+length > w.at+uint64(len(w.window)) {
		w.close()
		if w.window, err = w.pages(at, w.size); err != nil {
			return nil, nil, err
		}
		w.at = at
	}
	return w.window[offset-w.at:][:length:length], func() {}, nil
}

// close unmaps the window.
func (w *ringWindow) close() {
	w.unmap(w.window)
	w.window = nil
}
