#!/usr/bin/env bash
# Everything that `make demo` and `make test` need, on a fresh Debian or Ubuntu with Python >= 3.11 and make.
# Idempotent: each step says what it does and is skipped when it is done already.
set -euo pipefail
cd "$(dirname "$0")/.."

say() { printf '\033[1m[setup]\033[0m %s\n' "$*"; }
fail() { printf '[setup] %s\n' "$*" >&2; exit 1; }

python=$(command -v python3 || true)
[ -n "$python" ] || fail "python3 is missing. Type: sudo apt-get install python3 python3-venv"
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
  fail "Marquee needs Python 3.11 or newer; $python is $("$python" -V 2>&1)."

# --- system packages, only what is missing ---------------------------------------------------------
java_major() { java -version 2>&1 | sed -n 's/.*version "\([0-9]*\).*/\1/p'; }
java_package() {   # 17 where the system has it (tested most), else 21 (Debian 13)
  apt-cache show openjdk-17-jre-headless >/dev/null 2>&1 ||
    { [ -r /etc/os-release ] && ! grep -q '^VERSION_ID="13"' /etc/os-release; } &&
    echo openjdk-17-jre-headless || echo openjdk-21-jre-headless
}
wanted=()
command -v redis-server >/dev/null || wanted+=(redis-server)
command -v chromium >/dev/null || wanted+=(chromium)   # the browser of tests/browser
"$python" -c 'import ensurepip' 2>/dev/null || wanted+=(python3-venv)
if ! command -v java >/dev/null || [ "$(java_major)" -lt 17 ]; then wanted+=("$(java_package)"); fi
if [ ${#wanted[@]} -gt 0 ]; then
  command="apt-get update && apt-get install -y ${wanted[*]}"
  command -v apt-get >/dev/null || fail "please install by hand: ${wanted[*]}"
  as_root=""
  if [ "$(id -u)" != 0 ]; then
    command -v sudo >/dev/null || fail "missing: ${wanted[*]}. As root, type: $command"
    as_root="sudo"
    sudo -n true 2>/dev/null || [ -t 0 ] || fail "missing: ${wanted[*]}. Type: sudo sh -c '$command'"
  fi
  say "installing ${wanted[*]} with apt-get"
  started=$SECONDS
  # RUNLEVEL=1 keeps Debian from starting a system-wide Redis that nobody asked for.
  $as_root env DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 sh -c \
    "apt-get update -qq && apt-get install -y -qq --no-install-recommends ${wanted[*]}" >/dev/null ||
    fail "apt-get failed. Type: ${as_root:+sudo }sh -c '$command'"
  say "done in $((SECONDS - started)) s, most of it downloads"
fi

# --- the project's own environment -------------------------------------------------------------
if [ ! -x .venv/bin/python ]; then
  say "creating .venv with $("$python" -V)"
  "$python" -m venv .venv
fi
if [ ! -x .venv/bin/uv ]; then
  say "installing uv into .venv"
  sed -n '/^uv==/,/[^\\]$/p' requirements/dev.txt > .venv/uv.txt
  .venv/bin/pip install --quiet --disable-pip-version-check --require-hashes -r .venv/uv.txt
fi
stamp=.venv/.marquee-setup
now=$(cat requirements/dev.txt ./*/pyproject.toml | sha256sum)
if [ "$(cat "$stamp" 2>/dev/null)" != "$now" ]; then
  say "installing the pinned packages (requirements/dev.txt) and the five members"
  started=$SECONDS
  .venv/bin/uv pip install --quiet --python .venv --require-hashes -r requirements/dev.txt
  .venv/bin/uv pip install --quiet --python .venv --no-deps --no-build-isolation \
    -e shared -e offline -e nearline -e online -e infra
  echo "$now" > "$stamp"
  say "done in $((SECONDS - started)) s, most of it downloads"
fi
