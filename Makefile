# The two main commands are `make demo` and `make test`. Each does all its set-up.
# PRESET chooses the build: release (default), debug, asan, tsan, clang.

PRESET ?= release
N ?= 1000,10000
REPEAT ?= 5
VARIANT ?= ref,inline
export PRESET KEEP
steps := tests/support/steps.sh

.DEFAULT_GOAL := help
.PHONY: help demo test build asan tsan clang bench bench-operator faults fuzz soak tidy format clean

help: ## This list
	@sed -n 's/^\([a-z-]*\):.*## /  make \1\t/p' $(MAKEFILE_LIST) | expand -t 24

demo: ## One beneficiary from form to production, on this machine (PART=certificates goes on, KEEP=1 leaves it running)
	@$(steps) demo

test: ## Formatting, layering, every unit and end-to-end test (PRESET=asan, tsan, ...)
	@$(steps) test

build: ## build/release/bin/mpay-operator and kubectl-mpay
	@$(steps) build

asan: ## Every test under the address and undefined-behaviour sanitizers
	@PRESET=asan $(steps) test

tsan: ## Every test under the thread sanitizer
	@PRESET=tsan $(steps) test

clang: ## Every test, compiled by clang 14
	@PRESET=clang $(steps) test

bench: ## The runtime beside raw requests (N=1000,10000 REPEAT=5): the table of docs/performance.md
	@N=$(N) REPEAT=$(REPEAT) $(steps) bench

bench-operator: ## What N integrations cost the operator (N=1000,10000 VARIANT=ref,inline): the end of docs/performance.md
	@N=$(N) VARIANT=$(VARIANT) $(steps) bench-operator

faults: ## Every fault at every write of the story (make test tells a quick choice)
	@FAULTS=all $(steps) faults

fuzz: FOR = 60
fuzz: ## Certificates, CRLs, OCSP and SOAP answers, signatures, addresses by libFuzzer (FOR=60, seconds each)
	@PRESET=fuzz FOR=$(FOR) $(steps) fuzz

soak: N = 10000
soak: FOR = 600
soak: ## The runtime under load for long, and what happens to it in the field (N=10000 FOR=600, seconds)
	@N=$(N) FOR=$(FOR) $(steps) soak

tidy: ## clang-tidy over operator/ and tests/
	@PRESET=clang $(steps) tidy

format: ## Formats every source in place
	@$(steps) format

clean: ## Removes build/
	rm -rf build
