#!/bin/sh
# Makes .venv with everything that the project needs, and says how to get what it cannot install itself.
#
# Does nothing when .venv is up to date. Settings, all optional:
#   PYTHON=...         the interpreter to use (3.11 or later)
#   GPU=1              PyTorch with its GPU libraries, gigabytes of them; without it, the build for CPUs
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
    [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$(fingerprint)" ] && "$venv_python" -c '' 2>/dev/null &&
        { [ -z "${GPU:-}" ] || has_gpu_torch; }
}

has_gpu_torch() {
    "$venv_python" -c 'import sys, torch.version as v; sys.exit(not (v.cuda or v.hip or v.xpu))' 2>/dev/null
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

# PyTorch for CPUs only is a version of its own, "+cpu", which not every package source has; uv knows where
# PyTorch's own are. The ordinary build for Linux works too, but brings gigabytes of GPU libraries along.
install_torch() {
    version=$(sed -n 's/^torch==//p' requirements.lock)
    if [ -n "${GPU:-}" ]; then
        if has_gpu_torch; then return; fi
        say "installing PyTorch $version with its GPU libraries: about 3 GB to download, 5 GB on the disk"
        pip_install --constraint requirements.lock --force-reinstall "torch==$version"
        has_gpu_torch || say "PyTorch $version for this machine has no GPU libraries: it runs on the CPU"
        return
    fi
    if "$venv_python" -c 'import torch' 2>/dev/null; then return; fi
    say "installing PyTorch $version for CPUs (GPU=1 takes the build for GPUs)"
    if pip_install --constraint requirements.lock "torch==$version+cpu" 2>/dev/null; then return; fi
    if uv_install --constraint requirements.lock "torch==$version"; then return; fi
    say "no source within reach has PyTorch for CPUs only: installing the ordinary build, on Linux with its"
    say "GPU libraries: about 3 GB to download, 5 GB on the disk. To avoid that, stop now with Ctrl-C and set"
    say "PIP_EXTRA_INDEX_URL to a source that has torch $version+cpu, such as the one PyTorch's site names"
    pip_install --constraint requirements.lock "torch==$version"
}

# uv_install PACKAGE...: by uv, from PyTorch's own source of builds for CPUs.
uv_install() {
    pip_install 'uv>=0.7' 2>/dev/null &&
        UV_HTTP_TIMEOUT=${UV_HTTP_TIMEOUT:-20} "$venv_python" -m uv pip install --quiet --torch-backend=cpu \
            --python "$venv_python" "$@" 2>/dev/null
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
