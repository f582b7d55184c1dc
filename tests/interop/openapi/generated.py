"""Mints verification tokens with the client that openapi-python-client made; `argv[1]` is the folder that it is in.

Reads {"server", "opener", "approver", "minter", "backend", "challenges"} from `argv[2]`, and prints {"by_steps", "in_one_call", "refused"}.
"""

import json
import sys

sys.path.insert(0, sys.argv[1])

from doorstep_client import AuthenticatedClient
from doorstep_client.api.verifications import approve_verification, mint_token, mint_token_in_one_call, open_verification
from doorstep_client.models import DecideVerification, MintedToken, MintToken, OpenByToken, Problem, ProblemCode, Verification

wanted = json.loads(sys.argv[2])


def client(key):
    return AuthenticatedClient(base_url=wanted["server"], token=wanted[key], httpx_args={"trust_env": False})


def expect(kind, answer):
    assert isinstance(answer, kind), answer
    return answer


challenge = OpenByToken(challenge_token=wanted["challenges"][0])
opened = expect(Verification, open_verification.sync(client=client("opener"), body=challenge, idempotency_key="once"))
decision = DecideVerification(reason="passport seen", actor="Ana")
approved = expect(Verification, approve_verification.sync(opened.id, client=client("approver"), body=decision))
assert approved.state == "approved" and approved.id == opened.id, approved
minted = expect(MintedToken, mint_token.sync(opened.id, client=client("minter"), body=MintToken()))

challenge = OpenByToken(challenge_token=wanted["challenges"][1])
at_once = expect(MintedToken, mint_token_in_one_call.sync(client=client("backend"), body=challenge))
refused = expect(Problem, mint_token_in_one_call.sync(client=client("backend"), body=OpenByToken(challenge_token="no")))
assert refused.code is ProblemCode.INVALID_CHALLENGE_TOKEN, refused

tokens = {"by_steps": minted.verification_token, "in_one_call": at_once.verification_token, "refused": refused.code.value}
print(json.dumps(tokens))
