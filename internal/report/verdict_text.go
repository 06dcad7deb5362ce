package report

import (
	"github.com/porttrace/porttrace/internal/doctor"
	"github.com/porttrace/porttrace/internal/phrase"
)

// verdict writes what matters most.
func (w *writer) verdict(_ []doctor.Finding) {
	headline, _ := phrase.Headline(w.s)
	w.out.WriteString("\n" + headline[0] + "\n")
}
