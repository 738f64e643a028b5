#!/usr/bin/env bash
# Makes sure that a Docker engine with Compose and buildx answers: as it is where one does, else from Debian's packages.
set -euo pipefail
answers() { docker info >/dev/null 2>&1; }

if ! command -v dockerd >/dev/null && ! answers; then
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends docker.io iptables >/dev/null
fi

# Debian 12 has no Compose 2 and no buildx: both are single files out of sid's packages, nothing else is taken from there.
if ! docker compose version >/dev/null 2>&1 || ! docker buildx version >/dev/null 2>&1; then
  mirror=$(sed -n 's/^URIs: *//p' /etc/apt/sources.list.d/debian.sources 2>/dev/null | head -n 1)
  work=$(mktemp -d)
  trap 'rm -rf "$work"' EXIT
  mkdir -p "$work/state/lists/partial" "$work/cache/archives/partial"
  echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] ${mirror:-http://deb.debian.org/debian} sid main" >"$work/sources.list"
  options=(-o "Dir::Etc::sourcelist=$work/sources.list" -o Dir::Etc::sourceparts=- -o "Dir::State::lists=$work/state/lists"
    -o "Dir::Cache=$work/cache" -o APT::Sandbox::User=root)
  apt-get "${options[@]}" update -qq
  (cd "$work" && apt-get "${options[@]}" download -qq docker-compose docker-buildx)
  for package in "$work"/*.deb; do dpkg-deb -x "$package" "$work/unpacked"; done
  mkdir -p "$HOME/.docker/cli-plugins"
  cp "$work"/unpacked/usr/libexec/docker/cli-plugins/* "$HOME/.docker/cli-plugins/"
fi

if ! answers; then
  nohup dockerd >"${TMPDIR:-/tmp}/dockerd.log" 2>&1 &
  for _ in $(seq 60); do answers && break; sleep 0.5; done
fi
echo "engine $(docker info --format '{{.ServerVersion}}'), Compose $(docker compose version --short)"
