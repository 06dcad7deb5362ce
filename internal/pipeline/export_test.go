package pipeline

import "github.com/porttrace/porttrace/internal/portspace"

// Table returns the table of the run.
func (h *Head) Table() *portspace.Table { return h.run.state.table }
