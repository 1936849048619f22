# What a person runs is what CI runs: nothing lives only in CI. `make` alone lists the targets.

SHELL := /bin/bash
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

VENV ?= .venv
PYTHON ?=
ENGINE ?=
ACCELERATOR ?=
PYTEST_ARGS ?=
FUZZERS ?=
SECONDS ?= 60
LONG ?=
SEED ?=
BIN := $(VENV)/bin
CLUSTER_TESTS_AT_ONCE := 4 # they wait more than they work
PIP := $(BIN)/python -m pip --quiet --quiet --disable-pip-version-check

.PHONY: help setup dev demo test test-cluster lint format bench fuzz universe lock clean

help: ## List the targets.
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' Makefile

setup: $(VENV)/.project-installed ## Make .venv with the project in it.

dev: $(VENV)/.dev-installed ## Make .venv with the project and the tools for working on it.

demo: setup ## Watch a function being analyzed and moved between CPU and GPU (ENGINE=process|docker|auto, ACCELERATOR=auto|nvidia|emulated).
	@$(BIN)/python scripts/demo.py $(if $(ENGINE),--engine $(ENGINE)) $(if $(ACCELERATOR),--accelerator $(ACCELERATOR))

test: lint ## Run lint, types and every test but those of a cluster (PYTEST_ARGS="-k name" for some, LONG=1 for the long ones too).
	$(BIN)/python -m pytest -n auto --dist worksteal $(if $(LONG),,-m "not long") --ignore tests/cluster $(PYTEST_ARGS)

test-cluster: dev ## Run the tests on a Knative control plane, built here with Go (LONG=1 for the long ones too, GAIA_TEST_KUBECONFIG=FILE for a cluster of your own).
	@[ -n "$$GAIA_TEST_KUBECONFIG" ] || $(BIN)/python -m tests.support.control_plane build
	$(BIN)/python -m pytest -n $(CLUSTER_TESTS_AT_ONCE) --dist worksteal -m "not long" tests/cluster $(PYTEST_ARGS)
	@[ -z "$(LONG)" ] || $(BIN)/python -m pytest -m long tests/cluster

lint: dev ## Check style, format, types and the import rule.
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/python -m mypy
	$(BIN)/lint-imports

format: dev ## Format the code and fix what ruff can.
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: dev ## Run every benchmark; each prints ratios against a peer.
	@set -e; for file in benchmarks/[a-z]*.py; do \
	  name=$$(basename $$file .py); echo "== benchmarks.$$name"; $(BIN)/python -m benchmarks.$$name; done

fuzz: dev ## Try hostile input of every kind (SECONDS=60 in all; SEED=n for the same again; FUZZERS="http frames" for some).
	$(BIN)/python -m tests.fuzz --seconds $(SECONDS) $(if $(SEED),--seed $(SEED)) $(FUZZERS)

universe: dev ## Run the runtime in new universes, where all that may go wrong does (SECONDS=60; SEED=n for the same ones again).
	$(BIN)/python -m tests.universe --seconds $(SECONDS) $(if $(SEED),--seed $(SEED))

lock: ## Refresh constraints.txt with the newest versions that fit pyproject.toml.
	@set -e; fresh=$$(mktemp -d); trap 'rm -rf "$$fresh"' EXIT; \
	PYTHON=$(PYTHON) scripts/create_venv.sh "$$fresh"; \
	"$$fresh"/bin/python -m pip --quiet --disable-pip-version-check install --editable '.[dev]'; \
	{ echo "# The exact versions that 'make demo' and 'make test' install; refreshed with 'make lock'."; \
	  "$$fresh"/bin/python -m pip --disable-pip-version-check freeze --exclude-editable; } > "$$fresh"/constraints.txt; \
	cp "$$fresh"/constraints.txt constraints.txt; wc -l constraints.txt

clean: ## Delete .venv, caches and build outputs.
	rm -rf $(VENV) dist build .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# The stamps live in the environment, so deleting it is enough to start afresh; each one waits for the one before, so that
# pip never runs twice at once under `make -j`.

$(VENV)/.project-installed: pyproject.toml constraints.txt scripts/create_venv.sh
	@PYTHON=$(PYTHON) scripts/create_venv.sh $(VENV)
	@echo "Installing the project into $(VENV)"
	@$(PIP) install --constraint constraints.txt --editable .
	@touch $@

$(VENV)/.dev-installed: $(VENV)/.project-installed
	@echo "Installing the tools for working on it into $(VENV)"
	@$(PIP) install --constraint constraints.txt --editable '.[dev]'
	@touch $@
