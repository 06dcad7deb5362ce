"""A program that gives up when a connect has no answer in 3 s: notify.py HOST PORT RATE"""
import errno
import select
import socket
import sys
import time

host, port, rate = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
waiting, given_up, done = [], 0, 0
while True:
    sock = socket.socket()
    sock.setblocking(False)
    if sock.connect_ex((host, port)) == errno.EINPROGRESS:
        waiting.append((time.monotonic() + 3, sock))
    else:
        sock.close()
    ready = select.select([], [s for _, s in waiting], [], 0)[1]
    for sock in ready:
        done += 1
        sock.close()
    waiting = [(until, s) for until, s in waiting if s not in ready]
    while waiting and waiting[0][0] < time.monotonic():
        waiting.pop(0)[1].close()
        given_up += 1
    print("given up", given_up, "done", done, flush=True)
    time.sleep(1 / rate)
