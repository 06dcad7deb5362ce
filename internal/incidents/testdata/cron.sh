# A job that starts every 20 s: 50 curls at a time.
while true; do
	for _ in $(seq 50); do curl -sS -o /dev/null --max-time 10 "$1" & done
	wait
	echo done
	sleep 20
done
