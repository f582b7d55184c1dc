#!/usr/bin/env bash
# What a verification token costs: Doorstep beside a floor that reads the request, makes one RSA signature and answers.
#
#   benches/mint.sh                                   the whole measure, some two minutes after building
#   benches/mint.sh --calls 600 --rounds 3            a tenth of it
#   benches/mint.sh --max-ratio 1.25 --max-one-call-ratio 1.5
#   benches/mint.sh --write docs/PERFORMANCE.md       keep the table, in its section of that file
#
# Everything goes to `load mint` (see `load mint --help`).
# Exit code: 0 measured and within the bounds that were given, 1 not, 2 wrong usage.
set -euo pipefail
root="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
# shellcheck source=benches/build.sh
source "$root/benches/build.sh"

build_load
build_doorstep
make_work
commit="$(git -C "$root" describe --always --dirty 2>/dev/null || echo 'no commit')"
run_load mint --work "$work" --about "commit $commit" \
  --doorstep "$doorstep" --policies "$root/benches/step-policies" "$@"
