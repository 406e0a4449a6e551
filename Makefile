# What developers type. `make` alone lists it.
SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help setup check fmt lint type test test-unit test-contract test-flink test-shipping test-integration e2e wheel up down demo bench soak docs pins hooks clean

BIN := .venv/bin
PYTEST := $(BIN)/python -m pytest
# Two processes: while one waits for a stack, the other works. tests/lanes.py says what stays together.
LANES := -n 2 --dist loadscope --no-loadscope-reorder

help: ## list the targets
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z0-9-]+):.*## /\1\t/' | expand -t 18

setup: ## make .venv with all pinned packages, build the wheel, fetch the jars (only what changed)
	@scripts/setup.sh --dev

check: lint type ## all checks that read the code without running it

fmt: setup ## lay the code out, and mend what can be mended
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

lint: setup ## style, layout, and a docstring on every test
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/interrogate --quiet tests

type: setup ## types, strictly
	$(BIN)/mypy

test: check ## everything: the checks, then all levels of tests in two lanes, with one summary
	$(PYTEST) $(LANES) --cov --cov-report=term

test-unit: setup ## seconds: no JVM, no network
	$(PYTEST) tests/unit tests/architecture tests/docs

test-contract: setup ## the embedded model server, and a real one where TF_SERVING_ADDRESS says so
	$(PYTEST) tests/contract

test-flink: setup ## pipelines on a mini-cluster in one process
	$(PYTEST) tests/flink

test-shipping: setup ## the built wheel in a fresh interpreter
	$(PYTEST) tests/shipping

test-integration: setup ## real brokers and clusters
	$(PYTEST) tests/integration

e2e: setup ## everything as a user starts it, with 10,000 events and kills
	$(PYTEST) tests/e2e

wheel: setup ## build the wheel into dist/
	@$(BIN)/python -m penstock.local.wheel dist

up: ## start Kafka, Flink and the jobs
	@scripts/start.sh --no-demo

down: ## stop them; data stays
	@scripts/stop.sh

demo: ## start all of it with the demo's events, and show five scores
	@scripts/start.sh
	@$(BIN)/penstock tail iris-results --count 5

bench: setup ## measure every stage and the peers beside them; a short run: make bench ARGS=--quick
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --requirement requirements/bench.txt
	$(BIN)/python -m benchmarks $(ARGS)

soak: setup ## ten minutes of 200 models in the memory of 32; a shorter run: make soak ARGS='--minutes 2'
	$(BIN)/python -m benchmarks.soak $(ARGS)

docs: setup ## write anew what docs/ says of settings, commands and documents
	PYTHONPATH=. $(BIN)/python scripts/manual.py

pins: setup ## write requirements/ anew from what .venv holds
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --requirement requirements/bench.txt
	$(BIN)/python scripts/pins.py

hooks: setup ## run the checks before every commit
	$(BIN)/pre-commit install

clean: ## delete what is built; data of the stack and .venv stay
	rm -rf dist build .pytest_cache .mypy_cache .ruff_cache .hypothesis .coverage htmlcov
	find . -name __pycache__ -not -path './.venv/*' -prune -exec rm -rf {} +
