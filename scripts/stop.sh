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

# refuse TEXT: wrong usage, told before anything is stopped
refuse() {
  echo "error: $1" >&2
  usage >&2
  exit 2
}

# The options of `penstock down`, which cannot be asked where the environment is gone; a test compares them.
state=.penstock purge=false settings='' placed=''
arguments=("$@")
while (($#)); do
  name=${1%%=*}
  case $1 in
    -h | --help) usage; exit 0 ;;
    --purge) purge=true ;;
    --state-dir=* | --settings=* | --bootstrap-servers=*) value=${1#*=} ;;
    --state-dir | --settings | --bootstrap-servers)
      (($# > 1)) || refuse "$1 needs a value"
      value=$2
      shift ;;
    *) refuse "'penstock down' takes no '$1'" ;;
  esac
  case $name in
    --state-dir) state=$value placed=1 ;;
    --settings) settings=$value ;;
  esac
  shift
done

cd "$(dirname "${BASH_SOURCE[0]}")/.."
if .venv/bin/python -c 'import penstock.cli.stack' 2>/dev/null; then
  exec .venv/bin/penstock down "${arguments[@]}"
fi

# Without the environment: all processes that carry the stack's mark, asked to end and then made to. The supervisor is
# the first, lest it start the others again.
if [[ $settings && ! $placed ]]; then
  refuse "without a usable .venv nothing reads '$settings': name the stack's folder with --state-dir"
fi
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
