#!/bin/sh
# Checks axiom on this machine's accelerator, in at most five minutes and without a network, and writes one JSON.
#
#     sh tests/device/run.sh [-o FILE] [--device cuda|cpu] [--seconds N] [--small] [--model FOLDER] [--tests FILE,...]
#
# It needs a Python (PYTHON, else python3) with torch, transformers, peft, accelerate and pytest. What else axiom needs is
# taken from tests/device/carried, which pack.sh fills on a machine with a network. docs/device_check.md describes the JSON.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
python=${PYTHON:-python3}
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT

# What is installed already stays as it is: packages that belong together must be of one kind.
site="$place/site"
for wheel in "$here"/carried/wheels/*.whl; do
    [ -e "$wheel" ] || continue
    name=$(basename "$wheel" | cut -d - -f 1)
    if "$python" -c "from importlib.metadata import version; version('$name')" 2>"$place/missing"; then continue; fi
    "$python" -m pip install -q --no-index --no-deps --no-compile --no-cache-dir --root-user-action ignore --upgrade \
        --target "$site" "$wheel" || echo "$(basename "$wheel") does not install here" >&2
done
if [ -e "$here/carried/model/0" ]; then
    cat "$here"/carried/model/* > "$place/model.gguf"
    set -- --model "$place/model.gguf" "$@"
fi
export PYTHONPATH="$root:$root/tests:$site"
# Asking the driver whether it has a device would make forking impossible; NVML can be asked, too.
export PYTORCH_NVML_BASED_CUDA_CHECK=1 HF_HUB_OFFLINE=1 TMPDIR="$place"
"$python" "$here/check.py" "$@"
