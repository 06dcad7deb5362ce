"""A server: listener.py HOST PORT idle|accepts. An idle one listens with a queue of one and accepts nothing."""
import socket
import sys
import time

host, port, how = sys.argv[1], int(sys.argv[2]), sys.argv[3]
sock = socket.socket()
sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
sock.bind((host, port))
sock.listen(1 if how == "idle" else 1024)
while True:
    if how == "idle":
        time.sleep(1)
        continue
    conn, _ = sock.accept()
    conn.recv(1)
    conn.close()
