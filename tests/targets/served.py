"""What servers serve, and small servers of its own. Each answer says its process, and `shop.price.net(5)`.

served.py asyncio|uvloop|gevent PORT
"""

import json
import os
import sys
import time

import shop.price

NAP = 0.03  # Long enough for other workers to take what waits meanwhile.


def answer():
    """Give process and result."""
    time.sleep(NAP)
    return json.dumps([os.getpid(), shop.price.net(5)]).encode()


def task(_number=None):
    """Give process and result, as a pool's or a queue's work."""
    time.sleep(NAP)
    return [os.getpid(), shop.price.net(5)]


def wsgi(_environment, respond):
    """Answer as a WSGI application."""
    body = answer()
    respond("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(body)))])
    return [body]


async def asgi(scope, receive, send):
    """Answer as an ASGI application."""
    if scope["type"] == "lifespan":
        while True:
            message = await receive()
            await send({"type": message["type"] + ".complete"})
            if message["type"] == "lifespan.shutdown":
                return
    body = answer()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def converse(reader, writer):
    """Answer one request of HTTP."""
    await reader.readuntil(b"\r\n\r\n")
    body = answer()
    writer.write(b"HTTP/1.0 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
    await writer.drain()
    writer.close()


async def listen(port):
    """Serve until the process is told to end."""
    import asyncio
    import signal

    ended = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ended.set)
    server = await asyncio.start_server(converse, "127.0.0.1", port)
    await ended.wait()
    server.close()


def main(kind, port):
    """Run one of the servers."""
    if kind == "gevent":
        import signal

        import gevent.pywsgi

        server = gevent.pywsgi.WSGIServer(("127.0.0.1", port), wsgi, log=None)
        gevent.signal_handler(signal.SIGTERM, server.stop)
        server.serve_forever()
        return
    import asyncio

    if kind == "uvloop":
        import uvloop

        uvloop.run(listen(port))
    else:
        asyncio.run(listen(port))


if __name__ == "__main__":
    if sys.argv[1] == "gevent":
        from gevent import monkey

        monkey.patch_all()
    main(sys.argv[1], int(sys.argv[2]))
