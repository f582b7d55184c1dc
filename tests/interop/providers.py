"""Plays identity-check providers: signs events with the standard library and sends them. Usage: providers.py CASES

CASES is a JSON list of {"url", "scheme", "secret", "body", "spoiled"}, "body" being the exact text that is sent. "spoiled" is
null or one of "body", "secret", "old", "unsigned". Prints a JSON list of {"status", "body"}, one a case.
"""

import base64
import hashlib
import hmac
import json
import sys
import time
import urllib.error
import urllib.request


def mac(secret, text, algorithm=hashlib.sha256):
    return hmac.new(secret, text, algorithm)


def paired(name, secret, body, now):
    signature = mac(secret, f"{now}.".encode() + body).hexdigest()
    return {name: f"t={now},v1={signature}"}


def standard_webhooks(secret, body, now):
    key = base64.b64decode(secret.decode().removeprefix("whsec_"))
    message = "msg_" + hashlib.sha256(body).hexdigest()[:24]
    signature = mac(key, f"{message}.{now}.".encode() + body).digest()
    return {
        "webhook-id": message,
        "webhook-timestamp": str(now),
        "webhook-signature": "v1," + base64.b64encode(signature).decode(),
    }


def generic(secret, body, now):
    signature = mac(secret, f"{now}.".encode() + body, hashlib.sha512).digest()
    return {"X-Check-Signature": "sha512=" + base64.b64encode(signature).decode(), "X-Check-Time": str(now)}


SIGN = {
    "standard_webhooks": standard_webhooks,
    "persona": lambda secret, body, now: paired("Persona-Signature", secret, body, now),
    "sumsub": lambda secret, body, now: {
        "X-Payload-Digest": mac(secret, body).hexdigest(),
        "X-Payload-Digest-Alg": "HMAC_SHA256_HEX",
    },
    "veriff": lambda secret, body, now: {
        "X-AUTH-CLIENT": "8e4f7cd8-7a19-4d7d-971f-a076407ee03c",
        "X-HMAC-SIGNATURE": mac(secret, body).hexdigest(),
    },
    "onfido": lambda secret, body, now: {"X-SHA2-Signature": mac(secret, body).hexdigest()},
    "stripe_identity": lambda secret, body, now: paired("Stripe-Signature", secret, body, now),
    "didit": lambda secret, body, now: {
        "X-Signature": mac(secret, body).hexdigest(),
        "X-Timestamp": str(now),
    },
    "idenfy": lambda secret, body, now: {"Idenfy-Signature": mac(secret, body).hexdigest()},
    "generic": generic,
}


def send(case):
    body = case["body"].encode()
    secret = case["secret"].encode()
    now = int(time.time())
    spoiled = case["spoiled"]
    if spoiled == "secret":
        secret = secret[::-1] if case["scheme"] != "standard_webhooks" else b"whsec_" + base64.b64encode(b"x" * 24)
    headers = SIGN[case["scheme"]](secret, body, now - 3600 if spoiled == "old" else now)
    if spoiled == "unsigned":
        headers = {}
    if spoiled == "body":
        body = body.replace(b":", b": ", 1)
    headers["Content-Type"] = "application/json"
    request = urllib.request.Request(case["url"], data=body, headers=headers, method="POST")
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return {"status": answer.status, "body": json.load(answer)}
    except urllib.error.HTTPError as refused:
        return {"status": refused.code, "body": json.load(refused)}


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        cases = json.load(file)
    print(json.dumps([send(case) for case in cases]))


main()
