#!/usr/bin/python3
"""A gRPC application without a sidecar: it resolves xds:/// names by itself.

usage: xds-call.py TARGET CALLS [GOOD: enough, once so many in a row have succeeded]
"""

import json
import sys

import grpc

target, calls, good = sys.argv[1], int(sys.argv[2]), float(sys.argv[3] if len(sys.argv) > 3 else "inf")
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
row = 0
while len(outcomes) < calls and row < good:
    outcome = call()
    outcomes.append(outcome)
    row = 0 if ":" in outcome else row + 1
print(json.dumps(outcomes))
