#!/usr/bin/python3
"""The shop's catalogue. Release 1 speaks HTTP/1.0; release 2 speaks HTTP/1.1 and knows ratings."""

import json
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

PRODUCTS = [
    {"id": "teapot", "name": "Teapot", "price": 2400},
    {"id": "kettle", "name": "Kettle", "price": 3900},
    {"id": "mug", "name": "Mug", "price": 900},
    {"id": "strainer", "name": "Strainer", "price": 650},
]
RATINGS = {"teapot": 4.5, "kettle": 4.1, "mug": 4.9, "strainer": 3.8}


class Catalogue(BaseHTTPRequestHandler):
    release = 1

    def do_GET(self):
        path = self.path.split("?")[0].rstrip("/")
        if path == "/products":
            self.answer(200, [self.shown(each) for each in PRODUCTS])
        elif path.startswith("/products/"):
            found = [each for each in PRODUCTS if each["id"] == path[len("/products/") :]]
            self.answer(200, self.shown(found[0])) if found else self.answer(404, {"error": "no such product"})
        else:
            self.answer(404, {"error": "not found"})

    do_HEAD = do_GET

    def shown(self, product):
        return {**product, "rating": RATINGS[product["id"]]} if self.release >= 2 else product

    def answer(self, status, document):
        body = json.dumps(document).encode() + b"\n"
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("X-Catalogue-Release", str(self.release))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, form, *args):
        # One line a request, on stdout: the trace it belongs to is the only header worth keeping.
        print("%s %s trace=%s" % (self.client_address[0], form % args, self.headers.get("traceparent", "-")), flush=True)


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128


if __name__ == "__main__":
    Catalogue.release = int(sys.argv[2]) if len(sys.argv) > 2 else 1
    if Catalogue.release >= 2:
        Catalogue.protocol_version = "HTTP/1.1"
    Server(("0.0.0.0", int(sys.argv[1]) if len(sys.argv) > 1 else 8000), Catalogue).serve_forever()
