#!/usr/bin/env bash
# meanwhile.sh WHAT COMMAND...: runs a command, and says on standard error what takes so long while it does.
set -euo pipefail
what=$1 start=$SECONDS
shift
echo "$what" >&2
{
    while sleep 10; do
        echo "  ... $((SECONDS - start)) s" >&2
    done
} &
clock=$!
trap 'kill "$clock" 2>/dev/null || true' EXIT
"$@"
