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

# refuse TEXT: wrong usage, told before anything is installed
refuse() {
  echo "error: $1" >&2
  usage >&2
  exit 2
}

# refuse_unknown_jobs LIST: words that are no scoring job, as `penstock up` would after minutes of setting up
refuse_unknown_jobs() {
  local left="$1," word
  while [[ $left ]]; do
    word=${left%%,*} left=${left#*,}
    case $word in
      pmml | spark | service) ;;
      *)
        echo "error: --jobs takes pmml, spark and service, with commas between them; there is no job '$word':" \
          "correct it, or leave --jobs out for what was chosen before, or all" >&2
        exit 2 ;;
    esac
  done
}

cd "$(dirname "${BASH_SOURCE[0]}")/.."
# The options of `penstock up`, which cannot be asked before it is installed; a test compares them.
given=("$@") jobs=() no_jobs=
while (($#)); do
  name=${1%%=*}
  case $1 in
    -h | --help) usage; exit 0 ;;
    --demo | --no-demo) ;;
    --no-jobs) no_jobs=1 ;;
    --jobs=* | --bootstrap-servers=* | --settings=* | --state-dir=*) value=${1#*=} ;;
    --jobs | --bootstrap-servers | --settings | --state-dir)
      (($# > 1)) || refuse "$1 needs a value"
      value=$2
      shift ;;
    *) refuse "'penstock up' takes no '$1'" ;;
  esac
  case $name in
    --jobs) refuse_unknown_jobs "$value"; jobs+=("--jobs=$value") ;;
    --settings) [[ -f $value ]] || refuse "--settings: there is no file '$value' in $PWD" ;;
  esac
  shift
done
if [[ $no_jobs ]] && ((${#jobs[@]})); then
  refuse "--jobs and --no-jobs contradict each other: leave one of them out"
fi

scripts/setup.sh "${jobs[@]}"
if [[ ! $no_jobs ]] && ((!${#jobs[@]})) && [[ -f .penstock/jobs ]]; then
  given+=("--jobs=$(tr ' ' ',' <.penstock/jobs)")
fi
exec .venv/bin/penstock up "${given[@]}"
