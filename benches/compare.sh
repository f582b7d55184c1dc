#!/usr/bin/env bash
# What a hook call costs beside what somebody would write instead: the floor, Doorstep, and hooks by hand on Fastify and Express, with
# node:crypto and better-sqlite3, by group commit and by an INSERT a call, in turn, with the same signed calls.
#
#   benches/compare.sh                                the whole measure, some five minutes after building
#   benches/compare.sh --calls 1000 --rounds 1        a short one
#   benches/compare.sh --hold                         judge it: at most 1.5 times the floor (1.6 with limits), less than Fastify with
#                                                     group commit, a fifth of Express with an INSERT a call, 60 MB after the calls
#   benches/compare.sh --write docs/PERFORMANCE.md    keep the table, in its section of that file
#
# Everything goes to `load compare` (see `load compare --help`). The hooks by hand and what they are made of, from npm and pinned in
# benches/compare/package-lock.json, are kept in ${XDG_CACHE_HOME:-$HOME/.cache}/doorstep/compare. Their own tests run first.
# Exit code: 0 measured and within the bounds that were asked for, 1 not, 2 wrong usage.
set -euo pipefail
root="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
# shellcheck source=benches/build.sh
source "$root/benches/build.sh"
by_hand="${XDG_CACHE_HOME:-$HOME/.cache}/doorstep/compare"

# better-sqlite3 has a part in C++, for one version of Node.js: where nobody has it ready it is built, with the headers of this machine.
install_packages() {
  local wanted
  wanted="$(node --version) $(cat "$root"/benches/compare/package*.json | sha256sum)"
  [[ -f "$by_hand/installed" && "$(<"$by_hand/installed")" == "$wanted" ]] && return
  rm -rf "$by_hand"
  mkdir -p "$by_hand"
  cp "$root"/benches/compare/package*.json "$by_hand"
  [[ ! -f /usr/include/node/node.h ]] || export npm_config_nodedir=/usr
  (cd "$by_hand" && npm ci --no-audit --no-fund --loglevel=error) >&2
  echo "$wanted" >"$by_hand/installed"
}

install_packages
rm -f "$by_hand"/*.mjs
cp "$root"/benches/compare/*.mjs "$by_hand"
(cd "$by_hand" && node --test --test-reporter=dot) >&2
build_load
build_doorstep
make_work
commit="$(git -C "$root" describe --always --dirty 2>/dev/null || echo 'no commit')"
run_load compare --work "$work" --about "commit $commit, Node.js $(node --version)" --calls 10000 --warm-up 1000 --rounds 5 \
  --doorstep "$doorstep" --policies "$root/benches/policies" --limits "$root/benches/limit-policies" --by-hand "$by_hand" "$@"
