"""A service on the loopback interface that hands out files; each line on its input makes one request to it."""

import http.client
import http.server
import json
import os
import pathlib
import sys
import tempfile
import threading

import parcel

root = pathlib.Path(tempfile.mkdtemp(dir=os.getcwd()))
(root / "public").mkdir()
(root / "secret.txt").write_text("the secret key")


class Service(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        text = parcel.read(root / "public", self.path[1:])
        self.send_response(404 if text is None else 200)
        self.end_headers()
        self.wfile.write((text or "").encode())

    def log_message(self, *args):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Service)
threading.Thread(target=server.serve_forever, daemon=True).start()
print(json.dumps({"pid": os.getpid()}), flush=True)
for _ in sys.stdin:
    connection = http.client.HTTPConnection(*server.server_address, timeout=10)
    connection.request("GET", "/../secret.txt")
    answer = connection.getresponse()
    text = answer.read().decode()
    saw = f"GET /../secret.txt answers {answer.status}: {text or 'nothing'}"
    print(json.dumps({"pid": os.getpid(), "hole": answer.status == 200, "saw": saw}), flush=True)
