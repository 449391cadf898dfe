PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
DEMO := demo

.PHONY: demo test lint types contracts docs check clean

demo: $(VENV)/.base ## train on the built-in synthetic data and explain an image
	$(BIN)/zoo train efficientnet --data 'phantom?images=1000' --runs $(DEMO)/runs
	$(BIN)/zoo sample $(DEMO)/images --data 'phantom?seed=1&images=10' --count 1
	$(BIN)/zoo explain $(DEMO)/images --runs $(DEMO)/runs --output $(DEMO)/explanations
	@echo "Open $(DEMO)/explanations/PNEUMONIA-1.html"

test: $(VENV)/.test ## all tests, on two processes
	$(BIN)/python -m pytest -n 2 --dist loadfile

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/.dev
	$(BIN)/mypy

contracts: $(VENV)/.dev ## who may import whom
	$(BIN)/lint-imports

docs: $(VENV)/.dev ## the documented help is the real one
	$(BIN)/python docs/generate_cli.py --check

check: lint types contracts docs test

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip

$(VENV)/.base: $(BIN)/python pyproject.toml
	$(BIN)/python -m pip install --quiet --editable .
	@touch $@

$(VENV)/.test: $(BIN)/python pyproject.toml
	$(BIN)/python -m pip install --quiet --editable '.[test]'
	@touch $@

$(VENV)/.dev: $(BIN)/python pyproject.toml
	$(BIN)/python -m pip install --quiet --editable '.[dev]'
	@touch $@

clean:
	rm -rf $(VENV) $(DEMO) build dist
