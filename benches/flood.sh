#!/usr/bin/env bash
# What a flood of forged calls does to honest ones: Doorstep alone, then while forged calls arrive.
#
#   benches/flood.sh                                  the whole measure, some five minutes after building
#   benches/flood.sh --calls 200 --rounds 1           a tenth of it
#   benches/flood.sh --max-p99-ratio 3
#   benches/flood.sh --write docs/PERFORMANCE.md      keep the table, in its section of that file
#
# Everything goes to `load flood` (see `load flood --help`).
# Exit code: 0 measured and within the bounds that were given, 1 not, 2 wrong usage.
set -euo pipefail
root="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
# shellcheck source=benches/build.sh
source "$root/benches/build.sh"

build_load
build_doorstep
make_work
commit="$(git -C "$root" describe --always --dirty 2>/dev/null || echo 'no commit')"
run_load flood --work "$work" --about "commit $commit" \
  --doorstep "$doorstep" --policies "$root/benches/policies" "$@"
