#!/usr/bin/python3
"""What is on the shelves: a gRPC service, in cleartext, on one port."""

import sys
import threading
from collections import defaultdict
from concurrent import futures

import grpc
import stock_pb2

SHELF = 1_000_000


class Stock:
    def __init__(self):
        self.lock = threading.Lock()
        self.levels = defaultdict(lambda: SHELF)

    def reserve(self, item, context):
        trace = dict(context.invocation_metadata()).get("traceparent", "-")
        print("Reserve %s %d trace=%s" % (item.product, item.quantity, trace), flush=True)
        with self.lock:
            left = self.levels[item.product] - item.quantity
            if item.quantity < 1 or left < 0:
                context.abort(grpc.StatusCode.FAILED_PRECONDITION, "not that many of %s" % item.product)
            self.levels[item.product] = left
        return stock_pb2.Level(product=item.product, left=left)

    def watch(self, item, context):
        for _ in range(max(1, min(item.quantity, 1000))):
            yield stock_pb2.Level(product=item.product, left=self.levels[item.product])


def handlers(stock):
    kinds = {
        "Reserve": grpc.unary_unary_rpc_method_handler(
            stock.reserve, stock_pb2.Item.FromString, stock_pb2.Level.SerializeToString
        ),
        "Watch": grpc.unary_stream_rpc_method_handler(
            stock.watch, stock_pb2.Item.FromString, stock_pb2.Level.SerializeToString
        ),
    }
    return grpc.method_handlers_generic_handler("shop.Stock", kinds)


if __name__ == "__main__":
    server = grpc.server(futures.ThreadPoolExecutor(max_workers=16))
    server.add_generic_rpc_handlers((handlers(Stock()),))
    server.add_insecure_port("0.0.0.0:%d" % (int(sys.argv[1]) if len(sys.argv) > 1 else 9090))
    server.start()
    server.wait_for_termination()
