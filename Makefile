PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
DEMO := demo
COMPILE := UV_CUSTOM_COMPILE_COMMAND='make lock' $(BIN)/uv pip compile pyproject.toml --group build \
	--universal --python-version 3.11 --fork-strategy fewest --only-binary :all: --generate-hashes \
	--no-annotate --upgrade --quiet

.PHONY: demo test slow faults advisories coverage mutants pythons lint types contracts docs site check lock news release-check clean

demo: $(VENV)/.base ## train on the built-in synthetic data and explain an image
	$(BIN)/zoo train efficientnet --preset fast --data 'phantom?images=1000' --runs $(DEMO)/runs
	$(BIN)/zoo sample $(DEMO)/images --data 'phantom?seed=1&images=10' --count 1
	$(BIN)/zoo explain $(DEMO)/images --runs $(DEMO)/runs --output $(DEMO)/explanations
	@echo "Open $(DEMO)/explanations/PNEUMONIA-1.html"

test: $(VENV)/.dev ## all tests but the slow ones, on two processes
	$(BIN)/python -m pytest -n 2 --dist loadfile -m 'not slow and not faults'

slow: $(VENV)/.dev ## the tests that take longest: whole trainings, thousands of hostile files
	$(BIN)/python -m pytest -n 2 --dist loadfile -m slow

faults: $(VENV)/.dev ## kill commands, fill the disk, break reads; writes build/faults.md
	FAULTS_TABLE=build/faults.md $(BIN)/python -m pytest -n 2 --dist worksteal tests/faults

advisories: $(VENV)/.dev ## known faults of what the lock installs, where they can be asked for
	VENV=$(VENV) .ci/advisories

coverage: $(VENV)/.dev ## the same tests, and which branches they take
	$(BIN)/python -m pytest -n 2 --dist loadfile -m 'not faults' --cov --cov-report= --cov-fail-under=0
	-$(BIN)/coverage combine --append --quiet # of processes that ended after the tests
	$(BIN)/coverage report

mutants: $(VENV)/.dev ## break the code that decides, and see whether its tests notice; goes on where it stopped
	$(BIN)/mutmut run --max-children 2
	$(BIN)/mutmut results

pythons: ## all tests on every Python that is here
	@for version in 3.11 3.12 3.13; do \
		if python$$version --version 2>/dev/null; then \
			$(MAKE) test PYTHON=python$$version VENV=$(VENV)/$$version || exit 1; \
		else echo "There is no python$$version here."; fi; \
	done

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/.dev
	$(BIN)/mypy

contracts: $(VENV)/.dev ## who may import whom
	$(BIN)/lint-imports

docs: $(VENV)/.dev ## the documented help and names are the real ones
	$(BIN)/python docs/generate_cli.py --check
	$(BIN)/python docs/generate_names.py --check

site: $(VENV)/.dev ## the documentation for a browser: python -m http.server -d build/site
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet

check: lint types contracts docs test

news: $(VENV)/.dev ## the next section of the changelog
	$(BIN)/towncrier build --draft

release-check: $(VENV)/.dev ## build, and use what was built in a fresh environment elsewhere
	VENV=$(VENV) .ci/release

lock: $(VENV)/.dev ## write requirements/ anew: the newest versions that pyproject.toml allows
	$(COMPILE) --extra dev --output-file requirements/dev.txt
	$(COMPILE) --constraint requirements/dev.txt --output-file requirements/base.txt

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.base $(VENV)/.dev: $(VENV)/.%: $(BIN)/python pyproject.toml requirements/%.txt
	$(BIN)/python -m pip install --quiet --only-binary :all: --require-hashes --requirement requirements/$*.txt
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

clean:
	rm -rf $(VENV) $(DEMO) build dist
