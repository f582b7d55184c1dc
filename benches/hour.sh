#!/usr/bin/env bash
# A simulated hour of traffic with faults thrown from a seed, on SQLite and on PostgreSQL (tests/hour): whatever went wrong,
# limits hold, what was answered is recorded, and nothing is granted, minted or redeemed that may not be.
#
#   benches/hour.sh                        an hour for each of the seeds 1, 2 and 3 on each engine
#   benches/hour.sh --seeds "7 8" --seconds 360
#   benches/hour.sh --write docs/HOUR.md   keep the table
#
# It runs the tests' own build: what is measured is whether it holds, not how fast it is. PostgreSQL is the server that
# DOORSTEP_TEST_POSTGRES names, or one of its own. A seed that fails is told with the command that runs it again.
# Exit code: 0 everything held, 1 not, 2 wrong usage.
set -euo pipefail
root="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"

seeds="1 2 3"
seconds=3600
write=""
while (($#)); do
  case "$1" in
    --seeds) seeds="${2:?--seeds wants numbers}"; shift ;;
    --seconds) seconds="${2:?--seconds wants a number}"; shift ;;
    --write) write="${2:?--write wants a file}"; shift ;;
    *) sed -n '2,12s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2; exit 2 ;;
  esac
  shift
done

work="$(mktemp -d)"
server=""
leave() {
  local code=$?
  [[ -z "$server" ]] || "$root/scripts/postgres" stop "$server"
  rm -rf -- "$work"
  exit "$code"
}
trap leave EXIT
if [[ -z "${DOORSTEP_TEST_POSTGRES:-}" ]]; then
  server="$(mktemp -d)"
  DOORSTEP_TEST_POSTGRES="$("$root/scripts/postgres" start "$server")"
  export DOORSTEP_TEST_POSTGRES
fi

export DOORSTEP_TEST_HOUR_SECONDS="$seconds" RUST_BACKTRACE=0
for seed in $seeds; do
  (cd "$root" && DOORSTEP_TEST_HOUR_SEED="$seed" \
    cargo test --quiet --locked --all-features --test hour -- --nocapture --test-threads=1) | tee -a "$work/said"
done

# Each run is a column, in which everything that was counted has its row.
table() {
  grep '^hour: ' "$work/said" | sort | awk -F': ' '
    {
      run++
      split($2, head, ", ")
      engine = engine " | " head[1]
      seed = seed " | " substr(head[2], 6)
      rule = rule "--:|"
      things = split($3, thing, /[,;] /)
      for (place = 1; place <= things; place++) {
        name = thing[place]; sub(/ [0-9]+$/, "", name)
        value = thing[place]; sub(/^.* /, "", value)
        if (!(name in known)) { known[name] = 1; names[++count] = name }
        values[name, run] = value
      }
    }
    END {
      print "| engine" engine " |"; print "|---|" rule; print "| seed" seed " |"
      for (place = 1; place <= count; place++) {
        row = "| " names[place]
        for (number = 1; number <= run; number++) row = row " | " ((names[place], number) in values ? values[names[place], number] : 0)
        print row " |"
      }
    }'
}

table
if [[ -n "$write" ]]; then
  commit="$(git -C "$root" describe --always --dirty 2>/dev/null || echo 'no commit')"
  {
    sed -n '1,/^<!-- runs -->$/p' "$write"
    printf '\nMeasured: commit %s, %s s on the clock of the servers. Made by %s.\n\n' "$commit" "$seconds" "\`benches/hour.sh\`"
    table
    printf '\n'
    sed -n '/^<!-- end -->$/,$p' "$write"
  } >"$work/whole.md"
  cat "$work/whole.md" >"$write"
fi
