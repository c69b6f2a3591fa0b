#!/bin/sh
# Makes .venv from the locks in requirements/, or leaves it alone where it is up to date:
# `sh scripts/bootstrap.sh run` for `cardwatch`, `... train` for `cardwatch train` as well, `... dev`
# for tests and lint besides. `... bench` makes .venv-bench in the same way: what benchmarks compare
# with, which cannot live in .venv.
#
# .venv/.incomplete stands while .venv is worked on: a .venv that has it was left half-made and is
# made anew. .venv/.installed holds copies of what was installed, which tell when it is out of date.
set -eu
cd "$(dirname "$0")/.."
root=$(pwd -P)
[ "${1:-}" = bench ] && venv=.venv-bench || venv=.venv
bin=$venv/bin
installed=$venv/.installed
incomplete=$venv/.incomplete
lock=$venv.lock
# What goes into the environment, and uv's cache where it cannot share files with it.
[ "$venv" = .venv ] && size_mb=900 needed_mib=1500 || size_mb=200 needed_mib=500

say() { echo "cardwatch: $*" >&2; }

fail() {
    say "$@"
    exit 1
}

# Prints the version of a Python, such as 3.12; nothing where it does not run.
version_of() { "$1" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null || :; }

# Whether .venv is whole, stands where it was made, came from these locks as far as it has them,
# and has the Python that is asked for.
is_usable() {
    [ ! -e "$incomplete" ] || return 1
    [ ! -e "$installed/root" ] || [ "$(cat "$installed/root")" = "$root" ] || return 1
    for file in "$@"; do
        copy=$installed/$(basename "$file")
        [ ! -e "$copy" ] || cmp -s "$file" "$copy" || return 1
    done
    version=$(version_of "$bin/python")
    case $version in 3.11 | 3.12) ;; *) return 1 ;; esac
    [ -z "${PYTHON:-}" ] || [ "$version" = "$(version_of "$PYTHON")" ]
}

# Whether .venv has the locks given as "$@", and this project, installed.
is_current() {
    for file in pyproject.toml "$@"; do
        cmp -s "$file" "$installed/$(basename "$file")" || return 1
    done
    is_usable "$@"
}

# Waits until no other run works on .venv. A run that was killed leaves a lock of no living process.
take_lock() {
    waiting=
    until mkdir "$lock" 2>/dev/null; do
        [ -d "$lock" ] || fail "cannot write in $root: is it read-only, or the disk full?"
        owner=$(cat "$lock/pid" 2>/dev/null || { sleep 1; cat "$lock/pid" 2>/dev/null; } || :)
        if [ -z "$owner" ] || ! kill -0 "$owner" 2>/dev/null; then
            rm -rf "$lock"
            continue
        fi
        [ -n "$waiting" ] || say "process $owner is making $venv; waiting for it"
        waiting=yes
        sleep 1
    done
    trap 'rm -rf "$lock"' EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM
    echo $$ >"$lock/pid"
}

free_mib() { df -Pk . | awk 'NR == 2 { print int($4 / 1024) }'; }

check_disk() {
    free=$(free_mib)
    [ "$free" -ge "$needed_mib" ] ||
        fail "$root has $free MiB of free disk; $needed_mib MiB are needed: free some and run the same command again"
}

has_venv_module() { "$1" -c 'import ensurepip, venv' 2>/dev/null; }

# Debian and Ubuntu pack the module venv apart from Python.
install_venv_module() {
    package=python$(version_of "$1")-venv
    command -v apt-get >/dev/null ||
        fail "$1 lacks the modules venv and ensurepip: install your system's package of them, or uv"
    [ "$(id -u)" -eq 0 ] ||
        fail "$1 lacks the module venv. Run this, then the same command again:
  sudo apt-get update && sudo apt-get install --yes $package"
    say "installing $package"
    if ! { apt-get update && apt-get install --yes --no-install-recommends "$package"; } >&2; then
        fail "apt-get could not install $package; what it said is above"
    fi
    has_venv_module "$1" || fail "$1 lacks the module venv, and $package did not bring it"
}

make_venv() {
    python=$(sh scripts/find-python.sh) || exit 1
    check_disk
    say "making $venv with $python"
    rm -rf "$venv"
    mkdir "$venv"
    : >"$incomplete"
    if has_venv_module "$python"; then
        "$python" -m venv "$venv" >&2
    elif command -v uv >/dev/null; then
        uv venv --quiet --allow-existing --python "$python" "$venv"
    else
        install_venv_module "$python"
        "$python" -m venv "$venv" >&2
    fi || fail "$python could not make $venv; what it said is above"
}

# uv does not read pip's settings; a mirror or certificate given to pip serves it too.
share_pip_settings() {
    [ -x "$bin/pip" ] || return 0
    index=${PIP_INDEX_URL:-$("$bin/pip" config get global.index-url 2>/dev/null || :)}
    certificates=${PIP_CERT:-$("$bin/pip" config get global.cert 2>/dev/null || :)}
    if [ -n "$index" ]; then
        export UV_DEFAULT_INDEX="${UV_DEFAULT_INDEX:-$index}"
    fi
    if [ -n "$certificates" ]; then
        export SSL_CERT_FILE="${SSL_CERT_FILE:-$certificates}"
    fi
}

explain_install_failure() {
    [ "$(free_mib)" -ge 100 ] || fail "the disk is full: free $needed_mib MiB and run the same command again"
    fail "the locked packages could not be installed; the reason is above. Where it is the network:
  behind a proxy set HTTPS_PROXY; with a mirror of your own set PIP_INDEX_URL; then run the same
  command again, what was fetched is kept"
}

# Brings uv and what builds packages, with pip; with a uv from outside where .venv has no pip.
install_build_tools() {
    if [ -x "$bin/pip" ]; then
        "$bin/pip" install --quiet --disable-pip-version-check --retries 2 \
            --require-hashes --only-binary :all: --requirement requirements/build.txt >&2
    else
        uv pip install --quiet --python "$bin/python" \
            --require-hashes --only-binary :all: --requirement requirements/build.txt
    fi
}

# Installs with the locked uv: a quarter of pip's time. What it builds from source is built by the
# locked build tools.
uv_install() {
    [ -t 2 ] && quiet= || quiet=--quiet
    "$bin/uv" pip install ${quiet:+"$quiet"} --python "$bin/python" --no-build-isolation "$@"
}

install() {
    say "installing the locked packages ($size_mb MB on disk; half a minute to some minutes, once)"
    : >"$incomplete"
    if ! cmp -s requirements/build.txt "$installed/build.txt" || [ ! -x "$bin/uv" ]; then
        install_build_tools || explain_install_failure
    fi
    share_pip_settings
    # An account without a home folder of its own has no place for a cache.
    mkdir -p "$("$bin/uv" cache dir)" 2>/dev/null || export UV_NO_CACHE=1
    # shellcheck disable=SC2046 # one option a lock; their names have no spaces
    uv_install --require-hashes $(printf -- '--requirement %s ' "$@") || explain_install_failure
    uv_install --no-deps --editable . || explain_install_failure
    mkdir -p "$installed"
    cp pyproject.toml "$@" "$installed/"
    printf '%s\n' "$root" >"$installed/root"
    rm "$incomplete"
}

case ${1:-} in
run) set -- requirements/build.txt requirements/run.txt ;;
train) set -- requirements/build.txt requirements/run.txt requirements/train.txt ;;
dev) set -- requirements/build.txt requirements/run.txt requirements/train.txt requirements/dev.txt ;;
bench) set -- requirements/build.txt requirements/bench.txt ;;
*) fail "usage: sh scripts/bootstrap.sh run|train|dev|bench" ;;
esac
is_current "$@" && exit 0
[ -z "${PYTHON:-}" ] || sh scripts/find-python.sh >/dev/null
take_lock
is_current "$@" && exit 0
is_usable "$@" || make_venv
install "$@"
