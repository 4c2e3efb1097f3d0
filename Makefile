# Thin calls of plain commands; the README gives the same for machines without make.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: demo test lint types docs site-in-a-browser screenshots wheel bench clean

PLUGINS := $(wildcard plugins/bakeio-*)

# bakeio alone, for who only wants to see it
.venv/.tried: pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable .
	touch $@

.venv/.installed: .venv/.tried $(PLUGINS:%=%/pyproject.toml)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable ".[dev]" $(PLUGINS:%=--editable ./%)
	touch $@

demo: .venv/.tried
	$(BIN)/bakeio demo

test: .venv/.installed
	$(BIN)/python -m pytest --numprocesses 3 --dist worksteal

lint: .venv/.installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: .venv/.installed
	$(BIN)/mypy
	$(BIN)/mypy tests/typed_application.py

docs: .venv/.installed
	$(BIN)/python docs/generate.py
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet
	$(BIN)/python docs/check_site.py build/site

site-in-a-browser: docs
	$(BIN)/python docs/check_site.py build/site --browser build/pictures

screenshots: .venv/.installed
	$(BIN)/python docs/screenshots.py
	$(BIN)/python docs/pictures.py

wheel: .venv/.installed
	$(BIN)/python tests/try_wheel.py

bench: .venv/.installed
	$(BIN)/python benchmarks/run.py

clean:
	rm -rf .venv demo
