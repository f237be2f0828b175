# Commands of the workbench; `make help` lists them. Everything is installed into .venv, never into the system's Python.

PYTHON ?= $(or $(shell sh tools/find-python),python3)
VENV ?= .venv
PY = $(VENV)/bin/python
# The first word repairs an environment whose creation was interrupted before pip was in it.
PIP = $(PY) -m ensurepip >/dev/null 2>&1; $(PY) -m pip install --disable-pip-version-check --quiet

# A stamp's name holds the checksum of what was installed, so a changed file installs again and a touched one does not.
RUN_STAMP = $(VENV)/.installed-$(shell cat requirements.txt | cksum | tr ' ' '-')
DEV_STAMP = $(VENV)/.installed-dev-$(shell cat requirements.txt requirements-dev.txt | cksum | tr ' ' '-')

.PHONY: help run test check format trials bench demo space-readme settings-doc clean
.DEFAULT_GOAL := help

help:  ## list the commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-14s %s\n", $$1, $$2 }' Makefile

run: $(RUN_STAMP)  ## serve the app on T5GEMMA_HOST and T5GEMMA_PORT (127.0.0.1:7860)
	@$(PY) app.py

test: $(DEV_STAMP)  ## run every test but the slow ones, in a real browser too; ARGS go to pytest
	@sh tools/ensure-chromium $(PY)
	@$(PY) -m pytest -m "not slow" $(ARGS); code=$$?; \
	  [ $$code -ne 5 ] || echo "No test was collected: check ARGS and the tests/ folder." >&2; exit $$code

check: $(DEV_STAMP)  ## formatting, lint and types
	$(PY) -m ruff format --check .
	$(PY) -m ruff check .
	$(PY) -m mypy

format: $(DEV_STAMP)  ## format the code and mend what ruff can mend
	$(PY) -m ruff format .
	$(PY) -m ruff check --fix .

trials: $(DEV_STAMP)  ## run the slow tests, which take minutes
	@sh tools/ensure-chromium $(PY)
	@$(PY) -m pytest -m slow $(ARGS); code=$$?; \
	  if [ $$code -eq 5 ]; then echo "There are no slow tests."; else exit $$code; fi

bench: $(RUN_STAMP)  ## speed beside transformers and CTranslate2: make bench ARGS="CHECKPOINT PROMPTS.jsonl"
	@$(PIP) -r requirements-bench.txt
	$(PY) -m bench.generation $(ARGS)

demo: $(RUN_STAMP)  ## train the embedded checkpoint again, on the CPU
	$(PY) -m t5gemma_app.training.demo train $(ARGS)

space-readme: $(DEV_STAMP)  ## write README.md's front matter from Space.yaml
	$(PY) tools/space_readme.py

settings-doc: $(RUN_STAMP)  ## write docs/settings.md's table from the settings themselves
	$(PY) tools/settings_doc.py

clean:  ## remove the virtual environment and caches
	rm -rf $(VENV) .pytest_cache .ruff_cache .mypy_cache .hypothesis

$(RUN_STAMP): | $(PY)
	@echo "Installing what runs the app into $(VENV); this takes minutes the first time ..."
	@$(PIP) -r requirements.txt
	@rm -f $(VENV)/.installed-*
	@touch $@

$(DEV_STAMP): | $(PY)
	@echo "Installing what runs and tests the app into $(VENV); this takes minutes the first time ..."
	@$(PIP) -r requirements-dev.txt
	@rm -f $(VENV)/.installed-*
	@touch $(RUN_STAMP) $@

$(PY):
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	  echo "The app needs Python 3.11 or newer, and none was found. Install one, or name it:" \
	  "make run PYTHON=/path/to/python3.12" >&2; exit 1; }
	@rm -rf $(VENV)
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); \
	  echo "$(PYTHON) can't make a virtual environment; on Debian and Ubuntu: apt-get install python3-venv" >&2; \
	  exit 1; }
