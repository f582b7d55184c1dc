#!/usr/bin/env bash
# What a call costs whose conditions ask about a long past, beside the same call in an empty store.
#
#   benches/past.sh                              a million recorded verdicts
#   benches/past.sh --rows 10000000              ten million: some minutes and about 15 GB of disk (BENCH_DIR)
#   benches/past.sh --max-ratio 2 --max-distinct-ratio 5
#   benches/past.sh --write docs/PERFORMANCE.md  keep the table
#
# Everything goes to `load past` (see `load past --help`).
# Exit code: 0 measured and within the bounds that were given, 1 not, 2 wrong usage.
set -euo pipefail
root="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
# shellcheck source=benches/build.sh
source "$root/benches/build.sh"

build_load
build_doorstep
make_work
commit="$(git -C "$root" describe --always --dirty 2>/dev/null || echo 'no commit')"
run_load past --doorstep "$doorstep" --policies "$root/benches/past-policies" --work "$work" --about "commit $commit" "$@"
