# `make help` lists the targets.
PYTHON ?= python3
SCENARIO ?= quick
ARGS ?=
FIGURES ?= scale
REFERENCE ?= $(filter-out kernels-% libcs,$(basename $(notdir $(wildcard scenarios/*.yaml))))
# The whole suite in two processes; what is chosen with ARGS in one, where -x, -s and --pdb mean what they say.
PYTEST := $(or $(ARGS),--numprocesses 2)
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet

.DEFAULT_GOAL := help
.PHONY: help bench test simulate lint reference figures wheel clean

help: ## show this
	@awk -F':.*## ' '/^[a-z]+:.*## / {printf "  make %-9s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@echo "variables: SCENARIO=$(SCENARIO) (of bench; see launchbench list scenarios), ARGS= (of bench and test), PYTHON=$(PYTHON)"

# A run and its report need nothing of the tests. pip is called only when what is declared has changed.
$(VENV)/ready-run: pyproject.toml hatch_build.py
	@test -x $(BIN)/pip || $(PYTHON) -m venv $(VENV) || { \
		echo "no virtual environment: install python3-venv, or name another Python with PYTHON=" >&2; exit 1; }
	@echo "setting up in $(VENV) ..." >&2
	@$(PIP) install --editable '.[report]'
	@touch $@

$(VENV)/ready-test: $(VENV)/ready-run
	@$(PIP) install --editable '.[test]'
	@touch $@

$(VENV)/ready-lint: $(VENV)/ready-test
	@$(PIP) install --editable '.[test,lint]'
	@touch $@

bench: $(VENV)/ready-run ## set up and run a scenario: terminal summary, result file, and a page beside it
	@$(BIN)/launchbench run $(SCENARIO) --html $(ARGS)

test: $(VENV)/ready-test ## set up and run the tests
	@$(BIN)/python -m pytest $(PYTEST)

simulate: $(VENV)/ready-test ## how often comparisons err, on synthetic runs with known truth (minutes; see docs/method.md)
	@$(BIN)/python tests/simulation/error_rates.py $(ARGS)

lint: $(VENV)/ready-lint ## ruff, mypy, import-linter, and every warning about the C as an error
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python .ci/lint_c.py

# On an idle machine, as root. The files of the kernels and of libcs are made by the commands in docs/kernels.md.
reference: $(VENV)/ready-run ## measure the reference results in results/ anew (an hour; REFERENCE= names some of them)
	@for name in $(REFERENCE); do \
		rm -f results/$$name.jsonl; \
		$(BIN)/launchbench run scenarios/$$name.yaml -o results/$$name.jsonl $(ARGS) || exit; \
	done

figures: $(VENV)/ready-run ## draw the README's and the gallery's figures from the reference results
	@for name in $(FIGURES); do \
		$(BIN)/launchbench report results/$$name.jsonl --format figures -o docs/figures || exit; \
	done

wheel: $(VENV)/ready-run ## build the wheel, with the native worker inside
	@$(PIP) wheel --no-deps --wheel-dir dist .

clean: ## remove what was built, and the virtual environment
	rm -rf build dist $(VENV) .pytest_cache .mypy_cache .ruff_cache .import_linter_cache
