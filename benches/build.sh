# Sourced by the measures: builds what they run, makes a directory for their stores and clears it away.
# Wants $root; gives $load, $doorstep and $work.
# shellcheck shell=bash

: "${root:?is set by whoever sources this}"
target="$(realpath -m "${CARGO_TARGET_DIR:-$root/target}")"
# Another one than `release` is for trying a script out: its figures mean nothing.
profile="${BENCH_PROFILE:-release}"
built="$target/${profile/#dev/debug}"
# shellcheck disable=SC2034 # the measures use what is set here
load="$built/load"
# shellcheck disable=SC2034
doorstep="$built/doorstep"
work=""
load_pid=""
# The directory of the PostgreSQL server that the measure started, if it did.
postgres_server=""

# In $root, since rust-toolchain.toml holds for the directory that cargo is called in.
build_load() {
  (cd "$root" && cargo build --profile "$profile" --locked --quiet --manifest-path benches/load/Cargo.toml --target-dir "$target")
}

build_doorstep() {
  (cd "$root" && cargo build --profile "$profile" --locked --quiet --bin doorstep --target-dir "$target")
}

# BENCH_DIR chooses the disk: /tmp may be memory, where durability costs nothing.
make_work() {
  work="$(mktemp -d "${BENCH_DIR:-${TMPDIR:-/tmp}}/doorstep-bench.XXXXXXXX")"
  trap clear_away EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM
}

# Starts a PostgreSQL server of its own, and gives its address in $postgres. Its directory is beside the work directory, which
# PostgreSQL's own user may not enter.
start_postgres() {
  postgres_server="$(mktemp -d "${BENCH_DIR:-${TMPDIR:-/tmp}}/doorstep-postgres.XXXXXXXX")"
  # shellcheck disable=SC2034 # the measures use it
  postgres="$("$root/scripts/postgres" start "$postgres_server")"
}

stop_postgres() {
  [[ -z "$postgres_server" ]] || "$root/scripts/postgres" stop "$postgres_server" || true
  postgres_server=""
}

# Runs `load` so that a signal to this script ends it, and it ends the servers that it started.
run_load() {
  "$load" "$@" &
  load_pid=$!
  local code=0
  wait "$load_pid" || code=$?
  load_pid=""
  return "$code"
}

clear_away() {
  local code=$?
  trap - EXIT
  if [[ -n "$load_pid" ]]; then
    kill -TERM "$load_pid" 2>/dev/null || true
    wait "$load_pid" 2>/dev/null || true
  fi
  stop_postgres
  if [[ "$code" -eq 1 && -n "${BENCH_KEEP:-}" ]]; then
    echo "kept for a look: $work" >&2
  else
    rm -rf -- "$work"
  fi
  exit "$code"
}
