"""A health checker: health.py HOST PORT... Each second it connects to each port."""
import socket
import sys
import time

while True:
    for port in map(int, sys.argv[2:]):
        sock = socket.socket()
        sock.settimeout(1)
        print(port, "refused" if sock.connect_ex((sys.argv[1], port)) else "up", flush=True)
        sock.close()
    time.sleep(1)
