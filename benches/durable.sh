#!/usr/bin/env bash
# What a durable hook call costs whose rules ask about the user's past: SQLite and PostgreSQL, one server and two, 1, 32 and 256
# connections, beside the floor.
#
#   benches/durable.sh                                  the whole measure, some five minutes after building
#   benches/durable.sh --calls 1000 --rounds 1          a tenth of it
#   benches/durable.sh --max-ratio 1.6
#   benches/durable.sh --write docs/PERFORMANCE.md      keep the table, in its section of that file
#   benches/durable.sh --without-postgres               SQLite only
#
# Everything else goes to `load durable` (see `load durable --help`). PostgreSQL is a server of its own, which waits for the disk
# (fsync) as in production.
# Exit code: 0 measured and within the bound that was given, 1 not, 2 wrong usage.
set -euo pipefail
root="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
# shellcheck source=benches/build.sh
source "$root/benches/build.sh"

with_postgres=yes
options=()
for option in "$@"; do
  if [[ "$option" == --without-postgres ]]; then with_postgres=no; else options+=("$option"); fi
done

build_load
build_doorstep
make_work
if [[ "$with_postgres" == yes ]]; then
  start_postgres
  psql --no-psqlrc --quiet --command "ALTER SYSTEM SET fsync = on" --command "SELECT pg_reload_conf()" "$postgres" >/dev/null
  options+=(--postgres "$postgres" --postgres-pid "$(head -n 1 "$postgres_server/data/postmaster.pid")")
fi
commit="$(git -C "$root" describe --always --dirty 2>/dev/null || echo 'no commit')"
run_load durable --work "$work" --about "commit $commit" \
  --doorstep "$doorstep" --policies "$root/benches/limit-policies" "${options[@]}"
