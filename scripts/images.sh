#!/bin/sh
# Builds the container image of each component: `make images`. Needs Docker.
#
#   COMPONENTS="operator"                      which; all by default
#   TAG=1.2.3                                  the project's version by default
#   REGISTRY=registry.example.com/team PUSH=1  names them for a registry, and pushes them there
#   PYTHON_IMAGE=...                           what they are made on
set -eu
cd "$(dirname "$0")/.."

version=$(sed -n 's/^version = "\(.*\)"$/\1/p' pyproject.toml)
tag=${TAG:-$version}
registry=${REGISTRY:+$REGISTRY/}

for component in ${COMPONENTS:-archiver gateway generator job operator visualizer}; do
    image=${registry}cardwatch/$component:$tag
    folder=$component
    [ "$component" != job ] || folder=flink_job
    began=$(date +%s)
    docker build --network host --file "$folder/Dockerfile" --tag "$image" \
        --label "org.opencontainers.image.version=$tag" \
        --label "org.opencontainers.image.revision=$(git rev-parse HEAD 2>/dev/null || echo unknown)" \
        ${PYTHON_IMAGE:+--build-arg "PYTHON_IMAGE=$PYTHON_IMAGE"} .
    size=$(docker image inspect --format '{{.Size}}' "$image")
    echo "$image: $((size / 1000000)) MB, built in $(($(date +%s) - began)) s"
    [ -z "${PUSH:-}" ] || docker push "$image"
done
