"""A program with a pool of connections that it keeps and uses: worker.py HOST PORT SIZE RATE
It opens them at once, tries again for those that fail, each second, and makes RATE requests a second."""
import resource
import socket
import sys
import time

host, port, size, rate = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4])
soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
if soft > 256:
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, size + 100)), hard))
pool, failed, used, tried = [], 0, 0, 0
while True:
    if len(pool) < size and time.monotonic() > tried + 1:
        tried = time.monotonic()
        for _ in range(size - len(pool)):
            try:
                sock = socket.socket()
                sock.settimeout(3)
                sock.connect((host, port))
                pool.append(sock)
            except OSError as err:
                failed += 1
                print("failed", failed, err, flush=True)
                break
    if pool:
        sock = pool[used % len(pool)]
        sock.sendall(b"GET / HTTP/1.1\r\nHost: app\r\n\r\n")
        sock.recv(4096)
        used += 1
        if used % 50 == 0:
            print("done", used, flush=True)
    time.sleep(1 / rate)
