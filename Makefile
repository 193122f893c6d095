# Every target sets up what it needs: a virtual environment in .venv, filled by pip.
#   PYTHON     the Python to make it with, 3.11 or newer
#   TORCH      the torch to install first; without CUDA it is small, with it several gigabytes
#   PIP_FLAGS  options for pip, such as --index-url
PYTHON ?= python3
TORCH ?= torch==2.13.0
PIP_FLAGS ?=
BIN := .venv/bin
READY := .venv/.ready

.DEFAULT_GOAL := help
.PHONY: help demo test test-slow bench lint format clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: $(READY) ## train English-French on data/ and translate: about five minutes on two cores
	$(BIN)/mtkit preprocess --langs en-fr --train data/train --valid data/valid --out build/en-fr --force
	$(BIN)/mtkit train build/en-fr --out models/en-fr --force
	head -n 8 data/test.en
	head -n 8 data/test.en | $(BIN)/mtkit translate models/en-fr
	echo 'The old doctor reads a long letter.' | $(BIN)/mtkit translate models/en-fr
	$(BIN)/mtkit evaluate models/en-fr --test data/test

test: $(READY) ## run the tests
	$(BIN)/python -m pytest -q

test-slow: $(READY) ## run the long tests too, those on real corpora where MTKIT_CORPORA names their folder
	$(BIN)/python -m pytest -q -m 'slow or not slow'

bench: $(READY) ## measure mtkit beside its yardsticks (MTKIT_CORPORA, MTKIT_PEERS)
	$(BIN)/python -m tests.benchmarks

lint: $(READY) ## check style and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(READY) ## format the code
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

clean: ## remove what the other targets made
	rm -rf .venv build models dist .pytest_cache .ruff_cache .mypy_cache

$(READY): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "mtkit needs Python 3.11 or newer: make PYTHON=python3.12 ..." >&2; exit 1; }
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet $(PIP_FLAGS) $(TORCH)
	$(BIN)/pip install --quiet $(PIP_FLAGS) --editable '.[train,dev]'
	touch $@
