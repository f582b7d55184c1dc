#!/usr/bin/env bash
# What a hook call costs: Doorstep beside a floor built from the same parts, in turn, with the same signed calls.
#
#   benches/hook.sh                                   the whole measure, about two minutes after building
#   benches/hook.sh --calls 3000 --rounds 3           a tenth of it
#   benches/hook.sh --max-ratio 1.35 --max-ready-ms 300 --max-rest-mib 40
#   benches/hook.sh --write docs/PERFORMANCE.md       keep the table
#   benches/hook.sh --tracing                         with traces besides: of 0, 1 and 100 % of the calls
#   benches/hook.sh --calls 1000000 --rounds 1 --limits benches/limit-policies --max-after-mb 60
#                                                     a million, and how memory grows: a quarter of an hour
#   benches/hook.sh --floor-only                      without Doorstep
#
# Everything but --floor-only goes to `load compare` (see `load compare --help`).
# Exit code: 0 measured and within the bounds that were given, 1 not, 2 wrong usage.
set -euo pipefail
root="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
# shellcheck source=benches/build.sh
source "$root/benches/build.sh"

with_doorstep=yes
options=()
for option in "$@"; do
  if [[ "$option" == --floor-only ]]; then with_doorstep=no; else options+=("$option"); fi
done

build_load
if [[ "$with_doorstep" == yes ]]; then
  build_doorstep
  options+=(--doorstep "$doorstep" --policies "$root/benches/policies")
fi
make_work
commit="$(git -C "$root" describe --always --dirty 2>/dev/null || echo 'no commit')"
run_load compare --work "$work" --about "commit $commit" "${options[@]}"
