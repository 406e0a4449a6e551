#!/usr/bin/env bash
# Stops all that scripts/start.sh started; works without a usable .venv, too.
set -euo pipefail

usage() {
  cat <<'USAGE'
Usage: scripts/stop.sh [OPTIONS OF 'penstock down'] [-h]

Stops what scripts/start.sh started: afterwards no process of it and no open port is left. Data stays.

  --purge              also delete the data: topics, checkpoints, logs
  --state-dir FOLDER   of the stack to stop, instead of .penstock
  --settings FILE      instead of config/penstock.yaml
  -h                   this text
USAGE
}

state=.penstock purge=false
arguments=("$@")
while (($#)); do
  case $1 in
    -h | --help) usage; exit 0 ;;
    --purge) purge=true ;;
    --state-dir) state=${2:?--state-dir needs a folder}; shift ;;
    --state-dir=*) state=${1#*=} ;;
  esac
  shift
done

cd "$(dirname "${BASH_SOURCE[0]}")/.."
if .venv/bin/python -c 'import penstock.cli.stack' 2>/dev/null; then
  exec .venv/bin/penstock down "${arguments[@]}"
fi

# Without the environment: all processes that carry the stack's mark, asked to end and then made to. The supervisor is
# the first, lest it start the others again.
readonly patience_s=30
[[ -f $state/lock ]] || { echo "nothing ran"; exit 0; }
stack_id=$(cat "$state/lock")

marked() { # marked [PROGRAM]: process ids
  local environment
  for environment in /proc/[0-9]*/environ; do
    if grep -qsz "^PENSTOCK_STACK_ID=$stack_id/${1:-}" "$environment"; then basename "$(dirname "$environment")"; fi
  done
}

echo "no usable .venv: ending the processes one by one"
for program in supervisord ""; do
  for ((second = 0; second <= patience_s; second++)); do
    mapfile -t pids < <(marked "$program")
    ((${#pids[@]})) || break
    signal=TERM
    ((second < patience_s)) || signal=KILL
    kill "-$signal" "${pids[@]}" 2>/dev/null || true
    sleep 1
  done
done
rm -rf "$state"/{tmp,run}
if $purge; then rm -rf "$state"/{data,logs,conf}; fi
echo "ended"
