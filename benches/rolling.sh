#!/usr/bin/env bash
# Two Doorsteps on one PostgreSQL behind Caddy, with the Caddyfile of ops/compose, restarted in turn under a steady load: no call may fail.
#
#   benches/rolling.sh                               each server five times, some three minutes after building
#   benches/rolling.sh --rounds 1 --lead 3s          a short one
#   benches/rolling.sh --lead 0s                     without the lead that OPERATIONS.md tells to set: may fail
#   benches/rolling.sh --write docs/PERFORMANCE.md   keep what came of it, in its section of that file
#
# Everything goes to `load rolling` (see `load rolling --help`). Exit code: 0 no call failed, 1 not, 2 wrong usage.
set -euo pipefail
root="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
# shellcheck source=benches/build.sh
source "$root/benches/build.sh"

build_load
build_doorstep
make_work
start_postgres
commit="$(git -C "$root" describe --always --dirty 2>/dev/null || echo 'no commit')"
run_load rolling --work "$work" --about "commit $commit" --store "$postgres" \
  --doorstep "$doorstep" --policies "$root/benches/policies" --caddyfile "$root/ops/compose/Caddyfile" "$@"
