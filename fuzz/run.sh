#!/usr/bin/env bash
# Fuzzes what reads the words of strangers: no panic, no check that fails, no input that takes longer than ten seconds or more
# than 1 GiB.
#
#   fuzz/run.sh                        every target, five minutes each
#   fuzz/run.sh 60                     every target, a minute each
#   fuzz/run.sh hook challenge 3600    two of them, an hour each
#
# Each begins with what its inputs/TARGET.rs begins with, and with what it kept the last time under
# ${XDG_CACHE_HOME:-$HOME/.cache}/doorstep/fuzz. An input that failed is left in fuzz/artifacts; mended, it belongs into
# fuzz/found/TARGET, from where tests take it. The stable compiler serves: the instrumentation needs RUSTC_BOOTSTRAP.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
cargo_fuzz_version=0.13.2
all=(hook challenge callbacks events config loader)

targets=()
seconds=300
for argument in "$@"; do
  if [[ $argument =~ ^[1-9][0-9]*$ ]]; then
    seconds=$argument
  elif [[ " ${all[*]} " == *" $argument "* ]]; then
    targets+=("$argument")
  else
    echo "usage: fuzz/run.sh [TARGET …] [SECONDS], where a target is one of: ${all[*]}" >&2
    exit 2
  fi
done
((${#targets[@]})) || targets=("${all[@]}")

cache="${XDG_CACHE_HOME:-$HOME/.cache}/doorstep"
if [[ ! -x "$cache/cargo/bin/cargo-fuzz" ]]; then
  env -u CARGO_TARGET_DIR cargo install --quiet --locked --debug --root "$cache/cargo" "cargo-fuzz@$cargo_fuzz_version"
fi
export PATH="$cache/cargo/bin:$PATH" RUSTC_BOOTSTRAP=1
# Without the address sanitizer: there is no unsafe code here, and memory is to be measured as it is.
built=(--sanitizer none --target-dir "${CARGO_TARGET_DIR:-$cache/fuzz-target}")

# One row of the table in docs/FUZZING.md, from libFuzzer's own words.
row() {
  local log=$1 kept=$2
  awk -v target="$target" -v kept="$kept" -v day="$(date --utc +%F)" -v commit="$(git rev-parse --short HEAD)" '
    /^Done [0-9]+ runs in/ { seconds = $5 }
    /^stat::/ { stat[$1] = $2 }
    END {
      printf "| %s | %s | %s | %d | %d | %d | %d s | %d MB |\n", target, day, commit, seconds,
        stat["stat::number_of_executed_units:"], kept, stat["stat::slowest_unit_time_sec:"], stat["stat::peak_rss_mb:"]
    }' "$log"
}

rows=()
for target in "${targets[@]}"; do
  corpus="$cache/fuzz/$target"
  mkdir -p "$corpus" "fuzz/found/$target"
  nice -n 10 cargo fuzz build "$target" "${built[@]}"
  log="$(mktemp)"
  # Settings may name a file to read: standard input is none that waits.
  DOORSTEP_FUZZ_CORPUS="$corpus" nice -n 10 cargo fuzz run "$target" "${built[@]}" "$corpus" "fuzz/found/$target" -- \
    -max_total_time="$seconds" -timeout=10 -rss_limit_mb=1024 -max_len=65536 -dict="fuzz/dictionaries/$target.dict" \
    -print_final_stats=1 </dev/null 2>&1 | tee "$log"
  rows+=("$(row "$log" "$(find "$corpus" -type f | wc -l)")")
  rm "$log"
done
printf '\n| target | when | commit | seconds | inputs | kept of them | slowest | most memory |\n'
printf '%s\n' "${rows[@]}"
