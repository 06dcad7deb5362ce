# ab, again and again: ab-loop.sh OPTIONS URL
while true; do
	ab -q -s 5 "$@" | grep -E 'Complete requests|Failed|^apr_' || true
	sleep 3
done
