"""A program that binds to an address before it connects: sync.py SOURCE HOST RATE PORT..."""
import itertools
import socket
import sys
import time

source, host, rate = sys.argv[1], sys.argv[2], float(sys.argv[3])
failed = 0
for port in itertools.cycle(map(int, sys.argv[4:])):
    sock = socket.socket()
    try:
        sock.bind((source, 0))
        sock.connect((host, port))
        sock.sendall(b"GET / HTTP/1.1\r\nHost: app\r\n\r\n")
        sock.recv(4096)
    except OSError as err:
        failed += 1
        print("failed", failed, err, flush=True)
    sock.close()
    time.sleep(1 / rate)
