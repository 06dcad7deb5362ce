package pipeline

import (
	"testing"

	"github.com/porttrace/porttrace/internal/event"
	"github.com/porttrace/porttrace/internal/filter"
)

// A filter applies to the files of processes: one that it leaves out gets no row for them.
func TestFilterFiles(t *testing.T) {
	t.Parallel()
	f, err := filter.Parse(filter.Request{Comm: []string{"shop-api"}})
	if err != nil {
		t.Fatal(err)
	}
	near := &event.FileUse{Open: 1024, Limit: 1024}
	source := &script{batches: [][]event.Event{{
		known(1, shop, "shop-api"), known(1, curl, "curl"),
		{Time: 2, Kind: event.FilesCounted, Proc: shop, Count: 1, Fact: near},
		{Time: 2, Kind: event.FilesCounted, Proc: curl, Count: 1, Fact: near},
	}}}
	snap, err := Aggregate(t.Context(), source, Options{Filter: f})
	if err != nil {
		t.Fatal(err)
	}
	if len(snap.Processes) != 1 || snap.Processes[0].Info.Comm != "shop-api" || snap.Processes[0].Files == nil {
		t.Errorf("%+v", snap.Processes)
	}
}
