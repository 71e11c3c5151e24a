PYTHON ?= python3
BIN := .venv/bin

# The validator's tests, but for those that go by the clock.
VALIDATOR := tests/validation tests/orchestrator/test_policy_test.py tests/orchestrator/scripted/test_explain.py \
	tests/executor/test_runtime_checks.py \
	--deselect tests/validation/test_hostile.py::test_a_report_comes_within_a_second

# Where the fuzzer's own environment lies, and how long each target is fuzzed.
FUZZ := $(or $(DAGWRIGHT_CACHE),$(HOME)/.cache/dagwright)/fuzz
FUZZ_SECONDS ?= 60

.PHONY: help setup test coverage fuzz check demo conductor-demo bench record lock clean
.DEFAULT_GOAL := help

help: ## show the targets
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1\t\2/' | expand -t 24

setup: .venv/.ready ## make the environment from the lock file

.venv/.ready: requirements.lock pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit("dagwright needs Python 3.11 or newer, this is " + sys.version.split()[0] + ": make PYTHON=python3.11 …") if sys.version_info < (3, 11) else None'
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r bootstrap.lock
	$(BIN)/uv pip sync --quiet --python $(BIN)/python --require-hashes bootstrap.lock requirements.lock
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .
	touch $@

test: setup ## run the tests (no model, no server)
	$(BIN)/python -m pytest -q -n 2

coverage: setup ## run the validator's tests, every branch noted; fails below 98 %
	$(BIN)/python -m coverage run -m pytest -q $(VALIDATOR)
	$(BIN)/python -m coverage report

fuzz: setup ## fuzz the validator, the type relation and the OpenAPI import (FUZZ_SECONDS each)
	test -x $(FUZZ)/bin/python || $(PYTHON) -m venv $(FUZZ)
	$(FUZZ)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r tests/fuzz/requirements.lock
	PYTHONPATH=.:$$($(BIN)/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))') \
		$(FUZZ)/bin/python -m tests.fuzz --seconds $(FUZZ_SECONDS)

check: setup ## lint, types, layers
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright
	$(BIN)/lint-imports

demo: setup ## plan and execute a goal on real data with the local model
	$(BIN)/dagwright demo

conductor-demo: setup ## the same goal on a real Conductor server
	$(BIN)/dagwright conductor up
	$(BIN)/dagwright demo --engine conductor

bench: setup ## the suites of the README, with their figures
	$(BIN)/dagwright bench run all

record: setup ## record anew what the local model answers in the tests
	$(BIN)/dagwright model pull
	$(BIN)/python -m tests.record

lock: setup ## renew the lock files from pyproject.toml
	printf 'uv\nsetuptools>=77\nwheel\n' | $(BIN)/uv pip compile - --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate --no-header -q -o bootstrap.lock
	$(BIN)/uv pip compile pyproject.toml --group dev --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate --no-header -q -o requirements.lock

clean: ## remove the environment and caches
	rm -rf .venv build dist *.egg-info .pytest_cache .ruff_cache .hypothesis
