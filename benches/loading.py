#!/usr/bin/env python3
"""Checks that the largest bundles load, and in how much memory.

    loading.py DOORSTEP

DOORSTEP is the program; `doorstep policy check` loads each bundle in a process of its own. Exit code: 0 when each of them
loads and keeps to its memory, 1 when not, 2 for wrong usage. Times are shown and judge nothing: a shared machine is no
scale for them (benches/engines.sh --hold judges them). Memory is the process's own (RssAnon), looked at every two milliseconds:
of the program's file more or less is mapped, as the system has it at hand.
"""

import os
import re
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

RULES = Path(__file__).parent / "engines/rules/transfer.yaml"
# So many seconds mean that it will never end.
SECONDS_MAX = 120
# Against a process that takes the machine down with it; the allocator reserves more than it uses.
ADDRESS_SPACE_BYTES_MAX = 4 << 30


def many_rules():
    """20 rules in each of 1,000 files."""
    text = RULES.read_text()
    files = {f"scope-{at:04}.yaml": text.replace("[transfer:write]", f"['scope-{at}:write']") for at in range(1000)}
    if len(set(files.values())) != len(files):
        raise SystemExit(f"loading.py: {RULES} does not say `[transfer:write]`")
    return files


def listed(field, entries):
    """One rule that looks into one list."""
    rule = f"{{ id: listed, when: {{ {field}: {{ in_list: long }} }}, then: block }}"
    scope = f"scopes: [transfer:write]\nrules:\n  - {rule}\notherwise: block\n"
    return {"transfer.yaml": scope, "lists/long.txt": "".join(f"{entry}\n" for entry in entries)}


def texts():
    return listed("user_id", (f"usr_{at * 7:09}" for at in range(1_000_000)))


def addresses():
    def address(at):
        if at % 8 == 0:
            return f"2001:db8:{at >> 16:x}:{at & 0xFFFF:x}::1"
        number = 0x0B000000 + at * 3
        return ".".join(str(number >> shift & 0xFF) for shift in (24, 16, 8, 0))

    return listed("signals.ip", map(address, range(1_000_000)))


# What it is, how many rules it has, its files, and the most MiB that the process may have meanwhile: of the lists, twenty more
# than benches/engines.sh --hold allows, for what a command has besides them.
BUNDLES = [
    ("20,000 rules, 1,000 scopes", 20_000, many_rules, 300),
    ("a list of 1,000,000 texts", 1, texts, 120),
    ("a list of 1,000,000 addresses", 1, addresses, 120),
]


def own_kib(pid):
    status = Path(f"/proc/{pid}/status").read_text()
    found = re.search(r"^RssAnon:\s+(\d+) kB$", status, re.MULTILINE)
    # A process that has ended has none.
    return int(found[1]) if found else 0


def load(doorstep, directory):
    """Loads a directory: exit code, what was said, seconds of processor time, MiB."""

    def limited():
        resource.setrlimit(resource.RLIMIT_AS, (ADDRESS_SPACE_BYTES_MAX, ADDRESS_SPACE_BYTES_MAX))

    command = [doorstep, "policy", "check", str(directory)]
    with tempfile.TemporaryFile("w+") as said, tempfile.TemporaryFile("w+") as found:
        process = subprocess.Popen(command, stdout=said, stderr=found, preexec_fn=limited)
        deadline = time.monotonic() + SECONDS_MAX
        peak_kib = 0
        while True:
            pid, status, used = os.wait4(process.pid, os.WNOHANG)
            if pid:
                break
            if time.monotonic() > deadline:
                process.kill()
            peak_kib = max(peak_kib, own_kib(process.pid))
            time.sleep(0.002)
        process.returncode = os.waitstatus_to_exitcode(status)
        said.seek(0)
        found.seek(0)
        words = said.read() or found.read(2048)
        return process.returncode, words, used.ru_utime + used.ru_stime, peak_kib / 1024


def load_files(doorstep, files):
    with tempfile.TemporaryDirectory() as directory:
        (Path(directory) / "lists").mkdir()
        for name, text in files.items():
            (Path(directory) / name).write_text(text)
        return load(doorstep, directory)


def main(arguments):
    if len(arguments) != 1:
        print(__doc__.strip(), file=sys.stderr)
        return 2
    broken = []
    for what, rules, files, mib_max in BUNDLES:
        code, said, seconds, mib = load_files(arguments[0], files())
        print(f"{what}: {seconds:.2f} s of processor time, {mib:.0f} MiB (at most {mib_max})")
        if code != 0 or not re.search(rf", {rules} rules, no faults; ", said):
            broken.append(f"{what}: does not load ({code}): {said}")
        elif mib > mib_max:
            broken.append(f"{what}: takes {mib:.0f} MiB")
    for line in broken:
        print(f"loading.py: {line}", file=sys.stderr)
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
