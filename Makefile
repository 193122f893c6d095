# Every target sets up what it needs: a virtual environment in .venv, filled by pip.
#   PYTHON     the Python to make it with, 3.11 or newer
#   TORCH      the torch to install first; without CUDA it is small, with it several gigabytes
#   PIP_FLAGS  options for pip, such as --index-url
# make test-oldest does the same in build/oldest, with the oldest packages that pyproject.toml allows:
#   TORCH_OLDEST  the torch to test with; as long as the oldest one has no small build, the same as TORCH
PYTHON ?= python3
TORCH ?= torch==2.13.0
TORCH_OLDEST ?= $(TORCH)
PIP_FLAGS ?=
BIN := .venv/bin
# One process a core, up to four, each on one thread; the tests of a file share what they set up, so they stay together.
TESTS := pytest -q --numprocesses auto --maxprocesses 4 --dist loadfile --no-loadscope-reorder
READY := .venv/.ready
OLDEST := build/oldest

.DEFAULT_GOAL := help
.PHONY: help demo test coverage test-slow test-oldest bench lint format clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-11s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: $(READY) ## train English-French on data/ and translate: about five minutes on two cores
	$(BIN)/mtkit preprocess --langs en-fr --train data/train --valid data/valid --out build/en-fr --force
	$(BIN)/mtkit train build/en-fr --out models/en-fr --force
	head -n 8 data/test.en
	head -n 8 data/test.en | $(BIN)/mtkit translate models/en-fr
	echo 'The old doctor reads a long letter.' | $(BIN)/mtkit translate models/en-fr
	$(BIN)/mtkit evaluate models/en-fr --test data/test

test coverage: export OMP_NUM_THREADS = 1
test: $(READY) ## run the tests
	$(BIN)/python -m $(TESTS)

coverage: $(READY) ## run the tests and fail where they run less of mtkit than they did
	mkdir -p build
	$(BIN)/coverage erase
	$(BIN)/coverage run -m $(TESTS)
	$(BIN)/coverage combine --quiet
	$(BIN)/coverage report

test-oldest: $(OLDEST)/full/.ready $(OLDEST)/light/.ready ## run every command with the oldest packages allowed
	$(OLDEST)/full/bin/python -m tests.oldest $(OLDEST)/full $(OLDEST)/light

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

define new-environment
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "mtkit needs Python 3.11 or newer: make PYTHON=python3.12 ..." >&2; exit 1; }
	$(PYTHON) -m venv $(@D)
endef

$(READY): pyproject.toml
	$(new-environment)
	$(BIN)/pip install --quiet $(PIP_FLAGS) $(TORCH)
	$(BIN)/pip install --quiet $(PIP_FLAGS) --editable '.[train,dev]'
	touch $@

$(OLDEST)/full/.ready: pyproject.toml tests/oldest/minimums.py
	$(new-environment)
	$(OLDEST)/full/bin/pip install --quiet $(PIP_FLAGS) $(TORCH_OLDEST)
	$(OLDEST)/full/bin/python -m tests.oldest.minimums full > $(OLDEST)/full/constraints.txt
	$(OLDEST)/full/bin/pip install --quiet $(PIP_FLAGS) --constraint $(OLDEST)/full/constraints.txt --editable '.[train]'
	touch $@

$(OLDEST)/light/.ready: pyproject.toml tests/oldest/minimums.py
	$(new-environment)
	$(OLDEST)/light/bin/python -m tests.oldest.minimums light > $(OLDEST)/light/constraints.txt
	$(OLDEST)/light/bin/pip install --quiet $(PIP_FLAGS) --constraint $(OLDEST)/light/constraints.txt --editable .
	touch $@
