#!/usr/bin/env bash
# Kills Doorstep (SIGKILL) in the middle of load, again and again on one store: whatever it answered must be there, once.
#
#   benches/kill.sh                      20 kills, on SQLite
#   benches/kill.sh --on-postgres        the same on a PostgreSQL server of its own
#   benches/kill.sh --of-postgres --rounds 10   kills that server instead of Doorstep
#   benches/kill.sh --rounds 2           what CI runs
#   benches/kill.sh --write docs/KILLS.md   all three series (20, 20 and 10 kills), and keeps what came of them
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
series=sqlite
write=""
rounds=""
options=()
while (($#)); do
  case "$1" in
    --floor) with_doorstep=no ;;
    --on-postgres) series=on-postgres ;;
    --of-postgres) series=of-postgres ;;
    --rounds) rounds="${2:?--rounds wants a number}"; shift ;;
    --write) write="${2:?--write wants a file}"; shift ;;
    *) options+=("$1") ;;
  esac
  shift
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

# Runs a series (sqlite, on-postgres, of-postgres) of so many kills, 20 where nothing is said, and says what came of it.
kill_again_and_again() {
  local own=() store="$work/$1/store.sqlite"
  [[ -z "$2" ]] || own+=(--rounds "$2")
  if [[ "$1" != sqlite ]]; then
    start_postgres
    store="$postgres"
    own+=(--store "$store")
    [[ "$1" == on-postgres ]] || own+=(--postgres "$postgres_server" --postgres-script "$root/scripts/postgres")
  fi
  run_load kill --work "$work/$1" "${options[@]}" "${own[@]}"
  python3 "$root/benches/ledger.py" "$work/$1/ledger.txt" "$store" "${check[@]}" | tee "$work/$1.said"
  stop_postgres
}

if [[ -z "$write" ]]; then
  kill_again_and_again "$series" "$rounds"
  exit
fi

: "${rounds:=20}"
half=$(((rounds + 1) / 2))
kill_again_and_again sqlite "$rounds"
kill_again_and_again on-postgres "$rounds"
kill_again_and_again of-postgres "$half"
commit="$(git -C "$root" describe --always --dirty 2>/dev/null || echo 'no commit')"
said() { sed 's/^/    /' "$work/$1.said"; }
cat >"$write" <<REPORT
# Killed under load

Measured: commit $commit, $(date --utc +%F). Made by \`benches/kill.sh --write docs/KILLS.md\`: SIGKILL in the middle of load, at seeded
moments, on one store; what was under way is sent again, byte for byte, to the next server; then every answered call is looked up and
the store's files are checked (\`PRAGMA integrity_check\`; \`amcheck\` of the indexes).

Doorstep, killed $rounds times on SQLite:

$(said sqlite)

Doorstep, killed $rounds times on PostgreSQL:

$(said on-postgres)

PostgreSQL itself, all of its processes, killed $half times while one Doorstep goes on; calls that are answered 503 meanwhile are sent again:

$(said of-postgres)

Every answered verdict was there, exactly once. \`scripts/test\` runs a tenth of each series. A floor that answers before its commit fails
the first one (\`benches/kill.sh --floor --floor-mode early\`). Power failures are not tested: PostgreSQL runs without waiting for the disk
here, and a killed process loses nothing that it had handed to the system.
REPORT
