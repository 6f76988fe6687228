#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A plugin of nsrun in Python: SPEC.md kept with nothing but gRPC.

plugin_pb2.py comes from protoc --python_out; go-plugin's own service needs no
generated code, since its messages are empty.
"""
import os
import signal
import sys
import threading
from concurrent import futures

import grpc

from nsrun.plugin.v1 import plugin_pb2 as pb

COOKIE = "6e7372756e2d706c7567696e2d76310a"  # [H-1]


def describe(_request, _context):
    return pb.DescribeResponse(descriptor=pb.Descriptor(
        name="hello", version="1.0.0", summary="greets the command, in Python",
        options=[pb.Option(name="greet", type="string", help="whom to greet", default="world")]))


def negotiate(request, _context):
    greet, offer = "world", pb.Offer()
    for setting in request.settings:
        if setting.option == "greet":
            greet = setting.args[0]
        else:  # [N-4]
            offer.diagnostics.add(summary="no such option", option=setting.option)
    offer.env.add(name="HELLO", value=greet)
    return pb.NegotiateResponse(offer=offer)


def pre_exec(request, _context):
    return pb.PreExecResponse(state=request.run.id.encode())


def post_exec(request, _context):
    return pb.PostExecResponse()  # nothing to undo, again and again [U-1]


def check(_request, _context):
    return pb.CheckResponse()


def method(handle, request):
    return grpc.unary_unary_rpc_method_handler(
        handle, request_deserializer=request.FromString,
        response_serializer=lambda message: message.SerializeToString())


def serve(done):
    server = grpc.server(futures.ThreadPoolExecutor(max_workers=4))
    empty = grpc.unary_unary_rpc_method_handler(lambda *_: done.set() or b"")
    server.add_generic_rpc_handlers([
        grpc.method_handlers_generic_handler("nsrun.plugin.v1.Plugin", {
            "Describe": method(describe, pb.DescribeRequest),
            "Negotiate": method(negotiate, pb.NegotiateRequest),
            "PreExec": method(pre_exec, pb.PreExecRequest),
            "PostExec": method(post_exec, pb.PostExecRequest),
            "Check": method(check, pb.CheckRequest)}),
        grpc.method_handlers_generic_handler("plugin.GRPCController", {"Shutdown": empty})])  # [H-8]
    path = os.path.join(os.environ["PLUGIN_UNIX_SOCKET_DIR"], "plugin")  # [H-3]
    server.add_insecure_port("unix:" + path)
    server.start()
    print("1|1|unix|%s|grpc|" % path, flush=True)  # [H-4]
    return server


def lifeline(done):  # [P-4]
    with os.fdopen(int(os.environ["NSRUN_LIFELINE"]), "rb") as pipe:
        pipe.read()
    done.set()


def main():
    if os.environ.get("NSRUN_PLUGIN") != COOKIE:
        print("nsrun-plugin-hello: a plugin of nsrun, which is not run by hand", file=sys.stderr)
        return 2
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # [P-6]
    done = threading.Event()
    server = serve(done)
    if "NSRUN_LIFELINE" in os.environ:
        threading.Thread(target=lifeline, args=(done,), daemon=True).start()
    done.wait()
    server.stop(grace=None)
    return 0


sys.exit(main())
