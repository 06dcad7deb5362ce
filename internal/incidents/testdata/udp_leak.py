"""A program that opens a UDP socket for each query and closes none: udp_leak.py RATE [close]"""
import socket
import sys
import time

rate, close = float(sys.argv[1]), len(sys.argv) > 2
held, failed = [], 0
while True:
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        sock.bind(("", 0))
        held.append(sock)
    except OSError as err:
        failed += 1
        print("failed", failed, err, flush=True)
        sock.close()
    if close:
        held.pop().close()
    time.sleep(1 / rate)
