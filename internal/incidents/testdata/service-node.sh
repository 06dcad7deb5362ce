# A service, as a supervisor starts it again: service-node.sh FILE PORT
while true; do
	node "$1" "$2" 2>&1 | grep -m1 EADDRINUSE
	sleep 1
done
