"""A program that keeps its HTTP connection, as a requests.Session does: session.py HOST PORT RATE"""
import http.client
import sys
import time

host, port, rate = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
session = http.client.HTTPConnection(host, port)
done = 0
while True:
    session.request("GET", "/")
    session.getresponse().read()
    done += 1
    if done % 100 == 0:
        print("done", done, flush=True)
    time.sleep(1 / rate)
