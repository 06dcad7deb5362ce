# A service, as a supervisor starts it again: service.sh PYTHON PORT
while true; do
	"$1" -u -m http.server "$2" 2>&1 | tail -1
	sleep 2
done
