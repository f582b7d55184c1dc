#!/usr/bin/env python3
"""Checks that a store holds every answered call exactly once.

    ledger.py LEDGER STORE [--repeats-allowed]

LEDGER has a line `USER VERDICT` for every call that was answered; no two calls share a user. STORE is a SQLite file, or a
PostgreSQL database by its address, with a table `decisions` that has the columns `user_id` and `verdict`. Exit code: 0 when all is there, 1 when not, 2 for
wrong usage. `--repeats-allowed` is for the floor, which does not know a repeated call.
"""

import sqlite3
import subprocess
import sys
from collections import Counter
from pathlib import Path

SHOWN_MAX = 10


def read_ledger(path):
    answered = {}
    for number, line in enumerate(Path(path).read_text().splitlines(), start=1):
        user, _, verdict = line.partition(" ")
        if verdict not in ("continue", "review", "block"):
            raise SystemExit(f"ledger.py: {path}:{number} is not `USER VERDICT`")
        if user in answered:
            raise SystemExit(f"ledger.py: {path}:{number} names a user a second time")
        answered[user] = verdict
    return answered


ALL = "SELECT user_id, verdict FROM decisions"


def read_file(store):
    # Read and write: a store that was killed must recover its log, which a read-only connection could not.
    connection = sqlite3.connect(f"{Path(store).resolve().as_uri()}?mode=rw", uri=True)
    integrity = [row[0] for row in connection.execute("PRAGMA integrity_check")]
    rows = connection.execute(ALL).fetchall()
    connection.close()
    return rows, integrity


def read_database(store):
    def ask(sql):
        command = ["psql", "--no-psqlrc", "--quiet", "--tuples-only", "--no-align", "--command", sql, store]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()

    # Reads every page of the table and follows its indexes; amcheck says what is wrong by failing.
    checks = "CREATE EXTENSION IF NOT EXISTS amcheck; SELECT bt_index_check(indexrelid, true) FROM pg_index"
    ask(f"{checks} WHERE indrelid IN ('decisions'::regclass, 'signatures'::regclass)")
    return [tuple(line.split("|")) for line in ask(ALL)], ["ok"]


def faults(answered, store, repeats_allowed):
    rows, integrity = read_database(store) if store.startswith("postgres:") else read_file(store)
    if integrity != ["ok"]:
        yield f"PRAGMA integrity_check: {'; '.join(integrity[:SHOWN_MAX])}"
    verdicts = dict(rows)
    missing = [user for user in answered if user not in verdicts]
    if missing:
        yield f"{len(missing)} answered calls are not in the store: {missing[:SHOWN_MAX]}"
    differing = [user for user, verdict in answered.items() if verdicts.get(user, verdict) != verdict]
    if differing:
        yield f"{len(differing)} calls were answered otherwise than recorded: {differing[:SHOWN_MAX]}"
    repeated = [user for user, count in Counter(user for user, _ in rows).items() if count > 1]
    if repeated and not repeats_allowed:
        yield f"{len(repeated)} calls are in the store more than once: {repeated[:SHOWN_MAX]}"
    unasked = len(verdicts.keys() - answered.keys())
    print(f"{len(answered)} answered, {len(rows)} recorded ({unasked} of them never answered), integrity {integrity[0]}")


def main(arguments):
    flags = [argument for argument in arguments if argument.startswith("--")]
    paths = [argument for argument in arguments if not argument.startswith("--")]
    if len(paths) != 2 or not set(flags) <= {"--repeats-allowed"}:
        print(__doc__, file=sys.stderr)
        return 2
    answered = read_ledger(paths[0])
    if not answered:
        print("ledger.py: the ledger is empty: nothing was tested", file=sys.stderr)
        return 1
    found = list(faults(answered, paths[1], "--repeats-allowed" in flags))
    for fault in found:
        print(f"ledger.py: {fault}", file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
