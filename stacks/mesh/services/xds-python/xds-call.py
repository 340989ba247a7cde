#!/usr/bin/python3
"""A gRPC application without a sidecar: it resolves xds:/// names by itself.

usage: xds-call.py TARGET CALLS [GOOD: successes in a row that are enough]
       xds-call.py TARGET CALLS GOOD REPLICA KEY: fifty a second, with KEY as x-key; good is what REPLICA answered
"""

import json
import sys
import time

import grpc

target, calls, good = sys.argv[1], int(sys.argv[2]), float(sys.argv[3] if len(sys.argv) > 3 else "inf")
replica, key = (sys.argv[4:6] + [None, None])[:2]
channel = grpc.insecure_channel(target)
say = channel.unary_unary(
    "/check.Echo/Say",
    request_serializer=lambda value: json.dumps(value).encode(),
    response_deserializer=json.loads,
)


def call():
    try:
        metadata = [("x-key", key)] if key else []
        return say({"text": "hello"}, timeout=20, wait_for_ready=False, metadata=metadata)["replica"]
    except grpc.RpcError as error:
        return "%s: %s" % (error.code().name, error.details())


outcomes = []
row = 0
while len(outcomes) < calls and row < good:
    outcome = call()
    outcomes.append(outcome)
    row = row + 1 if (outcome == replica if replica else ":" not in outcome) else 0
    if replica:
        time.sleep(0.02)
print(json.dumps(outcomes))
