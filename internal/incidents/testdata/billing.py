"""A program that opens connections and closes none: billing.py HOST PORT RATE"""
import socket
import sys
import time

host, port, rate = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
held, failed = [], 0
while True:
    sock = socket.socket()
    try:
        sock.connect((host, port))
        sock.sendall(b"GET / HTTP/1.1\r\nHost: db\r\n\r\n")
        sock.recv(4096)
        held.append(sock)
    except OSError as err:
        sock.close()
        failed += 1
        print("failed", failed, err, flush=True)
    time.sleep(1 / rate)
