package portspace

// portCounts is a number for each port, in pages that are made once they are needed: a map
// would take a third of the time that the table takes for an event.
type portCounts [256]*[256]int32

func (c *portCounts) at(port uint16) int32 {
	if page := c[port>>8]; page != nil {
		return page[port&0xff]
	}
	return 0
}

func (c *portCounts) add(port uint16, n int32) {
	page := c[port>>8]
	if page == nil {
		page = new([256]int32)
		c[port>>8] = page
	}
	page[port&0xff] += n
}
