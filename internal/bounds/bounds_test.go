package bounds

import "testing"

func TestFor(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		memory uint64
		want   int // of 1024
	}{
		{1 << 50, 1024},
		{256 << 20, 1024},
		{256<<20 - 1, 512},
		{128 << 20, 512},
		{64 << 20, 256},
		{32 << 20, 128},
		{1 << 20, 128},
		{0, 128},
	} {
		if got := For(tc.memory).Of(1024); got != tc.want {
			t.Errorf("%d bytes: %d rows, want %d", tc.memory, got, tc.want)
		}
	}
	if got := Share(0).Of(1024); got != 1024 {
		t.Errorf("without a share: %d rows", got)
	}
}
