#!/usr/bin/env bash
# ci_docker.sh start [--fake-gpu] | stop [--purge]: a Docker engine for the tests on a machine where none answers.
#
# `start` uses the engine that answers at $DOCKER_HOST or /var/run/docker.sock and touches nothing else. Where none does,
# it installs the distribution's docker.io (root and apt only), starts dockerd with its own data directory and gives it a
# stand-in for the Python base image (tests/support/base_image.py). With --fake-gpu the engine also has the stand-in for
# NVIDIA's hook (tests/support/fake_gpu), so that GPU requests succeed without a GPU: for tests only, because NVML answers
# there and CUDA does not. `stop` ends only an engine that `start` has started, with every container on it; `stop --purge`
# deletes its images too.
set -euo pipefail

root=$(cd "$(dirname "$0")/.." && pwd)
socket=/var/run/docker.sock
state=${CI_DOCKER_DIR:-/run/gaia-docker}
data=${CI_DOCKER_DATA:-/var/lib/gaia-docker}
kit=$state/fake-gpu

say() { echo "ci_docker: $*"; }
fail() { echo "ci_docker: $*" >&2; exit 1; }

# api METHOD PATH: one request to the engine on the socket; the answer's body on stdout, failure without a 2xx.
api() {
  python3 - "$socket" "$@" 2>/dev/null <<'PYTHON'
import http.client, socket, sys

path, method, target = sys.argv[1:]
connection = http.client.HTTPConnection("engine", timeout=10)
connection.sock = socket.socket(socket.AF_UNIX)
connection.sock.settimeout(10)
connection.sock.connect(path)
connection.request(method, target)
answer = connection.getresponse()
sys.stdout.write(answer.read().decode())
sys.exit(0 if 200 <= answer.status < 300 else 1)
PYTHON
}

answers() {
  if [ -n "${DOCKER_HOST:-}" ] && [ "$DOCKER_HOST" != "unix://$socket" ]; then
    docker version >/dev/null 2>&1 || fail "DOCKER_HOST=$DOCKER_HOST does not answer; unset it, or start that engine"
  else
    api GET /_ping >/dev/null
  fi
}

# runs NAME PIDFILE: whether that process lives. A zombie does not: `kill -0` would call it alive, and so does dockerd,
# which then refuses to start on the pid file of its dead predecessor.
runs() {
  local pid
  pid=$(cat "$2" 2>/dev/null) || return 1
  [ "$(awk '/^Name:/ {name = $2} /^State:/ {print name, ($2 ~ /[ZX]/ ? "dead" : "up"); exit}' \
    "/proc/$pid/status" 2>/dev/null)" = "$1 up" ]
}

install_engine() {
  local missing=()
  command -v dockerd >/dev/null || missing+=(docker.io)
  command -v iptables >/dev/null || missing+=(iptables)
  [ -z "$fake_gpu" ] || command -v cc >/dev/null || missing+=(gcc libc6-dev)
  [ ${#missing[@]} -gt 0 ] || return 0
  [ "$(id -u)" -eq 0 ] || fail "no engine answers and this is not root: start Docker, or run sudo $0 start"
  command -v apt-get >/dev/null || fail "no engine answers and there is no apt-get: install Docker yourself"
  say "installing ${missing[*]}"
  export DEBIAN_FRONTEND=noninteractive NEEDRESTART_SUSPEND=1
  apt-get -qq update
  apt-get -qq install --yes --no-install-recommends "${missing[@]}" >/dev/null
}

# A stand-in for python:X.Y-slim, so that functions can be built where no registry can be reached. Only the engine that
# `start` has started gets it: nobody else builds on that one.
import_base_image() {
  local python=python3 name
  [ ! -x "$root/.venv/bin/python" ] || python=$root/.venv/bin/python
  name=$("$python" -c 'import sys; print("python:{}.{}-slim".format(*sys.version_info))')
  "$python" "$root/tests/support/base_image.py" "$socket" "$name"
  say "made $name from this machine's Python"
}

start() {
  if answers; then
    say "using the engine that answers"
    return
  fi
  install_engine
  [ "$(id -u)" -eq 0 ] || fail "dockerd needs root: run sudo $0 start"
  mkdir -p "$state" "$data"
  [ -z "$fake_gpu" ] || python3 "$root/tests/support/fake_gpu/kit.py" "$kit"
  runs dockerd "$state/docker.pid" || rm -f "$state/docker.pid"
  runs containerd "$state/exec/containerd/containerd.pid" || rm -f "$state/exec/containerd/containerd.pid"
  FAKE_GPU_DIR=$kit PATH="${fake_gpu:+$kit:}$PATH" setsid dockerd --host "unix://$socket" --data-root "$data" \
    --exec-root "$state/exec" --pidfile "$state/docker.pid" >"$state/dockerd.log" 2>&1 </dev/null &
  local launched=$!
  for _ in $(seq 300); do
    if answers; then
      say "started dockerd, process $(cat "$state/docker.pid")"
      import_base_image
      return
    fi
    kill -0 "$launched" 2>/dev/null || break
    sleep 0.1
  done
  tail -n 5 "$state/dockerd.log" >&2
  fail "dockerd did not start; its log is $state/dockerd.log"
}

stop() {
  if ! runs dockerd "$state/docker.pid"; then
    rm -f "$state/docker.pid"
  else
    local pid id
    pid=$(cat "$state/docker.pid")
    for id in $(api GET '/containers/json?all=1' | python3 -c 'import json, sys; [print(c["Id"]) for c in json.load(sys.stdin)]'); do
      api DELETE "/containers/$id?force=1&v=1" || true
    done
    kill -TERM "$pid"
    for _ in $(seq 200); do
      runs dockerd "$state/docker.pid" || break
      sleep 0.1
    done
    ! runs dockerd "$state/docker.pid" || kill -KILL "$pid"
    say "stopped dockerd, process $pid"
  fi
  if [ "${1:-}" = --purge ]; then
    umount "$data" 2>/dev/null || true # dockerd leaves it bind-mounted on itself
    rm -rf --one-file-system "$data" "$state"
  fi
}

fake_gpu=
case "$*" in
  start) start ;;
  "start --fake-gpu") fake_gpu=yes; start ;;
  stop | "stop --purge") stop "${2:-}" ;;
  *) echo "usage: $0 start [--fake-gpu] | stop [--purge]" >&2; exit 2 ;;
esac
