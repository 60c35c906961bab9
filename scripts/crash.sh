#!/bin/bash
# Kills broker, InfluxDB, the webhook's receiver and the program itself in turn while it watches footage, and shows that
# nothing acknowledged is lost and no alert line is ever delivered with other content. Needs `make build test-tools`.
set -euo pipefail
cd "$(dirname "$0")/.."
export PKG_CONFIG_PATH=$PWD/scripts MAGPIE_CRASH=1
export MAGPIE_CACHE=${MAGPIE_CACHE:-$PWD/.cache}
exec go test -count=1 -timeout 10m -tags gocv,onnx -run '^TestCrash$' -v ./cmd/magpie
