"""Connections that live long: websockets.py HOST PORT USERS. Five users a second come until all are there; each says something now and then."""
import socket
import sys
import time

host, port, users = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
held, turn = [], 0
while True:
    if len(held) < users:
        sock = socket.socket()
        sock.connect((host, port))
        held.append(sock)
    sock = held[turn % len(held)]
    turn += 1
    sock.sendall(b"GET /ws HTTP/1.1\r\nHost: chat\r\n\r\n")
    sock.recv(4096)
    time.sleep(0.2)
