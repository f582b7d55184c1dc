"""Verifies tokens with PyJWT, each through the key set at its address. Usage: verify.py CASES

CASES is a JSON list of {"name", "key_set", "token"}. Prints a JSON list of {"name", "claims"} or {"name", "refused"}.
"""

import json
import sys

import jwt


def judge(case):
    key = jwt.PyJWKClient(case["key_set"], cache_keys=False).get_signing_key_from_jwt(case["token"])
    required = ["sub", "challenge_id", "key", "status", "iat", "nbf", "exp", "jti"]
    return jwt.decode(case["token"], key, algorithms=["RS256"], options={"require": required})


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        cases = json.load(file)
    results = []
    for case in cases:
        try:
            results.append({"name": case["name"], "claims": judge(case)})
        except jwt.PyJWTError as error:
            results.append({"name": case["name"], "refused": type(error).__name__})
    print(json.dumps(results))


main()
