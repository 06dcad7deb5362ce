# A job that starts a curl for each request: fetch-prices.sh URL
while true; do
	curl -sS -o /dev/null --max-time 5 "$1"
	sleep 0.02
done
