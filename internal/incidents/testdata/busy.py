"""A program that opens a connection for each request, to many hosts: busy.py PREFIX FIRST HOSTS RATE"""
import itertools
import socket
import sys
import time

prefix, first, hosts, rate = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4])
failed = 0
for host in itertools.cycle(range(hosts)):
    sock = socket.socket()
    try:
        sock.connect((prefix + str(first + host), 80))
        sock.sendall(b"GET / HTTP/1.1\r\nHost: app\r\n\r\n")
        sock.recv(4096)
    except OSError as err:
        failed += 1
        print("failed", failed, err, flush=True)
    sock.close()
    time.sleep(1 / rate)
