# `make` alone lists the targets.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# pip's and pyright's questions about newer versions of themselves.
export PIP_DISABLE_PIP_VERSION_CHECK := 1
export PYRIGHT_PYTHON_IGNORE_WARNINGS := 1

CODE := $(wildcard src tests examples benchmarks tools)

.DEFAULT_GOAL := help
.PHONY: help demo test check static bench format docs charts clean

help: ## List the targets
	@sed -nE 's/^([a-z]+):[^#]*## (.*)/make \1\t\2/p' Makefile | expand -t 16

demo: $(VENV)/installed ## Install into .venv, run the genre statistics example, say how to look further
	@mkdir -p .falaj
	$(BIN)/python examples/genre_stats/flow.py run --run-id-file $(VENV)/demo-run
	@run=$$(cat $(VENV)/demo-run) && $(BIN)/python examples/genre_stats/quartiles.py "$$run" \
	&& printf '%s\n' '' "That was run $$run of GenreStatsFlow. To look further:" \
	  "  $(BIN)/falaj runs" \
	  "  $(BIN)/python examples/genre_stats/flow.py show" \
	  "  $(BIN)/python examples/genre_stats/flow.py run --movies another.csv" \
	  "  $(BIN)/python examples/genre_stats/quartiles.py $$run    (its source reads the results back)"

test: $(VENV)/installed-dev static ## Check and test everything
	$(BIN)/pytest
	$(BIN)/python tests/old_interpreters/run.py
	$(BIN)/python tests/dependency_bounds/run.py

check: $(VENV)/installed-dev static ## Format, lint, types, import contract, dead code, unit tests
	$(BIN)/pytest $(wildcard tests/architecture tests/unit)

static: $(VENV)/installed-dev
	$(BIN)/ruff format --check $(CODE)
	$(BIN)/ruff check $(CODE)
	$(BIN)/pyright
	$(BIN)/lint-imports --no-cache --no-logo
	$(BIN)/vulture $(CODE)

bench: $(VENV)/installed-dev ## Measure against the bars of the design
	$(BIN)/python benchmarks/run.py

format: $(VENV)/installed-dev ## Format, and mend what the linter can mend
	$(BIN)/ruff format $(CODE)
	$(BIN)/ruff check --fix $(CODE)

docs: $(VENV)/installed-dev ## Write the parts of the reference that are made from the code
	$(BIN)/python tests/docs/regenerate.py

charts: $(VENV)/installed-dev ## Fetch the chart library of cards from npm, at the pinned versions
	$(BIN)/python tools/fetch_chart_library.py

clean: ## Remove .venv, caches and the demo's results
	rm -rf $(VENV) .falaj .pytest_cache .ruff_cache .hypothesis .import_linter_cache build dist
	find src tests examples $(wildcard benchmarks) -name __pycache__ -type d -prune -exec rm -rf {} +

# Editable, so that a change in src/ needs no new install. The stamps are made last and are
# older than a changed pyproject.toml, which then installs again.
$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/installed: pyproject.toml | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --editable .
	@touch $@

$(VENV)/installed-dev: pyproject.toml | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --editable '.[dev]'
	@touch $@ $(VENV)/installed
