package doctor

import (
	"fmt"
	"time"

	"github.com/porttrace/porttrace/internal/snapshot"
)

// usualFinTimeout is net.ipv4.tcp_fin_timeout as the kernel sets it.
const usualFinTimeout = 60 * time.Second

func finTimeoutText(n *snapshot.Namespace) string {
	return fmt.Sprintf("net.ipv4.tcp_fin_timeout is %.0f s here: it limits FIN_WAIT2 and does not shorten TIME_WAIT, which lasts %.0f s whatever it is",
		n.FinTimeout.Seconds(), n.TimeWaitLength.Seconds())
}
