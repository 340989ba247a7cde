#!/usr/bin/python3
"""A gRPC application without a sidecar: it resolves xds:/// names by itself.

usage: xds-call.py TARGET CALLS [MILLISECONDS between two]
"""

import json
import sys
import time

import grpc

target, calls, pause = sys.argv[1], int(sys.argv[2]), float(sys.argv[3] if len(sys.argv) > 3 else 0) / 1000
channel = grpc.insecure_channel(target)
say = channel.unary_unary(
    "/check.Echo/Say",
    request_serializer=lambda value: json.dumps(value).encode(),
    response_deserializer=json.loads,
)


def call():
    try:
        return say({"text": "hello"}, timeout=20, wait_for_ready=False)["replica"]
    except grpc.RpcError as error:
        return "%s: %s" % (error.code().name, error.details())


outcomes = []
for _ in range(calls):
    outcomes.append(call())
    time.sleep(pause)
print(json.dumps(outcomes))
