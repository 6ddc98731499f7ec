#!/bin/sh
# Makes .venv with everything that the project needs, and says how to get what it cannot install itself.
#
# Does nothing when .venv is up to date. Settings, all optional:
#   PYTHON=...         the interpreter to use (3.11 or later)
#   CRISP_NO_APT=1     never call apt-get
#   PIP_...            pip's own settings, for example further package sources

set -eu
cd "$(dirname "$0")/.."
project=$(pwd)
venv_python=.venv/bin/python
stamp=.venv/crisp-stc.stamp

say() { echo "setup: $*"; }

fail() {
    echo "setup: error: $*" >&2
    exit 1
}

# What an environment was made for: this folder, these requirements, this recipe.
fingerprint() {
    { echo "$project"; cat pyproject.toml requirements.lock tools/setup.sh; } | sha256sum | cut -d' ' -f1
}

up_to_date() {
    [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$(fingerprint)" ] && "$venv_python" -c '' 2>/dev/null
}

# apt_install PACKAGE...: succeeds only if we may install system packages and the installation worked.
apt_install() {
    [ -z "${CRISP_NO_APT:-}" ] && command -v apt-get >/dev/null || return 1
    if [ "$(id -u)" = 0 ]; then sudo=; elif sudo -n true 2>/dev/null; then sudo="sudo -n"; else return 1; fi
    say "installing system package(s): $*"
    set -- env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@"
    $sudo "$@" >/dev/null 2>&1 || { $sudo apt-get update -qq >/dev/null 2>&1 && $sudo "$@" >/dev/null; }
}

# need_program PROGRAM PACKAGE
need_program() {
    command -v "$1" >/dev/null || apt_install "$2" || fail "\`$1\` is missing; run: sudo apt-get install $2"
}

# optional_package PACKAGE PURPOSE
optional_package() {
    dpkg-query -W -f='${Status}' "$1" 2>/dev/null | grep -q 'ok installed' && return
    apt_install "$1" && return
    say "going on without $1 ($2); to have it: sudo apt-get install $1"
}

recent() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; }

find_python() {
    for candidate in ${PYTHON:-python3 python3.14 python3.13 python3.12 python3.11}; do
        if recent "$candidate"; then
            echo "$candidate"
            return
        fi
    done
    if [ -n "${PYTHON:-}" ]; then fail "PYTHON=$PYTHON is not a Python 3.11 or later"; fi
    fail "no Python 3.11 or later found; run: sudo apt-get install python3 python3-venv (or set PYTHON=...)"
}

make_venv() {
    python=$(find_python)
    package=$("$python" -c 'import sys; print(f"python3.{sys.version_info[1]}-venv")')
    "$python" -c 'import ensurepip, venv' 2>/dev/null || apt_install "$package" ||
        fail "$python cannot make virtual environments; run: sudo apt-get install $package"
    say "making .venv with $("$python" --version)"
    rm -rf .venv
    "$python" -m venv .venv
}

# A .venv that was copied or moved here, lost its interpreter, or was made by an old Python.
usable_venv() {
    recent "$venv_python" && "$venv_python" -m pip --version >/dev/null 2>&1 &&
        "$venv_python" -c "import sys; sys.exit(sys.prefix != '$project/.venv')" &&
        grep -qF "$project/.venv" .venv/bin/activate
}

pip_install() { "$venv_python" -m pip install --quiet --disable-pip-version-check "$@"; }

# PyTorch for CPUs only is a version of its own, "+cpu", which not every package source has. The ordinary
# build for Linux works too, but brings gigabytes of GPU libraries along.
install_torch() {
    version=$(sed -n 's/^torch==//p' requirements.lock)
    if "$venv_python" -c 'import torch' 2>/dev/null; then return; fi
    say "installing PyTorch $version for CPUs"
    if pip_install --constraint requirements.lock "torch==$version+cpu" 2>/dev/null; then return; fi
    say "pip's package sources have no CPU-only PyTorch: installing the ordinary build, which may be large"
    say "(to avoid that, stop here and set PIP_EXTRA_INDEX_URL to the index that PyTorch's site names for CPUs)"
    pip_install --constraint requirements.lock "torch==$version"
}

install_packages() {
    install_torch
    say "installing the project and its Python packages"
    pip_install --constraint requirements.lock --editable '.[dev]' && return
    say "the versions of requirements.lock do not all fit this machine; trying other versions"
    pip_install --editable '.[dev]'
}

# cocotb loads Python into the simulator, so that the interpreter's shared library must be there.
need_shared_python() {
    check='import sys; from find_libpython import find_libpython; sys.exit(not find_libpython())'
    "$venv_python" -c "$check" && return
    package=$("$venv_python" -c 'import sys; print(f"libpython3.{sys.version_info[1]}")')
    apt_install "$package" && "$venv_python" -c "$check" ||
        fail "Python's shared library is missing; run: sudo apt-get install $package"
}

if up_to_date; then exit 0; fi
need_program g++ g++
need_program perl perl
usable_venv || make_venv
install_packages
need_shared_python
optional_package iverilog "a second, slower simulator"
optional_package dataset-fashion-mnist "the Fashion-MNIST images without a download"
fingerprint > "$stamp.partial"
mv "$stamp.partial" "$stamp"
say "done; programs are in .venv/bin"
