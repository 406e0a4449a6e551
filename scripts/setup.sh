#!/usr/bin/env bash
# Makes .venv with exactly the pinned packages and Penstock's wheel, and fetches the jars; does only what changed.
set -euo pipefail

usage() {
  cat <<'USAGE'
Usage: scripts/setup.sh [--dev] [-h]

Makes what Penstock needs in this checkout: the Python environment .venv, with the packages that requirements/ pins and
Penstock's own wheel, and the jars that pom.xml names, in .penstock/jars. What is there already is left alone.

  --dev   also what tests and checks need
  -h      this text

Needs Python 3.11 (or the one that PYTHON names), a JDK 17 or later and Maven 3.8 or later.
USAGE
}

pins=(requirements/core.txt requirements/pmml.txt requirements/stores.txt)
dev=
for argument in "$@"; do
  case $argument in
    --dev) dev=1 pins+=(requirements/models.txt requirements/dev.txt) ;;
    -h | --help) usage; exit 0 ;;
    *) usage >&2; exit 2 ;;
  esac
done

cd "$(dirname "${BASH_SOURCE[0]}")/.."
readonly base_python=${PYTHON:-python3.11} python=.venv/bin/python jars=.penstock/jars
# Free disk that a first setup takes: 1.3 GB of packages, as much again while they are unpacked, and Maven's own.
readonly packages_mb=3072

# changed STAMP FILE...: whether the files differ from those that the stamp was made of
changed() { [[ ! -f $1 || $(cat "$1") != "$(sha256sum "${@:2}")" ]]; }
stamp() { sha256sum "${@:2}" >"$1"; }
# say TEXT: a step, with the time since the start
say() { echo "$1 [$SECONDS s]"; }

if ! command -v "$base_python" >/dev/null; then
  echo "error: Python 3.11 is needed, '$base_python' was not found: install it, or name it: PYTHON=/path/to/python3.11" >&2
  exit 5
fi

# A stamp for each set of pins: the developers' set holds the users' set.
pins_stamp=.venv/pins-${#pins[@]}.sha256
needed_mb=0
if changed "$pins_stamp" "${pins[@]}" && changed .venv/pins-5.sha256 requirements/{core,pmml,stores,models,dev}.txt; then
  needed_mb=$packages_mb
fi
"$base_python" -m penstock.local.versions "$needed_mb"

if ((needed_mb)); then
  say "installing the Python packages (about a minute, the first time) ..."
  "$python" -c '' 2>/dev/null || "$base_python" -m venv --clear .venv
  "$python" -m pip install --quiet --disable-pip-version-check "${pins[@]/#/--requirement=}"
  stamp "$pins_stamp" "${pins[@]}"
  say "the Python packages are there"
fi

"$python" -m penstock.local.wheel .penstock/wheel >.venv/wheel.path
if changed .venv/wheel.sha256 .penstock/wheel/sources.sha256; then
  "$python" -m pip install --quiet --disable-pip-version-check --no-deps --force-reinstall "$(cat .venv/wheel.path)"
  stamp .venv/wheel.sha256 .penstock/wheel/sources.sha256
fi

# maven POM GOAL: put the jars that the POM names into a folder beside those in use
maven() {
  mvn --quiet --batch-mode --file "$1" "$2" -Djars.directory="$PWD/$jars.new" 2>&1 |
    sed $'s/\e\\[[0-9;]*m//g' # it colours even its silence
}

java_sources=(java/io/penstock/flink/*.java java/resources/META-INF/services/*)
if changed "$jars/pom.sha256" pom.xml "${java_sources[@]}"; then
  # Java opens jars when it needs them: those of a running program must stay as they are.
  if [[ -n $(find /proc/[0-9]*/fd -lname "$(readlink -f "$jars")/*" -print -quit 2>/dev/null) ]]; then
    echo "error: the jars in $jars are out of date (pom.xml or java/ changed), and a stack runs from them: stop it" \
      "first, with scripts/stop.sh" >&2
    exit 1
  fi
  say "fetching the jars ..."
  rm -rf "$jars.new"
  maven pom.xml package
  stamp "$jars.new/pom.sha256" pom.xml "${java_sources[@]}"
  rm -rf "$jars"
  mv "$jars.new" "$jars"
  say "the jars are there"
fi

# No stack runs from these, and a change of pom.xml took them away with all others.
if [[ $dev ]] && changed "$jars/tests.sha256" tests/pom.xml; then
  say "fetching the jars for tests ..."
  rm -rf "$jars.new"
  maven tests/pom.xml generate-resources
  for folder in "$jars.new"/*; do
    rm -rf "$jars/${folder##*/}"
    mv "$folder" "$jars"
  done
  rmdir "$jars.new"
  stamp "$jars/tests.sha256" tests/pom.xml
  say "the jars for tests are there"
fi
