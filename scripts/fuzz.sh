#!/usr/bin/env bash
# fuzz.sh SECONDS [TARGET…]: runs each fuzz target for so long; stops at the first finding, which is
# then in fuzz/artifacts. What it learns goes to fuzz/found, beside the corpora in fuzz/corpus. Installs
# cargo-fuzz if it is missing; libFuzzer needs a nightly compiler.
set -euo pipefail
cd "$(dirname "$0")/.."

seconds=$1
shift
rustup run nightly rustc --version >/dev/null 2>&1 || {
    echo "fuzz: no nightly compiler: run 'rustup toolchain install nightly'" >&2
    exit 1
}
command -v cargo-fuzz >/dev/null || cargo install --locked cargo-fuzz

cargo run --quiet --manifest-path fuzz/Cargo.toml --example seeds
declare -a targets=("$@")
[ ${#targets[@]} -gt 0 ] || mapfile -t targets < <(cargo +nightly fuzz list)
for target in "${targets[@]}"; do
    echo "== $target, $seconds s"
    mkdir -p "fuzz/found/$target"
    cargo +nightly fuzz run "$target" "fuzz/found/$target" "fuzz/corpus/$target" -- -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -verbosity=0 \
        -print_final_stats=1 -print_funcs=0
done
