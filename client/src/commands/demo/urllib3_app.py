"""A client with a session cookie; each line on its input makes one request to a host that redirects to another."""

import http.server
import json
import os
import sys
import threading

import urllib3

received = []


class Other(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        received.append(self.headers.get("Cookie"))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *args):
        pass


class Trusted(Other):
    def do_GET(self):
        self.send_response(302)
        self.send_header("Location", f"http://127.0.0.2:{other.server_port}/")
        self.end_headers()


def serve(host, handler):
    server = http.server.ThreadingHTTPServer((host, 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


other = serve("127.0.0.2", Other)
trusted = serve("127.0.0.1", Trusted)
pool = urllib3.PoolManager()
print(json.dumps({"pid": os.getpid()}), flush=True)
for _ in sys.stdin:
    received.clear()
    pool.request("GET", f"http://127.0.0.1:{trusted.server_port}/", headers={"Cookie": "session=s3cret"}, timeout=10)
    cookie = received[-1]
    saw = f"the other host received Cookie: {cookie}" if cookie else "the other host received no cookie"
    print(json.dumps({"pid": os.getpid(), "hole": cookie is not None, "saw": saw}), flush=True)
