# Car listings, uploaded at 10:03, searchable at 10:03. `make` alone lists what there is.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

PYTHON ?= $(shell command -v python3.11 || command -v python3 || echo python3.11)
VENV := .venv
READY := $(VENV)/.ready
PYTEST := $(VENV)/bin/python -m pytest
PIP := $(VENV)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps
ON_SERVERS := integration or e2e or chaos or attack
SIDE_BY_SIDE := --numprocesses auto --dist worksteal

.PHONY: help
help: ## List the targets
	@awk -F ':.*## ' '/^[a-z.-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: demo
demo: setup ## Start everything, upload sample files, show them being found; leaves it running
	@$(VENV)/bin/listings demo

.PHONY: down
down: ## Stop the servers and the worker of the demo
	@if [ -x $(VENV)/bin/listings ]; then $(VENV)/bin/listings stack down; fi

.PHONY: test
test: setup programs ## Everything: lint, types, imports, unit, contract, integration, end-to-end, chaos
	@$(MAKE) lint
	$(PYTEST) -q -m "not ($(ON_SERVERS) or bench)" $(SIDE_BY_SIDE)
	$(PYTEST) -q -m "($(ON_SERVERS)) and not attack" --durations=20
	ATTACK_NEIGHBOUR_S=30 $(PYTEST) -q -m "attack and not slow" --durations=10

.PHONY: test-unit
test-unit: $(READY) ## The quick tests that need no server; about a minute on two cores
	$(PYTEST) -q -m "not ($(ON_SERVERS) or bench or slow)" $(SIDE_BY_SIDE)

.PHONY: chaos
chaos: setup programs ## Workers and servers are killed under load
	$(PYTEST) -q -m chaos

.PHONY: attack
attack: setup programs ## Hostile input against the running product, floods too; wants a machine that does nothing else
	$(PYTEST) -q -m attack

.PHONY: chaos-long
chaos-long: setup programs ## The same for long: ten minutes without the index, each fault 30 s, all mixed for ten minutes
	CHAOS_OUTAGE_S=600 CHAOS_FAULT_S=30 CHAOS_MIXED_S=600 $(PYTEST) -q -s -m chaos

.PHONY: bench
bench: setup programs ## Measure on this machine; writes bench-results/
	$(VENV)/bin/python -m tests.bench

.PHONY: lint
lint: $(READY) ## Style, types, and which module may import which
	@$(VENV)/bin/ruff check .
	@$(VENV)/bin/ruff format --check --quiet .
	@$(VENV)/bin/mypy
	@$(VENV)/bin/lint-imports

.PHONY: docs
docs: $(READY) ## Write the generated tables of README.md and docs/ anew
	@$(VENV)/bin/python -m tests.support.docs

.PHONY: clean
clean: down ## Stop the servers and delete what make has made: packages, programs, data, results
	rm -rf $(VENV) .cache .stack bench-results .mypy_cache .ruff_cache .import_linter_cache .hypothesis *.egg-info

# --- set-up ---------------------------------------------------------------------------------------------------

.PHONY: setup
setup: ## Install the packages and, at the same time, build the S3 gateway
	@$(MAKE) -j2 $(READY) gateway

.PHONY: gateway
gateway:
	@$(PYTHON) -m app.devstack.prefetch s3

.PHONY: programs
programs: $(READY)
	@$(VENV)/bin/python -m app.devstack.prefetch

.PHONY: .venv
.venv: $(READY) ## Install the packages, with their hashes checked

$(READY): requirements-dev.txt pyproject.toml
	@$(PYTHON) -c 'import sys, venv, ensurepip; sys.exit(sys.version_info[:2] != (3, 11))' 2> /dev/null \
	|| { echo "Python 3.11 with its venv module is needed: install it (on Debian: python3.11 and python3.11-venv)" \
	"or run \`docker compose up\`, which does the same with Docker" >&2; exit 1; }
	@echo "installing the packages into $(VENV)" >&2
	@$(PYTHON) -m venv $(VENV)
	@$(PIP) --only-binary :all: --require-hashes -r requirements-dev.txt
	@$(PIP) --no-build-isolation -e .
	@touch $@

# --- for whoever changes a version ----------------------------------------------------------------------------

UV ?= uv
COMPILE := $(UV) pip compile --quiet --generate-hashes --python-version 3.11 --no-emit-index-url \
	--no-emit-find-links --custom-compile-command "make requirements" pyproject.toml -

.PHONY: requirements
requirements: ## Pin the Python packages anew, with hashes (needs uv)
	echo 'setuptools>=80' | $(COMPILE) --extra devstack --extra dev --output-file requirements-dev.txt
	echo 'setuptools>=80' | $(COMPILE) --extra aws --constraint requirements-dev.txt --output-file requirements.txt

.PHONY: artifacts
artifacts: $(READY) ## Pin the servers' jars anew, with hashes, after a change of app/devstack/versions.py
	$(VENV)/bin/python -m app.devstack.lock
