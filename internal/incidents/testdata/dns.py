"""A client or server of questions over UDP: dns.py ask|serve HOST. A new socket for each of 50 questions a second."""
import socket
import sys
import time

role, host = sys.argv[1], sys.argv[2]
if role == "serve":
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind((host, 53))
    while True:
        question, asker = server.recvfrom(512)
        server.sendto(question, asker)
answers = 0
while True:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.settimeout(1)
        sock.connect((host, 53))
        try:
            sock.send(b"question")
            sock.recv(512)
            answers += 1
        except OSError:
            pass
    if answers % 50 == 0:
        print("answers", answers, flush=True)
    time.sleep(0.02)
