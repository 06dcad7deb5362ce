"""A client that races two addresses (RFC 8305): race.py FIRST SECOND PORT. The second starts 50 ms after the first."""
import asyncio
import socket
import sys

first, second, port = sys.argv[1], sys.argv[2], int(sys.argv[3])


async def connect(address, family, delay):
    await asyncio.sleep(delay)
    sock = socket.socket(family)
    sock.setblocking(False)
    try:
        await asyncio.get_running_loop().sock_connect(sock, (address, port))
        return sock
    except BaseException:
        sock.close()
        raise


async def main():
    done = 0
    while True:
        tries = [
            asyncio.create_task(connect(first, socket.AF_INET6, 0)),
            asyncio.create_task(connect(second, socket.AF_INET, 0.05)),
        ]
        finished, late = await asyncio.wait(tries, return_when=asyncio.FIRST_COMPLETED)
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)
        for task in finished:
            task.result().close()
        done += 1
        print("done", done, flush=True)
        await asyncio.sleep(0.15)


asyncio.run(main())
