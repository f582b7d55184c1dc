#!/usr/bin/env bash
# Kills Doorstep (SIGKILL) in the middle of load, again and again on one store: whatever it answered must be there, once.
#
#   benches/kill.sh                      20 kills, on SQLite
#   benches/kill.sh --on-postgres        the same on a PostgreSQL server of its own
#   benches/kill.sh --of-postgres --rounds 10   kills that server instead of Doorstep
#   benches/kill.sh --rounds 2           what CI runs
#   benches/kill.sh --seed 7             other moments
#   benches/kill.sh --floor              kill the floor instead: a test of this measure
#   benches/kill.sh --floor --floor-mode early   a floor that answers before its commit: must fail
#
# Everything else goes to `load kill` (see `load kill --help`). Exit code: 0 all is there, 1 not, 2 wrong usage.
set -euo pipefail
root="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
# shellcheck source=benches/build.sh
source "$root/benches/build.sh"

with_doorstep=yes
postgres=no
options=()
for option in "$@"; do
  case "$option" in
    --floor) with_doorstep=no ;;
    --on-postgres) postgres=on ;;
    --of-postgres) postgres=of ;;
    *) options+=("$option") ;;
  esac
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
store="$work/store.sqlite"
if [[ "$postgres" != no ]]; then
  # Beside the work directory, which PostgreSQL's own user may not enter.
  server="$(mktemp -d "${BENCH_DIR:-${TMPDIR:-/tmp}}/doorstep-postgres.XXXXXXXX")"
  trap '"$root/scripts/postgres" stop "$server"; clear_away' EXIT
  store="$("$root/scripts/postgres" start "$server")"
  options+=(--store "$store")
  [[ "$postgres" == on ]] || options+=(--postgres "$server" --postgres-script "$root/scripts/postgres")
fi
run_load kill --work "$work" "${options[@]}"
python3 "$root/benches/ledger.py" "$work/ledger.txt" "$store" "${check[@]}"
