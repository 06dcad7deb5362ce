"""A program that opens a connection for each request and closes it: cache.py HOST PORT RATE"""
import socket
import sys
import time

host, port, rate = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
family = socket.AF_INET6 if ":" in host else socket.AF_INET
done = failed = 0
while True:
    sock = socket.socket(family)
    try:
        sock.settimeout(3)
        sock.connect((host, port))
        sock.sendall(b"GET / HTTP/1.1\r\nHost: app\r\n\r\n")
        sock.recv(4096)
        done += 1
        if done % 50 == 0:
            print("done", done, flush=True)
    except OSError as err:
        failed += 1
        print("failed", failed, err, flush=True)
    sock.close()
    time.sleep(1 / rate)
