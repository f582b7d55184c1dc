#!/usr/bin/env bash
# What the policy language costs: one rule set in Doorstep and in three general engines, and the loading of large bundles.
#
#   benches/engines.sh                                the whole measure, about two minutes after building
#   benches/engines.sh --quick                        a tenth of it
#   benches/engines.sh --hold                         fail where a bound is not kept
#   benches/engines.sh --write docs/PERFORMANCE.md    keep the tables, in their section of that file
#
# Bounds: for the same work, every condition evaluated and each outcome noted, the best other engine needs at least 10 times the
# processor time; the large bundle costs at most 1.2 times what the small one does; bundles and lists load within the times and
# the memory that the table names.
# Building takes several minutes: three engines come with about 130 crates.
# Exit code: 0 measured (and within the bounds, with --hold), 1 not, 2 wrong usage.
set -euo pipefail
root="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
# shellcheck source=benches/build.sh
source "$root/benches/build.sh"

write=""
compare=()
loading=()
while (($#)); do
  case "$1" in
    --quick) compare+=(--rounds 3 --turn-ms 60) loading+=(--rounds 1) ;;
    --hold) compare+=(--min-advantage 10 --max-growth 1.2) loading+=(--hold) ;;
    --write) write="${2:?--write wants a file}"; shift ;;
    *) sed -n '2,13s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2; exit 2 ;;
  esac
  shift
done

(cd "$root" && cargo build --release --locked --quiet --manifest-path benches/engines/Cargo.toml --target-dir "$target")
make_work
commit="$(git -C "$root" describe --always --dirty 2>/dev/null || echo 'no commit')"
machine="$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1)"
{
  printf '# What the policy language costs\n\n'
  printf 'Measured: commit %s, on %s × %s. Made by %s.\n\n' "$commit" "$(nproc)" "$machine" "\`benches/engines.sh\`"
  printf 'Twenty rules with 38 conditions, the same in four languages; requests that all twenty are tried for. Figures are\n'
  printf 'medians of rounds in which the engines take turns, in brackets the lowest and the highest. Each of the others is\n'
  printf 'there twice: doing what Doorstep does, and as its users would call it. The bound is on the first; Doorstep also\n'
  printf 'writes down the values that were seen, which no other does.\n\n'
  "$target/release/engines" compare "${compare[@]}"
  "$target/release/engines" loading --work "$work" "${loading[@]}"
} | tee "$work/report.md"

if [[ -n "$write" ]]; then
  # The section goes to the end of the file: what stands before it is another measure's.
  { sed '/^# What the policy language costs$/,$d' "$write"; cat "$work/report.md"; } >"$work/whole.md"
  sed -e :a -e '/^\n*$/{$d;N;ba' -e '}' "$work/whole.md" >"$write"
fi
