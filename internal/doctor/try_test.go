package doctor
import ("testing";"fmt")
func TestTry(t *testing.T) {
	l := narrowChurn("nginx")
	for _, c := range []Cause{Churn, Leak, EarlyBind, SNAT} {
	fmt.Println("=====", c)
	fmt.Println(show(advised(l.seen(), c, l.subject())))
	}
}
