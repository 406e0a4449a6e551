#!/usr/bin/env bash
# Makes .venv with exactly the pinned packages and Penstock's wheel, and fetches the jars; does only what changed.
set -euo pipefail

usage() {
  cat <<'USAGE'
Usage: scripts/setup.sh [--jobs JOB,...] [--dev] [-h]

Makes what Penstock needs in this checkout: the Python environment .venv, with the packages that requirements/ pins and
Penstock's own wheel, and the jars that the poms name, in .penstock/jars. What is there already is left alone.

  --jobs pmml,spark,service   which scoring jobs it is for: only what they need is installed; what was chosen once is
                              what is meant from then on; all three, if nothing ever was
  --dev                       all jobs, and what tests and checks need
  -h                          this text

Needs Python 3.11 (or the one that PYTHON names), a JDK 17 or later and Maven 3.8 or later.
USAGE
}

readonly known_jobs=(pmml spark service)
# refuse TEXT: wrong usage
refuse() {
  echo "error: $1" >&2
  usage >&2
  exit 2
}

dev='' jobs=''
while (($#)); do
  case $1 in
    --dev) dev=1 ;;
    --jobs) (($# > 1)) || refuse "--jobs needs a word: ${known_jobs[*]}"; jobs+=",$2"; shift ;;
    --jobs=*) jobs+=",${1#*=}" ;;
    -h | --help) usage; exit 0 ;;
    *) refuse "there is no option '$1'" ;;
  esac
  shift
done

cd "$(dirname "${BASH_SOURCE[0]}")/.."
readonly base_python=${PYTHON:-python3.11} python=.venv/bin/python jars=.penstock/jars remembered=.penstock/jobs

if [[ ! $jobs ]]; then
  jobs=$(cat "$remembered" 2>/dev/null || echo "${known_jobs[*]}")
fi
read -ra chosen <<<"${jobs//,/ }"
((${#chosen[@]})) || refuse "--jobs names no job; there are: ${known_jobs[*]}"
for job in "${chosen[@]}"; do
  [[ " ${known_jobs[*]} " == *" $job "* ]] || refuse "there is no job '$job'; there are: ${known_jobs[*]}"
done
# needs JOB: whether it is to be installed
needs() { [[ $dev || " ${chosen[*]} " == *" $1 "* ]]; }

# Pins are files of requirements/ by their names; what is installed once is kept up to date with the rest.
pins=(core stores)
if needs pmml; then pins+=(pmml); fi
if needs spark; then pins+=(spark); fi
if needs service; then pins+=(service model-server); fi
if [[ $dev ]]; then pins+=(models dev); fi

# Free disk that a first setup takes, in MiB: the packages, as much again while they are unpacked, and Maven's own.
room_of() {
  case $1 in
    core) echo 3072 ;;
    spark) echo 1536 ;; # the source archive of Spark, which is built into a wheel first
    model-server) echo 1792 ;;
    models) echo 512 ;;
    *) echo 0 ;;
  esac
}

# changed STAMP FILE...: whether the files differ from those that the stamp was made of
changed() { [[ ! -f $1 || $(cat "$1") != "$(sha256sum "${@:2}")" ]]; }
stamp() { sha256sum "${@:2}" >"$1"; }
# say TEXT: a step, with the time since the start
say() { echo "$1 [$SECONDS s]"; }

if ! command -v "$base_python" >/dev/null; then
  echo "error: Python 3.11 is needed, '$base_python' was not found: install it, or name it: PYTHON=/path/to/python3.11" >&2
  exit 5
fi

stale=() needed_mb=0
for name in "${pins[@]}"; do
  if changed ".venv/pins/$name.sha256" "requirements/$name.txt"; then
    stale+=("$name")
    needed_mb=$((needed_mb + $(room_of "$name")))
  fi
done
if [[ $dev ]] && changed .venv/pins/contract.sha256 requirements/contract.txt; then stale+=(contract); fi
"$base_python" -m penstock.local.versions "$needed_mb"

# packages: what is pinned and not installed, then Penstock's wheel
packages() {
  local files=() name file
  if ((${#stale[@]})); then
    say "installing the Python packages for ${chosen[*]} (some minutes, the first time) ..."
    "$python" -c '' 2>/dev/null || "$base_python" -m venv --clear .venv
    for file in .venv/pins/*.sha256; do
      if [[ -f requirements/$(basename "$file" .sha256).txt ]]; then pins+=("$(basename "$file" .sha256)"); fi
    done
    for name in "${pins[@]}"; do
      [[ $name == contract ]] || files+=("--requirement=requirements/$name.txt")
    done
    # pip compiles with one core, and what it brings would be half a minute of that. Packages' own tests, a fifth of it,
    # nobody imports; and some files are for other Pythons.
    "$python" -m pip install --quiet --disable-pip-version-check --no-compile "${files[@]}"
    "$python" -m compileall -q -j 0 -x "/tests?/" .venv/lib/python3.11/site-packages >/dev/null 2>&1 || true
    if [[ $dev ]]; then
      "$python" -m pip install --quiet --disable-pip-version-check --no-deps --requirement=requirements/contract.txt
      pins+=(contract)
    fi
    mkdir -p .venv/pins
    for name in "${pins[@]}"; do stamp ".venv/pins/$name.sha256" "requirements/$name.txt"; done
    say "the Python packages are there"
  fi
  "$python" -m penstock.local.wheel .penstock/wheel >.venv/wheel.path
  if changed .venv/wheel.sha256 .penstock/wheel/sources.sha256; then
    "$python" -m pip install --quiet --disable-pip-version-check --no-deps --force-reinstall "$(cat .venv/wheel.path)"
    stamp .venv/wheel.sha256 .penstock/wheel/sources.sha256
  fi
}

# maven POM GOAL: put the jars that the POM names into a folder beside those in use
maven() {
  mvn --quiet --batch-mode --file "$1" "$2" -Djars.directory="$PWD/$jars.new" 2>&1 |
    sed $'s/\e\\[[0-9;]*m//g' # it colours even its silence
}

# refuse_in_use FOLDER: Java opens jars when it needs them, so those of a running program must stay as they are
refuse_in_use() {
  [[ -z $(find /proc/[0-9]*/fd -lname "$(readlink -m "$1")/*" -print -quit 2>/dev/null) ]] && return
  echo "error: the jars in $1 are out of date (a pom.xml or java/ changed), and a stack runs from them: stop it first," \
    "with scripts/stop.sh" >&2
  exit 1
}

# add_jars STAMP POM GOAL SOURCE...: the folders of jars that a POM makes, in place of those of the same name
add_jars() {
  local folder
  rm -rf "$jars.new"
  maven "$2" "$3"
  for folder in "$jars.new"/*; do
    rm -rf "$jars/${folder##*/}"
    mv "$folder" "$jars"
  done
  rmdir "$jars.new"
  stamp "$1" "$2" "${@:4}"
}

# all_jars: those of the servers and of Flink's jobs, of Spark, and of tests
all_jars() {
  local sources=(java/io/penstock/{flink,headers}/*.java java/resources/META-INF/services/*)
  if changed "$jars/pom.sha256" pom.xml "${sources[@]}"; then
    refuse_in_use "$jars"
    say "fetching the jars ..."
    rm -rf "$jars.new"
    maven pom.xml package
    stamp "$jars.new/pom.sha256" pom.xml "${sources[@]}"
    rm -rf "$jars"
    mv "$jars.new" "$jars"
    say "the jars are there"
  fi
  sources=(java/io/penstock/{spark,headers}/*.java)
  if needs spark && changed "$jars/spark.sha256" java/spark/pom.xml "${sources[@]}"; then
    refuse_in_use "$jars/spark"
    say "fetching the jars for Spark ..."
    add_jars "$jars/spark.sha256" java/spark/pom.xml package "${sources[@]}"
    say "the jars for Spark are there"
  fi
  # No stack runs from these, and a change of pom.xml took them away with all others.
  if [[ $dev ]] && changed "$jars/tests.sha256" tests/pom.xml; then
    say "fetching the jars for tests ..."
    add_jars "$jars/tests.sha256" tests/pom.xml generate-resources
    say "the jars for tests are there"
  fi
}

# Side by side, for both mostly wait for downloads. In the background each stops at its first error, as the script does;
# each has a group of its own (-m), so that all of it ends with this script.
set -m
packages &
packages_pid=$!
all_jars &
jars_pid=$!
set +m
trap 'kill -- "-$packages_pid" "-$jars_pid" 2>/dev/null || true' EXIT
status=0
wait "$packages_pid" || status=$?
wait "$jars_pid" || status=$?
trap - EXIT
if ((status)); then exit "$status"; fi
if [[ ! -f .venv/pins/dev.sha256 ]]; then # developers have all of them
  echo "${chosen[*]}" >"$remembered"
fi
