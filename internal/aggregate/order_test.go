package aggregate

import (
	"math/rand/v2"
	"testing"

	"github.com/porttrace/porttrace/internal/snapshot"
)

// Rows are sorted in their place, and the entries go with them.
func TestSortTogether(t *testing.T) {
	t.Parallel()
	by := byOpens(snapshot.DestinationColumns())
	for n := range 200 {
		rows, entries := make([]snapshot.Destination, n), make([]entry[int], n)
		for i, opens := range rand.Perm(n) {
			rows[i].Opens, rows[i].Remote.Port = uint64(opens), uint16(opens)
			entries[i].key = opens
		}
		sortTogether(rows, entries, by)
		for i := range rows {
			if opens := n - 1 - i; rows[i].Opens != uint64(opens) || rows[i].Remote.Port != uint16(opens) || entries[i].key != opens {
				t.Fatalf("%d of %d: %+v of %d", i, n, rows[i], entries[i].key)
			}
		}
	}
}
