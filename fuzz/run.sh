#!/usr/bin/env bash
# Fuzzes the policy loader: no panic, no input that takes longer than ten seconds or more than 1 GiB.
#
#   fuzz/run.sh           five minutes
#   fuzz/run.sh 3600      an hour
#
# Starts from the shipped bundle and keeps what it finds under ${XDG_CACHE_HOME:-$HOME/.cache}/doorstep/fuzz. An input that
# failed is left in fuzz/artifacts. The stable compiler serves: the instrumentation needs RUSTC_BOOTSTRAP.
set -euo pipefail
root="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
seconds="${1:-300}"
cargo_fuzz_version=0.13.2

cache="${XDG_CACHE_HOME:-$HOME/.cache}/doorstep"
corpus="$cache/fuzz/loader"
mkdir -p "$corpus"
if [[ ! -x "$cache/cargo/bin/cargo-fuzz" ]]; then
  env -u CARGO_TARGET_DIR cargo install --quiet --locked --debug --root "$cache/cargo" "cargo-fuzz@$cargo_fuzz_version"
fi

# Seeds: every shipped file alone, and the whole bundle.
: >"$corpus/shipped"
for file in "$root"/policies/*.yaml "$root"/policies/lists/*.txt; do
  { echo "=== ${file#"$root/policies/"}"; cat "$file"; } | tee "$corpus/$(basename "$file")" >>"$corpus/shipped"
done
cp "$root/benches/engines/rules/transfer.yaml" "$corpus/measured"

cd "$root"
# Without the address sanitizer: there is no unsafe code here, and memory is to be measured as it is.
RUSTC_BOOTSTRAP=1 PATH="$cache/cargo/bin:$PATH" nice -n 10 cargo fuzz run loader --sanitizer none \
  --target-dir "${CARGO_TARGET_DIR:-$cache/fuzz-target}" "$corpus" -- \
  -max_total_time="$seconds" -timeout=10 -rss_limit_mb=1024 -max_len=65536 -dict="$root/fuzz/policy.dict" -print_final_stats=1
