# A job of a shell: a new curl for each URL. The sleep holds it at some 25 a second.
while true; do
	curl -sS -o /dev/null --max-time 5 "$1"
	sleep 0.02
done
