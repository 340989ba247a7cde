#!/usr/bin/python3
"""Shopping baskets. It has one Redis, at 127.0.0.1:6379 unless REDIS_HOST says otherwise, and knows of no other."""

import json
import os
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit

import redis

store = redis.Redis(host=os.environ.get("REDIS_HOST", "127.0.0.1"), port=6379, decode_responses=True)


class Baskets(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def handle_request(self):
        url = urlsplit(self.path)
        query = {name: values[-1] for name, values in parse_qs(url.query).items()}
        route = [unquote(part) for part in url.path.split("/") if part]
        size = int(self.headers.get("Content-Length") or 0)
        sent = json.loads(self.rfile.read(size)) if size else {}
        try:
            status, document = self.result(route, query, sent)
        except redis.RedisError as error:
            status, document = 503, {"error": str(error)}
        body = json.dumps(document).encode() + b"\n"
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = do_PUT = do_DELETE = handle_request

    def result(self, route, query, sent):
        what = (self.command, route[0] if route else "")
        if what == ("PUT", "prices"):
            store.mset({f"price:{name}": price for name, price in sent.items()})
            return 200, {"set": len(sent)}
        if what == ("GET", "prices"):
            names = query["of"].split(",")
            return 200, dict(zip(names, store.mget([f"price:{name}" for name in names])))
        if what == ("DELETE", "prices"):
            return 200, {"deleted": store.delete(*[f"price:{name}" for name in query["of"].split(",")])}
        if what == ("POST", "baskets"):
            key = f"basket:{route[1]}"
            with store.pipeline(transaction=True) as change:
                for item, count in sent.items():
                    change.hincrby(key, item, count)
                change.expire(key, 86400)
                change.hgetall(key)
                return 200, change.execute()[-1]
        if what == ("GET", "baskets") and len(route) == 2:
            return 200, store.hgetall(f"basket:{route[1]}")
        if what == ("GET", "baskets"):
            return 200, sorted(key[len("basket:") :] for key in store.scan_iter("basket:*", count=50))
        if what == ("POST", "orders"):
            number = store.incr("orders")
            store.rpush("queue", f"{number} {route[1]}")
            return 202, {"order": number}
        if what == ("GET", "orders"):
            return 200, {"state": store.get(f"order:{route[1]}")}
        return 404, {"error": "not found"}

    def log_message(self, form, *args):
        print(form % args, flush=True)


def work():
    """Take orders from the queue, one after another, for ever."""
    while True:
        try:
            taken = store.blpop(["queue"], timeout=0)
            number, basket = taken[1].split(" ", 1)
            store.set(f"order:{number}", f"packed for {basket}")
            store.publish("packed", number)
        except redis.RedisError as error:
            print(f"queue: {error}", flush=True)
            time.sleep(1)


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128


if __name__ == "__main__":
    threading.Thread(target=work, daemon=True).start()
    Server(("0.0.0.0", 8000), Baskets).serve_forever()
