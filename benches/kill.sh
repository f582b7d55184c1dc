#!/usr/bin/env bash
# Kills Doorstep (SIGKILL) in the middle of load, again and again on one store: whatever it answered must be there, once.
#
#   benches/kill.sh                      20 kills
#   benches/kill.sh --rounds 2           what CI runs
#   benches/kill.sh --seed 7             other moments
#   benches/kill.sh --floor              kill the floor instead: a test of this measure
#   benches/kill.sh --floor --floor-mode early   a floor that answers before its commit: must fail
#
# Everything but --floor goes to `load kill` (see `load kill --help`). Exit code: 0 all is there, 1 not, 2 wrong usage.
set -euo pipefail
root="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
# shellcheck source=benches/build.sh
source "$root/benches/build.sh"

with_doorstep=yes
options=()
for option in "$@"; do
  if [[ "$option" == --floor ]]; then with_doorstep=no; else options+=("$option"); fi
done

check=()
build_load
if [[ "$with_doorstep" == yes ]]; then
  build_doorstep
  options+=(--doorstep "$doorstep" --policies "$root/benches/policies")
else
  check+=(--repeats-allowed)
fi
make_work
run_load kill --work "$work" "${options[@]}"
python3 "$root/benches/ledger.py" "$work/ledger.txt" "$work/store.sqlite" "${check[@]}"
