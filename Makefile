# The environment is made once from requirements.lock and made anew when the lock changes.
# Variables of the contract (RUGS_CAPTURES, RUGS_STORE, RUGS_START_DATE, DAGSTER_HOME) may be given
# on the command line: make run RUGS_CAPTURES=/where/captures/lie

.DEFAULT_GOAL := help
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
PYTHON ?= python3
PORT ?= 3000
BIN := .venv/bin
LOCKED := .venv/.locked
INSTALLED := .venv/.installed
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
BRIDGES := .venv-bridges
PIP_BRIDGES := $(BRIDGES)/bin/python -m pip --disable-pip-version-check --quiet

# Dagster wants an absolute folder that exists.
override DAGSTER_HOME := $(abspath $(or $(DAGSTER_HOME),$(CURDIR)))
export DAGSTER_HOME

.PHONY: run test test-ui test-soak test-year test-postgres test-memory test-bridges example test-crash test-faults fuzz reliability audit ui check bench docs lock help

run: $(INSTALLED) ## captures -> training data: every date found, all five assets
	@$(BIN)/python -m rugs_assets.orchestration.run

test: $(INSTALLED) ## the whole test suite (ARGS="-k name" for a part of it)
	@$(BIN)/python -m pytest -n auto $(ARGS)

test-ui: $(INSTALLED) ## the web UI in a real browser (apt-get install chromium); pictures in build/screenshots
	@$(BIN)/python -m pytest -n 0 -m browser rugs_assets_tests/browser $(ARGS)

ui: $(INSTALLED) ## webserver + daemon on loopback (PORT=3000); Ctrl-C stops everything
	@$(BIN)/python -m rugs_assets.orchestration.instance
	@echo "The web UI comes up at http://127.0.0.1:$(PORT) (Ctrl-C stops it)"
	@exec $(BIN)/dagster dev --host 127.0.0.1 --port $(PORT)

check: $(INSTALLED) ## ruff, mypy --strict, import layers
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

# What the extra `bridges` brings (torch, ray, ...) is large: it has an environment of its own.
test-bridges: $(BRIDGES)/.installed ## every bridge with the real library, none skipped (gigabytes, minutes)
	@$(BRIDGES)/bin/python -m pytest -p rugs_assets_tests.bridges.no_skips rugs_assets_tests/bridges $(ARGS)

example: $(BRIDGES)/.installed ## simulate, materialize, release, train two agents, evaluate them (minutes)
	@PATH="$(CURDIR)/$(BRIDGES)/bin:$$PATH" examples/run.sh $(ARGS)

bench: $(INSTALLED) ## what the parts cost, as ratios of one run (ARGS="--games 60 --no-growth --steps 0": less)
	@$(BIN)/python -m benchmarks $(ARGS)

docs: $(INSTALLED) ## the documentation as HTML in build/docs; a broken link is an error
	@$(BIN)/python -m sphinx --builder html --fail-on-warning --keep-going --quiet docs build/docs
	@echo "Open build/docs/index.html"

test-soak: $(INSTALLED) ## a month lands while the daemon runs, backfills through it (half an hour)
	@$(BIN)/python -m pytest -n 0 -m soak rugs_assets_tests/orchestration $(ARGS)

test-year: $(INSTALLED) ## 365 dates, clicked at once, through a daemon that loses power (an hour)
	@$(BIN)/python -m pytest -n 0 -m year --log-cli-level INFO rugs_assets_tests/orchestration $(ARGS)

test-postgres: $(INSTALLED) ## Dagster's databases on a real server (apt-get install postgresql)
	@$(PIP) install "dagster-postgres>=0.29.27,<0.30"
	@$(BIN)/python -m pytest -n 0 -m postgres rugs_assets_tests/orchestration $(ARGS)

test-memory: $(INSTALLED) ## a full day of 3 GB and ten of them through every stage, below 1 GiB
	@$(BIN)/python -m pytest -n 0 -m memory rugs_assets_tests/memory $(ARGS)

test-crash: $(INSTALLED) ## kills, full disks, rivals and endless input by the hundred (half an hour)
	@$(BIN)/python -m pytest rugs_assets_tests/faults -m "crash or soak" $(ARGS)

test-faults: $(INSTALLED) ## the short fault tests, TIMES=20 times in a row (a quarter of an hour)
	@$(BIN)/python -m rugs_assets_tests.faults.again --times $(or $(TIMES),20)

fuzz: $(INSTALLED) ## hostile captures through every reader and stage (SECONDS=60; SEED=n, the same ones again)
	@$(BIN)/python -m rugs_assets_tests.faults.fuzz --seconds $(or $(SECONDS),60) $(if $(SEED),--seed $(SEED))

reliability: $(INSTALLED) ## all of these, ten minutes of fuzz, and docs/reliability.md from the outcome
	@mkdir -p data && rm -f data/faults.jsonl
	@RUGS_FAULTS_TOLD=$(CURDIR)/data/faults.jsonl $(MAKE) test-faults
	@RUGS_FAULTS_TOLD=$(CURDIR)/data/faults.jsonl $(MAKE) test-crash
	@RUGS_FAULTS_TOLD=$(CURDIR)/data/faults.jsonl $(MAKE) fuzz SECONDS=600
	@$(BIN)/python -m rugs_assets_tests.faults.reliability data/faults.jsonl

audit: $(INSTALLED) ## known vulnerabilities of what requirements.lock holds (asks the package index)
	@$(PYTHON) -m venv .venv/audit && .venv/audit/bin/python -m pip --disable-pip-version-check --quiet \
	  install "pip-audit>=2.7,<3" || echo "pip-audit cannot be installed from here"
	@$(BIN)/python -m rugs_assets_tests.audit .venv/audit/bin/pip-audit requirements.lock

lock: $(INSTALLED) ## resolve requirements.lock anew from pyproject.toml (needs uv)
	@$(BIN)/python -m pip --disable-pip-version-check --quiet install "uv<1"
	@$(BIN)/uv pip compile pyproject.toml --extra dev --universal --python-version 3.11 \
	  --generate-hashes --no-emit-index-url --no-header --no-annotate --upgrade --quiet \
	  --output-file requirements.lock

help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1\t\2/' | expand -t 20

$(BRIDGES)/.installed: requirements.lock pyproject.toml
	@echo "Making $(BRIDGES) from requirements.lock and the extra bridges (some minutes, gigabytes)"
	@$(PYTHON) -m venv --clear $(BRIDGES)
	@$(PIP_BRIDGES) install --no-deps --require-hashes --requirement requirements.lock
	@$(PIP_BRIDGES) install --no-deps --no-build-isolation --editable .
	@$(PIP_BRIDGES) install "rugs_assets[bridges]"
	@touch $@

$(INSTALLED): $(LOCKED) pyproject.toml
	@$(PIP) install --no-deps --no-build-isolation --editable .
	@$(BIN)/python -m rugs_assets.orchestration.presets
	@touch $@

$(LOCKED): requirements.lock
	@$(PYTHON) -c 'import sys; v = sys.version_info[:2]; sys.exit(None if (3, 11) <= v < (3, 15) else "rugs_assets needs Python 3.11 to 3.14, $(PYTHON) is %d.%d (make PYTHON=... names another)" % v)'
	@echo "Making .venv from requirements.lock (once; about a minute)"
	@$(PYTHON) -m venv --clear .venv || { echo "python3 cannot make an environment; on Debian: apt-get install python3-venv"; exit 1; }
	@$(PIP) install --no-deps --require-hashes --requirement requirements.lock
	@touch $@
