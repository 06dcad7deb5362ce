"""A program that connects from one local port and stays connected: fixed_port.py SOURCE PORT HOST PORT"""
import socket
import sys
import time

source, local, host, port = sys.argv[1], int(sys.argv[2]), sys.argv[3], int(sys.argv[4])
failed = 0
while True:
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        if local:
            sock.bind((source, local))
        sock.connect((host, port))
        print("connected", flush=True)
        while True:
            sock.sendall(b"GET / HTTP/1.1\r\nHost: app\r\n\r\n")
            sock.recv(4096)
            time.sleep(0.5)
    except OSError as err:
        failed += 1
        print("failed", failed, err, flush=True)
    sock.close()
    time.sleep(0.5)
