#!/usr/bin/env bash
# A Docker engine with compose v2, for `make compose-test`, where this machine has none. Says what it would do;
# `make engine ARGS=--yes` does it.
set -euo pipefail
COMPOSE=v2.40.3
yes=${1:-}
plugins=$HOME/.docker/cli-plugins
as_root=""
if [ "$(id -u)" != 0 ]; then as_root=sudo; fi

say() { printf '\033[1m[engine]\033[0m %s\n' "$*"; }
fail() { printf '[engine] %s\n' "$*" >&2; exit 1; }
todo=0
step() {   # step WHAT COMMAND: says it, or does it
  todo=$((todo + 1))
  say "$1"
  printf '           %s\n' "$2"
  if [ "$yes" = --yes ]; then bash -euo pipefail -c "$2" || fail "that failed"; fi
}

packages=()
command -v dockerd >/dev/null || packages+=(docker.io)
command -v iptables >/dev/null || packages+=(iptables)
command -v debootstrap >/dev/null || packages+=(debootstrap)
if ! docker info >/dev/null 2>&1 && [ ${#packages[@]} -gt 0 ]; then
  command -v apt-get >/dev/null || fail "no apt-get here: install a Docker engine by hand"
  step "install ${packages[*]} from this system's packages" \
    "$as_root apt-get update -qq && $as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq ${packages[*]} >/dev/null"
fi
if ! docker info >/dev/null 2>&1; then
  if [ -d /run/systemd/system ]; then
    step "start the engine" "$as_root systemctl start docker"
  else
    log=${TMPDIR:-/tmp}/dockerd.log
    step "start the engine in the background: no init system runs here. Its log is $log, its process the one that
           holds /var/run/docker.pid; kill that one to end it" \
      "$as_root sh -c 'nohup dockerd >$log 2>&1 &' ; timeout 60 sh -c 'until $as_root docker info >/dev/null 2>&1; do sleep 0.2; done'"
  fi
fi
if ! docker compose version >/dev/null 2>&1; then
  if apt-cache show docker-compose-v2 >/dev/null 2>&1; then
    step "install compose from this system's packages" "$as_root apt-get install -y -qq docker-compose-v2 >/dev/null"
  else
    command -v go >/dev/null || fail "compose $COMPOSE is built with Go, which is missing here: install one of the two"
    step "build compose $COMPOSE with Go (2 minutes) into $plugins" "
      work=\$(mktemp -d) && trap 'chmod -R u+w \$work; rm -rf \$work' EXIT
      from=\$(go mod download -json github.com/docker/compose/v2@$COMPOSE | sed -n 's/.*\"Dir\": \"\(.*\)\".*/\1/p')
      cp -r \"\$from\" \$work/compose && chmod -R u+w \$work/compose && cd \$work/compose
      mkdir -p $plugins
      go build -trimpath -ldflags '-s -w -X github.com/docker/compose/v2/internal.Version=$COMPOSE' \
        -o $plugins/docker-compose ./cmd"
  fi
fi
if [ $todo = 0 ]; then
  say "nothing to do: $(docker --version); $(docker compose version)"
elif [ "$yes" != --yes ]; then
  say "nothing was done. To do it: make engine ARGS=--yes"
fi
