# Needs Python 3.11 or newer and make; everything else is fetched into .venv and .peers.
# A stamp file says that a step was done, so that doing it again costs nothing.
# Where the system's Python is older: make PYTHON=python3.12 demo

PYTHON ?= python3
WORKERS ?= 2
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
# Both names, since pip 25.3: the isolated environment that builds the package is pinned as well (hatchling).
# Relative, because pip would split a path at its spaces.
export PIP_CONSTRAINT := constraints.txt
export PIP_BUILD_CONSTRAINT := constraints.txt

SOURCES := pyproject.toml constraints.txt package.json package-lock.json hatch_build.py
APP := .venv/.app
DEV := .venv/.dev
MOCK := .peers/mastodon-mock

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help install demo test coverage check docs bench clean

help: ## Show what can be made
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' Makefile

install: $(APP) ## Make .venv with the daemon in it

demo: $(APP) ## Run the daemon with a simulated crowd
	@$(BIN)/hubbub demo

test: $(DEV) $(MOCK)/.ready ## Run all tests, on SQLite and on PostgreSQL
	@$(BIN)/pytest --numprocesses=$(WORKERS) --dist=worksteal --durations=15

coverage: $(DEV) $(MOCK)/.ready ## Run all tests and say what they do not reach; takes half as long again
	@$(BIN)/pytest --numprocesses=$(WORKERS) --dist=worksteal --cov --cov-report=term

check: $(DEV) ## Lint, formatting, types, import rules
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/mypy tests
	$(BIN)/lint-imports --no-logo

docs: $(DEV) ## Write the generated parts of docs and deploy, and bring the catalogues up to date
	$(BIN)/python -m bot.settings_reference
	$(BIN)/python -m bot.command_reference
	$(BIN)/python -m bot.api_reference
	$(BIN)/python -m bot.catalogues

bench: $(DEV) ## Run every benchmark beside its yardstick
	@$(BIN)/hubbub bench reading --json
	@$(BIN)/hubbub bench day --json
	@$(BIN)/hubbub bench queue --json

clean: ## Remove what was fetched and built, but no data
	rm -rf .venv .peers node_modules build dist bot/web/static/vendor htmlcov
	rm -rf .coverage .coverage.* .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

.venv/.made:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed")'
	$(PYTHON) -m venv .venv
	@touch $@

$(APP): .venv/.made $(SOURCES)
	$(PIP) install --editable .
	@touch $@

$(DEV): .venv/.made $(SOURCES)
	$(PIP) install --editable '.[dev]'
	@touch $(APP) $@

# A Mastodon server that is not ours; it brings a web framework, so it lives in an environment of its own.
$(MOCK)/.ready: tests/peers/mastodon-mock.txt
	$(PYTHON) -m venv $(MOCK)
	PIP_CONSTRAINT= PIP_BUILD_CONSTRAINT= $(MOCK)/bin/python -m pip --disable-pip-version-check --quiet install --requirement $<
	@touch $@
