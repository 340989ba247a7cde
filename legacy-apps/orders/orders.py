#!/usr/bin/python3
"""Takes orders. Logs each as a line of JSON, failures with their stack trace, to a file that it rotates by itself."""

import json
import logging
import logging.handlers
import os
import sys
import time
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.parse import parse_qs, urlparse


class JsonFormatter(logging.Formatter):
    def format(self, record):
        line = json.dumps(
            {
                "time": time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
                + ".%03dZ" % record.msecs,
                "level": record.levelname,
                "logger": record.name,
                "message": record.getMessage(),
                "order": record.order,
                "customer": "c-%04d" % (record.order % 9973),
            }
        )
        # Somebody needed the trace in a hurry, years ago.
        return line + "\n" + self.formatException(record.exc_info) if record.exc_info else line


handler = logging.handlers.RotatingFileHandler(
    os.environ.get("ORDERS_LOG", "/var/log/orders/orders.log"),
    maxBytes=int(os.environ.get("ORDERS_ROTATE_BYTES", 4 * 1024 * 1024)),
    backupCount=int(os.environ.get("ORDERS_ROTATE_COUNT", 40)),
)
handler.setFormatter(JsonFormatter())
log = logging.getLogger("orders")
log.setLevel(logging.INFO)
log.addHandler(handler)


class OutOfStock(Exception):
    pass


def reserve(number):
    if number % 1000 == 0:
        raise OutOfStock("order %d: nothing left in aisle %d" % (number, number % 17))


def take(number):
    try:
        reserve(number)
        log.info("order %d taken and paid, token=tk-%08x" % (number, number), extra={"order": number})
    except OutOfStock:
        log.exception("order %d failed" % number, extra={"order": number})


class Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        query = parse_qs(urlparse(self.path).query)
        first, count = int(query["from"][0]), int(query["count"][0])
        for number in range(first, first + count):
            take(number)
        answer = b"%d orders taken\n" % count
        self.send_response(200)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *args):
        pass


HTTPServer(("127.0.0.1", int(sys.argv[1]) if len(sys.argv) > 1 else 8000), Handler).serve_forever()
