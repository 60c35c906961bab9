#!/bin/bash
# Builds the program with GOAMD64=v1 and with v3, which fuses multiply-add, and shows that both print the same bytes for the
# example and for random recordings, and that nothing is fused in the packages that a replay goes through (law 1 of the
# contract: whatever the machine). Needs `make setup`.
set -euo pipefail
cd "$(dirname "$0")/.."
[ "$(go env GOARCH)" = amd64 ] || { echo "law-builds: GOAMD64 is for amd64 only; nothing to compare"; exit 0; }
export PKG_CONFIG_PATH=$PWD/scripts MAGPIE_LAW_BUILDS=1
export MAGPIE_CACHE=${MAGPIE_CACHE:-$PWD/.cache}
exec go test -count=1 -timeout 20m -tags gocv,onnx -run '^Test(BuildsAgree|NothingIsFused)$' -v ./cmd/magpie
