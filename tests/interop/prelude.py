"""Plays Prelude with libraries that are not ours: PSS from `cryptography`, challenge tokens from PyJWT.

Prints {"key_set_url", "step_up_key_set_url"}, reads {"server", "api_key"} from a line of stdin, and prints a JSON list of
{"name", "status", "body"} in the order of the calls. Serves its key sets until then.
"""

import base64
import http.server
import json
import sys
import threading
import time
import urllib.error
import urllib.request

import jwt
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ed25519, padding, rsa

PHONE = "+33698765432"
HOOK_KEYS = {
    "small": rsa.generate_private_key(public_exponent=65537, key_size=2048),
    "large": rsa.generate_private_key(public_exponent=65537, key_size=3072),
}
OTHER_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
STEP_UP_KEY = ed25519.Ed25519PrivateKey.generate()
OTHER_STEP_UP_KEY = ed25519.Ed25519PrivateKey.generate()
OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def key_set(algorithm, keys):
    public = {kid: json.loads(algorithm.to_jwk(key.public_key())) for kid, key in keys.items()}
    return {"keys": [dict(jwk, kid=kid, use="sig") for kid, jwk in public.items()]}


SETS = {
    "/.well-known/jwks.json": key_set(jwt.algorithms.RSAAlgorithm, HOOK_KEYS),
    "/.well-known/step-up-jwks.json": key_set(jwt.algorithms.OKPAlgorithm, {"step-up": STEP_UP_KEY}),
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


def post(url, body, headers):
    headers = dict(headers, **{"Content-Type": "application/json"})
    request = urllib.request.Request(url, data=body, headers=headers, method="POST")
    try:
        with OPENER.open(request, timeout=10) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


def pss(key, body, salt, digest=hashes.SHA256()):
    return key.sign(body, padding.PSS(mgf=padding.MGF1(digest), salt_length=salt), digest)


def hook_body(user, amount):
    body = {
        "scope_requested": "transfer:write",
        "user_id": user,
        "identifiers": [{"type": "phone_number", "value": PHONE}],
        "signals": {"user_agent": "Mozilla/5.0", "platform": "WEB", "ip": "203.0.113.42"},
        "metadata": {"amount": amount, "currency": "USD"},
    }
    return json.dumps(body).encode()


class Doorstep:
    def __init__(self, server, api_key):
        self.server = server
        self.api_key = api_key
        self.results = []

    def hook(self, name, body, signature, kid="small", prefix="rsassa-pss-sha256=", padded=False):
        text = base64.urlsafe_b64encode(signature).decode()
        text = prefix + (text if padded else text.rstrip("="))
        headers = {"X-Webhook-Signature-Key-Id": kid, "X-Webhook-Signature": text}
        self.note(name, *post(self.server + "/hooks/stepup", body, headers))

    def mint(self, name, token):
        body = json.dumps({"challenge_token": token}).encode()
        headers = {"Authorization": "Bearer " + self.api_key}
        return self.note(name, *post(self.server + "/v1/verification-tokens", body, headers))

    def note(self, name, status, body):
        self.results.append({"name": name, "status": status, "body": json.loads(body)})
        return self.results[-1]["body"]


def genuine_calls(doorstep):
    for kid, key in HOOK_KEYS.items():
        for salt, length in [("digest", padding.PSS.DIGEST_LENGTH), ("largest", padding.PSS.MAX_LENGTH)]:
            body = hook_body(f"usr_{kid}_{salt}", "20")
            doorstep.hook(f"genuine: {kid} key, {salt} salt", body, pss(key, body, length), kid)
            body = hook_body(f"usr_{kid}_{salt}_bare", "20")
            signature = pss(key, body, length)
            doorstep.hook(f"genuine: {kid} key, {salt} salt, bare", body, signature, kid, "", True)


def tampered_calls(doorstep):
    key, salt = HOOK_KEYS["small"], padding.PSS.DIGEST_LENGTH
    body = hook_body("usr_tampered", "20")
    good = pss(key, body, salt)
    doorstep.hook("tampered: another amount", hook_body("usr_tampered", "9999"), good)
    doorstep.hook("tampered: one bit of the signature", body, bytes([good[0] ^ 1]) + good[1:])
    doorstep.hook("tampered: a byte more", body + b" ", good)
    doorstep.hook("tampered: another key", body, pss(OTHER_KEY, body, salt))
    doorstep.hook("tampered: another kid", body, good, "large")
    doorstep.hook("tampered: unknown kid", body, good, "nobody")
    doorstep.hook("tampered: salt of 20 bytes", body, pss(key, body, 20))
    doorstep.hook("tampered: SHA-512", body, pss(key, body, 64, hashes.SHA512()))
    doorstep.hook("tampered: PKCS #1 v1.5", body, key.sign(body, padding.PKCS1v15(), hashes.SHA256()))
    doorstep.hook("tampered: no signature", body, b"")


def broken_calls(doorstep):
    body = hook_body("usr_broken", "20")
    for name, broken in [
        ("twice the user", body.replace(b"{", b'{"user_id": "' + PHONE.encode() + b'",', 1)),
        ("cut off", body[:-20]),
        ("text behind it", body + PHONE.encode()),
        ("twice a metadata key", body.replace(b'"currency"', b'"amount": "30", "currency"')),
        ("a number", body.replace(b'"20"', b"20")),
        ("no Unicode", body.replace(b"Mozilla", b"\xff\xfe")),
    ]:
        assert broken != body, name
        signature = pss(HOOK_KEYS["small"], broken, padding.PSS.DIGEST_LENGTH)
        doorstep.hook("broken: " + name, broken, signature)


def challenge(key=STEP_UP_KEY, **changes):
    now = int(time.time())
    claims = {
        "iss": "test.session.prelude.dev", "sub": "usr_review", "sid": "ses_1", "jti": "jti-1",
        "iat": now, "nbf": now, "exp": now + 3600,
        "challenge_id": "chl_1", "scope_requested": "transfer:write", "current_step": "kyc_review",
        "steps": [
            {"order": 1, "key": "verify_sms", "expiration_duration": 600, "done": True},
            {"order": 2, "key": "kyc_review", "expiration_duration": 86400, "done": False},
        ],
        "metadata": {"amount": "15000", "currency": "USD"},
    }
    return jwt.encode(dict(claims, **changes), key, algorithm="EdDSA", headers={"kid": "step-up"})


def mints(doorstep):
    body = hook_body("usr_review", "15000")
    doorstep.hook("review", body, pss(HOOK_KEYS["large"], body, padding.PSS.MAX_LENGTH), "large")
    made = doorstep.mint("mint", challenge())
    keys = jwt.PyJWKClient(doorstep.server + "/.well-known/jwks.json")
    token = made["verification_token"]
    claims = jwt.decode(token, keys.get_signing_key_from_jwt(token), algorithms=["RS256"])
    doorstep.results.append({"name": "claims", "status": 0, "body": claims})
    doorstep.mint("forged: another key", challenge(OTHER_STEP_UP_KEY))
    doorstep.mint("forged: over", challenge(exp=int(time.time()) - 60))
    doorstep.mint("forged: another application", challenge(iss="other.session.prelude.dev"))
    head, claims, signature = challenge().split(".")
    _, other, _ = challenge(sub="usr_other").split(".")
    doorstep.mint("forged: another user", ".".join([head, other, signature]))


def main():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), KeySets)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    here = f"http://127.0.0.1:{server.server_address[1]}"
    urls = {"key_set_url": here + "/.well-known/jwks.json"}
    urls["step_up_key_set_url"] = here + "/.well-known/step-up-jwks.json"
    print(json.dumps(urls), flush=True)
    doorstep = Doorstep(**json.loads(sys.stdin.readline()))
    genuine_calls(doorstep)
    tampered_calls(doorstep)
    broken_calls(doorstep)
    mints(doorstep)
    print(json.dumps(doorstep.results), flush=True)


main()
