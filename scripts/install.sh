#!/usr/bin/env bash
# install.sh FOLDER: installs the library that cargo left in FOLDER, the header, otls.pc and the CMake
# package below $DESTDIR$PREFIX. The paths that the installed files name are below $PREFIX alone.
set -euo pipefail
built=$(realpath "$1")
cd "$(dirname "$0")/.."
: "${PREFIX:=/usr/local}" "${DESTDIR:=}"

version=$(sed -n '/^\[workspace.package\]/,/^\[/ s/^version = "\(.*\)"$/\1/p' Cargo.toml)
IFS=. read -r major minor _ <<<"$version"
soname=libotls.so.$major # as build.rs has the linker write into it
# What the standard library of Rust calls.
private="-lgcc_s -lutil -lrt -lpthread -lm -ldl -lc"

root=$DESTDIR$PREFIX
fill() { # fill TEMPLATE TARGET
    sed -e "s|@PREFIX@|$PREFIX|" -e "s|@VERSION@|$version|" -e "s|@SONAME@|$soname|" \
        -e "s|@MAJOR@|$major|" -e "s|@MINOR@|$minor|" -e "s|@PRIVATE@|$private|" "packaging/$1" |
        install -D -m 644 /dev/stdin "$root/$2"
}

install -D -m 755 "$built/libotls.so" "$root/lib/libotls.so.$version"
[ "$soname" = "libotls.so.$version" ] || ln -sf "libotls.so.$version" "$root/lib/$soname"
ln -sf "$soname" "$root/lib/libotls.so"
install -D -m 644 "$built/libotls.a" "$root/lib/libotls.a"
install -D -m 644 include/otls.h "$root/include/otls.h"
install -D -m 644 include/otls_oath.h "$root/include/otls_oath.h"
fill otls.pc.in lib/pkgconfig/otls.pc
fill otlsConfig.cmake.in lib/cmake/otls/otlsConfig.cmake
fill otlsConfigVersion.cmake.in lib/cmake/otls/otlsConfigVersion.cmake
echo "installed otls $version below $root"
