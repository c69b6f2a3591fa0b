#!/bin/sh
# Prints the path of a Python that Cardwatch runs on: 3.11 or 3.12.
#
# Looks at PYTHON, then at PATH, then in pyenv's folders, then asks uv for one. Every candidate is
# run and asked for its version: a name on PATH can be a pyenv shim that only fails.
set -eu

# Prints PATH without the environments in this folder: where one is activated, it is about to be
# made anew.
path_without_ours() (
    IFS=:
    for folder in $PATH; do
        case $folder in
        "$PWD"/.venv*/bin | "$(pwd -P)"/.venv*/bin) ;;
        *) printf '%s%s' "${begun:+:}" "$folder" && begun=yes ;;
        esac
    done
)
PATH=$(path_without_ours)

# Prints "3.12 /path/of/it", or nothing where $1 is no Python 3 that has TLS.
describe() {
    "$1" -c 'import ssl, sys; print("%d.%d" % sys.version_info[:2], sys.executable)' \
        2>/dev/null || :
}

# Ends with the path of $1 where it will do; otherwise remembers what it is.
seen=
accept() {
    answer=$(describe "$1")
    case $answer in
    "3.11 "* | "3.12 "*)
        printf '%s\n' "${answer#* }"
        exit 0
        ;;
    "3."*) seen="$seen${seen:+, }$1 is Python ${answer%% *}" ;;
    esac
}

if [ -n "${PYTHON:-}" ]; then
    accept "$PYTHON"
    echo "cardwatch: ${seen:-$PYTHON does not run as a Python 3 with the module ssl};" \
        "PYTHON= takes Python 3.11 or 3.12" >&2
    exit 1
fi

for candidate in python3.12 python3.11 python3 python \
    "${PYENV_ROOT:-${HOME:-}/.pyenv}"/versions/3.12.*/bin/python3.12 \
    "${PYENV_ROOT:-${HOME:-}/.pyenv}"/versions/3.11.*/bin/python3.11; do
    accept "$candidate"
done

if command -v uv >/dev/null; then
    # --system: a .venv in this folder is what we are about to make.
    accept "$(uv python find --system '>=3.11,<3.13' 2>/dev/null || :)"
    echo "cardwatch: no Python 3.11 or 3.12 here; uv fetches one" >&2
    if uv python install 3.12 >&2; then
        accept "$(uv python find --system '>=3.11,<3.13' 2>/dev/null || :)"
    fi
    echo "cardwatch: uv could not bring Python 3.12; what it said is above" >&2
fi

cat >&2 <<MESSAGE
cardwatch: no Python 3.11 or 3.12 was found${seen:+ ($seen)}. Install one:
  Debian 12           sudo apt-get install python3.11 python3.11-venv
  Ubuntu 24.04        sudo apt-get install python3.12 python3.12-venv
  Fedora              sudo dnf install python3.12
  macOS               brew install python@3.12
  Debian 13 and else  sudo apt-get install pipx && pipx install uv   (uv then brings a Python)
or name one that is not on PATH: make demo PYTHON=/path/to/python3.12
MESSAGE
exit 1
