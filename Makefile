# Two commands: `make run` sets everything up and starts the main job on the shipped example, `make test` sets everything up
# and passes the tests. Both do again only what is not done yet.
SHELL       := /bin/bash
TAGS        := gocv,onnx
STATICCHECK := honnef.co/go/tools/cmd/staticcheck@v0.8.2
FUZZTIME    := 20s

# Made absolute, since every package's tests run in its own folder. Data that is not there by default is not named: when it
# comes, the results that go has cached without it no longer count.
override MAGPIE_CACHE := $(shell realpath -m -- "$(or $(MAGPIE_CACHE),.cache)")
override MAGPIE_DATA  := $(shell realpath $(if $(MAGPIE_DATA),-m,-qe) -- "$(or $(MAGPIE_DATA),../shared/data)")
MAGPIE_INFLUXD        ?= $(MAGPIE_CACHE)/bin/influxd
PKG_CONFIG_PATH       := $(CURDIR)/scripts
export MAGPIE_CACHE MAGPIE_DATA MAGPIE_INFLUXD PKG_CONFIG_PATH

.PHONY: help run build setup test test-tools race slow lint fuzz bench clean

help: ## what there is
	@grep -E '^[a-z-]+:.*##' Makefile | sed -E 's/:[^#]*## /\t/' | expand -t 14

run: build ## set up, build and start the main job on the example; http://localhost:8080
	bin/magpie run --site examples/site.yaml --play examples/sensors.jsonl --data data

build: setup ## set up and build bin/magpie
	@echo "build: bin/magpie (the first time minutes: it compiles the binding to OpenCV)"
	@go build -tags $(TAGS) -o bin/magpie ./cmd/magpie && echo "build: bin/magpie is ready ($$SECONDS s)"

setup: ## OpenCV, ONNX Runtime, the detector and the footage, each cached and checked
	@scripts/setup.sh opencv ort model footage

test: setup ## set up and pass the tests
	go vet -tags $(TAGS) ./...
	go test -short ./...
	go test -short -tags $(TAGS) ./vision/... ./cmd/...

test-tools: ## broker, database and browser for the slow tests
	@scripts/setup.sh test-tools

race: ## the tests under the race detector, less those of the laws that have one goroutine
	go test -short -race -timeout 20m -skip '^TestLaw(1|2|3|D|Sn)' ./...

slow: build test-tools ## the long property tests, and those with a real broker, database, browser and kills
	go test -p 1 -timeout 20m -tags $(TAGS) ./... # one package at a time: a camera in step with time needs the cores
	scripts/law-builds.sh
	scripts/crash.sh

lint: ## gofmt, vet, staticcheck
	@test -z "$$(gofmt -l .)" || { gofmt -l .; echo "run gofmt -w on these"; exit 1; }
	go vet ./...
	CGO_ENABLED=0 go vet -tags onnx ./...
	go run $(STATICCHECK) ./...
	go run $(STATICCHECK) -tags $(TAGS) ./vision/... ./cmd/...

fuzz: ## every fuzz test for FUZZTIME
	@for p in $$(go list ./...); do for f in $$(go test -list '^Fuzz' $$p | grep ^Fuzz); do \
	  echo "$$p $$f"; go test -run '^$$' -fuzz "^$$f$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 10x $$p || exit 1; done; done

bench: setup ## benchmarks
	go test -run '^$$' -bench . -benchmem -tags $(TAGS) ./...

clean: ## forget what was built and recorded; keep what was set up
	rm -rf bin data
