#!/usr/bin/env bash
# Make a virtual environment at DIR (default .venv) with pip in it, or leave a working one alone.
#
# Debian and Ubuntu ship python3 without ensurepip, so the plain `python3 -m venv` of every guide fails there on a fresh
# machine. This script installs the missing package where it may (root, or sudo without a password) and otherwise prints
# the one command to run.
set -euo pipefail

venv=${1:-.venv}
oldest=3.11

say() { echo "create_venv: $*" >&2; }

is_new_enough() {
  "$1" -c "import sys; sys.exit(sys.version_info < tuple(map(int, '$oldest'.split('.'))))" 2>/dev/null
}

find_python() {
  local name
  for name in ${PYTHON:-python3 python3.14 python3.13 python3.12 python3.11}; do
    if command -v "$name" >/dev/null && is_new_enough "$name"; then
      command -v "$name"
      return
    fi
  done
  say "no Python $oldest or newer found (looked for ${PYTHON:-python3, python3.11 and up})"
  say "install one, or name it: make setup PYTHON=/path/to/python$oldest"
  exit 2
}

# What apt needs in front of it to be allowed to install: nothing for root, sudo where it asks no password.
may_install() {
  command -v apt-get >/dev/null || return 1
  if [ "$(id -u)" -eq 0 ]; then
    as_root=()
  elif sudo -n true 2>/dev/null; then
    as_root=(sudo -n)
  else
    return 1
  fi
}

provide_ensurepip() {
  "$1" -c 'import ensurepip' 2>/dev/null && return
  local package
  package=$("$1" -c 'import sys; print("python{}.{}-venv".format(*sys.version_info))')
  if ! may_install; then
    say "$1 cannot make virtual environments: its ensurepip module is missing"
    say "run this and try again: sudo apt-get install --yes $package"
    exit 2
  fi
  say "installing $package, because $1 comes without ensurepip"
  export DEBIAN_FRONTEND=noninteractive
  "${as_root[@]}" apt-get -qq update
  "${as_root[@]}" apt-get -qq install --yes --no-install-recommends "$package" >/dev/null
}

if "$venv/bin/python" -m pip --version >/dev/null 2>&1 && is_new_enough "$venv/bin/python"; then
  exit 0
fi
python=$(find_python)
provide_ensurepip "$python"
say "making $venv with $("$python" --version)"
"$python" -m venv --clear "$venv"
