#!/usr/bin/env bash
# Makes sure that every third-party image that docker-compose.yml names is on this engine: one that is there is
# left alone, one that a registry has is pulled, and where no registry can be reached a local stand-in is built
# under the same name: same ports, same environment, same commands as far as docker-compose.yml uses them.
set -euo pipefail
cd "$(dirname "$0")/../../.."
here=infra/images/local
cache=${MARQUEE_CACHE:-$HOME/.cache/marquee}
work=$(mktemp -d)
trap 'rm -rf --one-file-system "$work"' EXIT   # a debootstrap that failed leaves /proc mounted
export DOCKER_BUILDKIT=0   # works on an engine without buildx too

say() { printf '\033[1m[images]\033[0m %s\n' "$*"; }
fail() { printf '[images] %s\n' "$*" >&2; exit 1; }
config() {   # config KEY...: what docker-compose.yml says there, .env included
  docker compose config --format json | .venv/bin/python -c "
import functools, json, sys
print(functools.reduce(lambda found, key: found[key], sys.argv[1:], json.load(sys.stdin)['services']))" "$@"
}

wanted() {   # wanted NAME: it is neither here nor in a registry
  docker image inspect "$1" >/dev/null 2>&1 && return 1
  say "pulling $1"
  timeout 300 docker pull --quiet "$1" >/dev/null 2>"$work/pull" && return 1
  say "no registry gives $1 ($(tail -n 1 "$work/pull" | cut -c1-120)): building a local stand-in"
}
stand_in() {   # stand_in NAME FOLDER: a Dockerfile of ours, its context in FOLDER
  docker build --quiet --label org.marquee.stand-in=true --build-arg BASE_IMAGE="$base" -t "$1" "$2" >/dev/null
}

# --- base image: Debian by debootstrap, with this machine's certificates -----------------------------------
base=$(config online build args BASE_IMAGE)
if wanted "$base"; then
  command -v debootstrap >/dev/null || fail "debootstrap is missing. Type: sudo apt-get install debootstrap"
  [ "$(id -u)" = 0 ] || fail "debootstrap needs root. Type: sudo $0"
  debootstrap --variant=minbase --include=ca-certificates bookworm "$work/debian" >"$work/debootstrap.log" 2>&1 ||
    fail "debootstrap failed: $(tail -n 1 "$work/debootstrap.log")"
  cp /etc/ssl/certs/ca-certificates.crt "$work/debian/etc/ssl/certs/ca-certificates.crt"
  rm -rf "$work"/debian/var/cache/apt/*.bin "$work"/debian/var/cache/apt/archives/*.deb "$work"/debian/var/lib/apt/lists/* \
    "$work"/debian/usr/share/{doc,man,locale,info}/*   # as the image that it stands for
  tar -C "$work/debian" -c . | docker import --change 'LABEL org.marquee.stand-in=true' --change 'CMD ["bash"]' \
    - "$base" >/dev/null
fi

# --- Kafka from its Maven artefacts ------------------------------------------------------------------------
kafka=$(config kafka image)
if wanted "$kafka"; then
  mkdir "$work/kafka" && cp "$here"/kafka/* "$work/kafka" && mkdir "$work/kafka/libs"
  .venv/bin/python -m marquee_infra.kafka_jars "$work/kafka/libs"
  stand_in "$kafka" "$work/kafka"
fi

# --- Redis from Debian -------------------------------------------------------------------------------------
redis=$(config redis image)
if wanted "$redis"; then stand_in "$redis" "$here/redis"; fi

# --- versitygw, built by Go --------------------------------------------------------------------------------
store=$(config store image)
if wanted "$store"; then
  infra/versitygw.sh
  mkdir "$work/store" && cp "$here/store/Dockerfile" "$cache/versitygw-1.8.0/versitygw" "$work/store"
  stand_in "$store" "$work/store"
fi
