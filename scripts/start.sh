#!/usr/bin/env bash
# Sets up what is missing and starts the whole of Penstock on this machine: `penstock up` from a fresh clone.
set -euo pipefail

usage() {
  cat <<'USAGE'
Usage: scripts/start.sh [OPTIONS OF 'penstock up'] [-h]

Sets up what is missing (scripts/setup.sh) and starts Kafka, Flink, the jobs and the demo. Run it again at any time: what
runs is left alone. Paths are taken from the checkout's folder. Stop it all with scripts/stop.sh.

  --no-demo                       without the generator that writes 3 events a second; one that runs is ended
  --demo                          with it, also on your own Kafka
  --jobs pmml,spark,service       which scoring jobs to install and run; what was chosen once is meant from then on
  --no-jobs                       Kafka and Flink only
  --bootstrap-servers HOST:PORT   your own Kafka, instead of one that is started here
  --settings FILE                 instead of config/penstock.yaml
  --state-dir FOLDER              for data and logs, instead of .penstock
  -h                              this text
USAGE
}

jobs=() previous=
for argument in "$@"; do
  case $argument in
    -h | --help) usage; exit 0 ;;
    --jobs=*) jobs+=("$argument") ;;
  esac
  [[ $previous == --jobs ]] && jobs+=("--jobs=$argument")
  previous=$argument
done

cd "$(dirname "${BASH_SOURCE[0]}")/.."
scripts/setup.sh "${jobs[@]}"
if ((!${#jobs[@]})) && [[ -f .penstock/jobs ]]; then
  jobs=("--jobs=$(tr ' ' ',' <.penstock/jobs)")
  set -- "$@" "${jobs[@]}"
fi
exec .venv/bin/penstock up "$@"
