# Everything that is done to the project by name. `make` alone lists it.

SHELL := /bin/bash
BINARY := .build/release/vitrine
PREFIX ?= /usr/local
# mount(8) looks for its helpers nowhere else.
HELPERS ?= /sbin
UNITS ?= $(PREFIX)/lib/systemd/system

.DEFAULT_GOAL := help
.PHONY: help setup build test test-machine lint fuzz bench demo demo-kinds check docs install uninstall clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: ## install what apt must give (asks sudo if not root)
	@Scripts/setup

build: setup ## a release build: .build/release/vitrine
	@Scripts/build-release

test: setup ## all tests; fails if they leave a mount or a process behind
	@Scripts/test

test-machine: build ## in virtual machines: control groups version 2, Debian's kernels (MACHINE="--kernel 6.1")
	@Tests/Machine/run $(MACHINE)

lint: ## formatting, shell scripts, units, links
	@Scripts/lint

fuzz: setup ## run every fuzz target for FUZZ_SECONDS (60) each
	@Scripts/fuzz

bench: build ## hold it against its peers (BENCH="--only find-* --repeat 5"; see Benchmarks)
	@Scripts/setup --peers
	@Benchmarks/bench --json .build/bench.json --svg .build/bench.svg $(BENCH)

demo: setup ## a Debian image, a build on it, and a tour with ls, diff and du
	@Scripts/demo

demo-kinds: setup ## four kinds of image (system, tools, service, application), built and used
	@Scripts/demo-kinds

check: ## what CI runs: setup, lint, test, and a release build
	@.ci/run

docs: setup ## write docs/cli.md from the commands' own help
	@swift build --product vitrine
	@Scripts/cli-reference .build/debug/vitrine > .build/cli.md && mv .build/cli.md docs/cli.md

install: ## install the release build below PREFIX (/usr/local), with mount helper and units
	@test -x $(BINARY) || { echo "make install: run \"make build\" first" >&2; exit 1; }
	install -D -s -m 755 $(BINARY) $(DESTDIR)$(PREFIX)/bin/vitrine
	install -D -m 755 Mounts/image/mount.vitrine $(DESTDIR)$(HELPERS)/mount.vitrine
	install -d $(DESTDIR)$(UNITS)
	for unit in Mounts/*/*.service; do \
	    sed 's|/usr/local/bin/vitrine|$(PREFIX)/bin/vitrine|' "$$unit" \
	        > "$(DESTDIR)$(UNITS)/$${unit##*/}" || exit 1; \
	done

uninstall: ## remove what install put there; the store stays
	rm -f $(DESTDIR)$(PREFIX)/bin/vitrine $(DESTDIR)$(HELPERS)/mount.vitrine
	rm -f $(addprefix $(DESTDIR)$(UNITS)/,$(notdir $(wildcard Mounts/*/*.service)))

clean: ## remove build products, the cached base of the demo too
	rm -rf .build .build-fuzz
