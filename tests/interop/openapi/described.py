"""Plays Prelude, and has schemathesis ask a server that believes it.

Prints {"key_set_url", "step_up_key_set_url"}; then reads lines of {"server", "api_key", "document", "config", "arguments"}, runs
schemathesis for each in a process of its own, and prints {"code", "output"}, with a line now and then until that is there.
"""

import base64
import contextlib
import http.server
import io
import json
import multiprocessing
import os
import sys
import threading

import jwt
import requests.auth
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ed25519, padding, rsa

HOOK_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
STEP_UP_KEY = ed25519.Ed25519PrivateKey.generate()


def key_set(algorithm, kid, key):
    return {"keys": [dict(json.loads(algorithm.to_jwk(key.public_key())), kid=kid, use="sig")]}


SETS = {
    "/jwks.json": key_set(jwt.algorithms.RSAAlgorithm, "hook", HOOK_KEY),
    "/step-up-jwks.json": key_set(jwt.algorithms.OKPAlgorithm, "step-up", STEP_UP_KEY),
}


class KeySets(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = json.dumps(SETS[self.path]).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class Signature(requests.auth.AuthBase):
    """Signs a request's bytes, when they are as they will be sent."""

    def __call__(self, request):
        body = request.body or b""
        body = body.encode() if isinstance(body, str) else body
        digest = hashes.SHA256()
        signature = HOOK_KEY.sign(body, padding.PSS(mgf=padding.MGF1(digest), salt_length=32), digest)
        request.headers["X-Webhook-Signature"] = base64.urlsafe_b64encode(signature).decode()
        request.headers["X-Webhook-Signature-Key-Id"] = "hook"
        return request


class Signing:
    """Has calls signed, but for those by which schemathesis looks what happens without a signature, or with a wrong header."""

    def get(self, case, context):
        return Signature()

    def set(self, case, signature, context):
        headers = case.meta and {place.value: part for place, part in case.meta.components.items()}.get("header")
        if not headers or headers.mode.is_positive:
            case._auth = signature


def run(wanted, told):
    import schemathesis
    from schemathesis.cli import schemathesis as command

    os.environ["DOORSTEP_TEST_API_KEY"] = wanted["api_key"]
    # What it leaves goes with the document.
    os.chdir(os.path.dirname(wanted["document"]))
    schemathesis.auth().apply_to(path_regex="^/hooks/", method="POST")(Signing)
    asked = ["run", wanted["document"], "--url", wanted["server"], *wanted["arguments"]]
    output = io.StringIO()
    with contextlib.redirect_stdout(output), contextlib.redirect_stderr(output):
        try:
            code = command.main(["--config-file", wanted["config"], *asked], standalone_mode=False)
        except SystemExit as end:
            code = end.code
        except Exception as error:
            code = repr(error)
    told.send({"code": code, "output": output.getvalue()})


def main():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), KeySets)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    address = f"http://127.0.0.1:{server.server_port}"
    urls = {"key_set_url": f"{address}/jwks.json", "step_up_key_set_url": f"{address}/step-up-jwks.json"}
    print(json.dumps(urls), flush=True)
    for line in sys.stdin:
        ours, theirs = multiprocessing.Pipe()
        process = multiprocessing.get_context("fork").Process(target=run, args=(json.loads(line), theirs))
        process.start()
        while not ours.poll(10):
            print("it goes on", flush=True)
        print(json.dumps(ours.recv()), flush=True)
        process.join()


main()
