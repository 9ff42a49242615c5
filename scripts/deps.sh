#!/usr/bin/env bash
# deps.sh [interop|bench]: installs, with apt, the tools that the tests call and this machine lacks, and those
# of `make interop` or `make bench`. A tool that is there, in any version, is left alone.
set -euo pipefail

declare -a missing=()

need() { # need COMMAND PACKAGE
    command -v "$1" >/dev/null || missing+=("$2")
}

need gcc gcc
need g++ g++
need clang clang
need valgrind valgrind
need openssl openssl
need curl curl
need pkg-config pkg-config
need cmake cmake
need nm binutils
need certtool gnutls-bin
need puttygen putty-tools
need ssh-keygen openssh-client
need keytool default-jre-headless
need gpg gnupg
need redis-server redis-server
# Debian keeps PostgreSQL's programs out of the path.
compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null || need initdb postgresql
need tshark tshark
need oathtool oathtool
need zbarimg zbar-tools
need /usr/sbin/nginx nginx-light
need chromium chromium
need chromedriver chromium-driver
if [ "${1:-}" = interop ]; then
    need go golang-go
    need javac default-jdk-headless
fi

if [ "${1:-}" = bench ] && ! pkg-config --exists openssl; then
    missing+=(libssl-dev)
fi

# AddressSanitizer's run-time library is a package of its own, of clang's version.
asan_is_there() {
    command -v clang >/dev/null &&
        [ -e "$(clang -print-file-name="libclang_rt.asan-$(uname -m).a")" ]
}
asan_package() {
    local version
    if command -v clang >/dev/null; then
        version=$(clang -dumpversion)
    else
        version=$(apt-cache depends clang | sed -n 's/.*Depends: clang-\([0-9]*\)$/\1/p')
    fi
    echo "libclang-rt-${version%%.*}-dev"
}

# Debian's Python leaves out what `python3 -m venv` needs.
python3 -c 'import ensurepip' 2>/dev/null || missing+=(python3-venv)

if asan_is_there && [ ${#missing[@]} -eq 0 ]; then
    exit 0
fi

if ! command -v apt-get >/dev/null; then
    echo "deps: install by hand: ${missing[*]:-} and clang's AddressSanitizer run-time library" >&2
    exit 1
fi
as_root=()
[ "$(id -u)" -eq 0 ] || as_root=(sudo)

"${as_root[@]}" apt-get update -qq
asan_is_there || missing+=("$(asan_package)")
echo "deps: apt-get install ${missing[*]}" >&2
"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
    apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
