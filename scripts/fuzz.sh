#!/usr/bin/env bash
# fuzz.sh SECONDS JOBS [TARGET…]: runs each fuzz target for so long, JOBS of them at a time, and says how many
# inputs each has tried in how much CPU time. After the first finding no other target begins; the finding is then in
# fuzz/artifacts. What is learnt goes to fuzz/found, beside the corpora in fuzz/corpus. Installs cargo-fuzz if it is
# missing; libFuzzer needs a nightly compiler.
set -euo pipefail
cd "$(dirname "$0")/.."

seconds=$1
jobs=$2
shift 2
rustup run nightly rustc --version >/dev/null 2>&1 || {
    echo "fuzz: no nightly compiler: run 'rustup toolchain install nightly'" >&2
    exit 1
}
command -v cargo-fuzz >/dev/null || cargo install --locked cargo-fuzz

cargo run --quiet --manifest-path fuzz/Cargo.toml --example seeds
declare -a targets=("$@")
[ ${#targets[@]} -gt 0 ] || mapfile -t targets < <(cargo +nightly fuzz list)
cargo +nightly fuzz build

run() { # run SECONDS TARGET
    local seconds=$1 target=$2 log=fuzz/found/$2.log status=0 TIMEFORMAT='%U %S'
    mkdir -p "fuzz/found/$target"
    {
        time cargo +nightly fuzz run "$target" "fuzz/found/$target" "fuzz/corpus/$target" -- \
            -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -verbosity=0 -print_final_stats=1 \
            -print_funcs=0 >"$log" 2>&1 || status=$?
    } 2>"$log.cpu"
    awk -v target="$target" -v cpu="$(tail -n 1 "$log.cpu")" '
        /^stat::number_of_executed_units/ { tried = $2 }
        END { split(cpu, s, " "); printf "%-12s %9d inputs, %5.0f s of CPU\n", target, tried, s[1] + s[2] }' "$log"
    [ "$status" -eq 0 ] && return
    tail -n 40 "$log" >&2
    echo "fuzz: $target has a finding: $log" >&2
    return 255 # xargs begins no other.
}
export -f run
printf '%s\n' "${targets[@]}" | xargs -P "$jobs" -I TARGET bash -euo pipefail -c "run $seconds TARGET"
