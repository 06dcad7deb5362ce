"""A program that opens connections and closes none: leak.py HOST PORT RATE; with a fourth argument, a pool of that size."""
import socket
import sys
import time

host, port, rate = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
pool = int(sys.argv[4]) if len(sys.argv) > 4 else 0
held, failed = [], 0
while True:
    if not pool or len(held) < pool:
        sock = socket.socket()
        try:
            sock.connect((host, port))
            held.append(sock)
        except OSError as err:
            sock.close()
            failed += 1
            print("failed", failed, err, flush=True)
    sock = held[-1]
    sock.sendall(b"GET / HTTP/1.1\r\nHost: db\r\n\r\n")
    sock.recv(4096)
    time.sleep(1 / rate)
