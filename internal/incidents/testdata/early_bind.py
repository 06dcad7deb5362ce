"""A program that binds to an address before it connects: early_bind.py SOURCE HOST RATE early|late PORT...
"late" sets IP_BIND_ADDRESS_NO_PORT, with which connect() chooses the port."""
import itertools
import socket
import sys
import time

source, host, rate, when = sys.argv[1], sys.argv[2], float(sys.argv[3]), sys.argv[4]
IP_BIND_ADDRESS_NO_PORT = 24
failed = 0
for port in itertools.cycle(map(int, sys.argv[5:])):
    sock = socket.socket()
    try:
        if when == "late":
            sock.setsockopt(socket.IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1)
        sock.bind((source, 0))
        sock.connect((host, port))
        sock.sendall(b"GET / HTTP/1.1\r\nHost: app\r\n\r\n")
        sock.recv(4096)
    except OSError as err:
        failed += 1
        print("failed", failed, err, flush=True)
    sock.close()
    time.sleep(1 / rate)
