"""Verifies what the emulator signs with `cryptography`. Usage: signatures.py WANTS

WANTS is a JSON object of {key_set_url, step_up_key_set_url, calls: [{kid, signature, body}], challenge_token}. Prints for
each call which salt length its signature has, whether it verifies, and whether it does for another body.
"""

import base64
import json
import sys
import urllib.request

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ed25519, padding, rsa

OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def decode(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def keys(url):
    with OPENER.open(url, timeout=10) as answer:
        return {key["kid"]: key for key in json.load(answer)["keys"]}


def holds(check):
    try:
        check()
        return True
    except InvalidSignature:
        return False


def judge_call(sets, call):
    jwk = sets[call["kid"]]
    n, e = (int.from_bytes(decode(jwk[name]), "big") for name in ("n", "e"))
    key = rsa.RSAPublicNumbers(e, n).public_key()
    signature = decode(call["signature"].removeprefix("rsassa-pss-sha256=").rstrip("="))
    lengths = {"32": 32, "max": padding.calculate_max_pss_salt_length(key, hashes.SHA256())}

    def verifies(salt, body):
        pss = padding.PSS(mgf=padding.MGF1(hashes.SHA256()), salt_length=salt)
        return holds(lambda: key.verify(signature, body, pss, hashes.SHA256()))

    body = call["body"].encode()
    fits = [name for name, length in lengths.items() if verifies(length, body)]
    bent = any(verifies(length, body + b" ") for length in lengths.values())
    return {"salt": "+".join(fits), "good": len(fits) == 1, "bent": bent}


def judge_token(sets, token):
    header, claims, signature = token.split(".")
    key = ed25519.Ed25519PublicKey.from_public_bytes(decode(sets[json.loads(decode(header))["kid"]]["x"]))
    signed = f"{header}.{claims}".encode()
    return {
        "good": holds(lambda: key.verify(decode(signature), signed)),
        "bent": holds(lambda: key.verify(decode(signature), signed + b"A")),
    }


wants = json.loads(sys.argv[1])
hook_keys = keys(wants["key_set_url"])
result = {
    "calls": [judge_call(hook_keys, call) for call in wants["calls"]],
    "challenge_token": judge_token(keys(wants["step_up_key_set_url"]), wants["challenge_token"]),
}
print(json.dumps(result))
