#!/bin/sh
# Writes the locks in requirements/ anew from pyproject.toml: `make lock`, or `make lock UPGRADE=1`
# for the newest versions. One lock serves Python 3.11 and 3.12 on Linux and macOS.
#
#   build.txt  uv and what builds packages
#   run.txt    what `make demo` needs
#   dev.txt    what compiling, tests and lint need besides
#   train.txt  what training models needs besides
#   bench.txt  what benchmarks compare with, in an environment apart
#   images/    what the container image of each component needs; flink.txt: what the job's is laid
#              out and compiled with
set -eu
cd "$(dirname "$0")/.."

# Compiles the sources "$@" into requirements/$1.txt; no index or host is written.
compile() {
    output=requirements/$1.txt
    shift
    .venv/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
        --no-annotate --custom-compile-command "make lock" ${UPGRADE:+--upgrade} \
        --output-file "$output" "$@"
}

compile run pyproject.toml --extra local
compile build --group build --constraints requirements/run.txt
compile dev --group compile --group test --group lint \
    --constraints requirements/run.txt --constraints requirements/build.txt
compile train pyproject.toml --extra train \
    --constraints requirements/run.txt --constraints requirements/dev.txt
compile bench --group bench --constraints requirements/build.txt
for component in archiver gateway generator job operator visualizer; do
    compile "images/$component" pyproject.toml --extra "$component" \
        --constraints requirements/run.txt
done
compile images/flink --group compile --group flink-image --constraints requirements/run.txt \
    --constraints requirements/dev.txt
