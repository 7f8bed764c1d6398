# The desk. `make` prints what there is; each target builds the environment it needs first.
PYTHON ?= python3
BIN := .venv/bin
T ?= tests
WORKERS ?= 2
INPUT ?=
ONCE ?=
CTK ?= ../shared/data/ows
export PYTHONDONTWRITEBYTECODE = 1

.DEFAULT_GOAL := help
.PHONY: help run test check format lint types contracts docs-check tests tools bench chaos docs migration map lock conformance clean env env-dev

help: ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1|\2/' | column -t -s '|'

env:
	@$(PYTHON) infra/bootstrap.py

env-dev:
	@$(PYTHON) infra/bootstrap.py --dev

run: env ## everything from nothing, plays the story, stays up (ONCE=1 ends with it, INPUT="files" takes files in instead)
	@exec $(BIN)/detour up $(if $(ONCE),--once) $(foreach f,$(INPUT),--input $(f))

test: env-dev ## the suite (without chaos), or T=path of it
	@exec $(BIN)/python -m pytest $(T) $(if $(filter tests,$(T)),--ignore tests/chaos) -n $(WORKERS) --dist loadfile

check: env-dev lint types contracts tests docs-check ## format, lint, types, contracts, tests, docs: what must hold before anything lands

lint: env-dev
	@$(BIN)/ruff format --check --quiet app tenants branding worker migrations simulator benchmarks tests infra docs || (echo "run: make format"; exit 1)
	@$(BIN)/ruff check --quiet app tenants branding worker migrations simulator benchmarks tests infra docs
	@$(BIN)/deptry --no-ansi . >/dev/null 2>&1 || $(BIN)/deptry --no-ansi .

format: env-dev ## lay the code out
	@$(BIN)/ruff format --quiet app tenants branding worker migrations simulator benchmarks tests infra docs
	@$(BIN)/ruff check --fix --quiet app tenants branding worker migrations simulator benchmarks tests infra docs

types: env-dev
	@$(BIN)/mypy app tenants branding worker simulator docs infra

contracts: env-dev
	@$(BIN)/lint-imports --no-cache

tests: env-dev
	@$(BIN)/python -m pytest tests --ignore tests/chaos -n $(WORKERS) --dist loadfile -ra

docs: env-dev ## generate the reference pages
	@$(BIN)/python -m docs.generate

docs-check: env-dev
	@$(BIN)/python -m docs.generate --check

tools: ## what needs root: Debian's chromium and a font, for the tests of the pages
	@sh infra/tools.sh

bench: env-dev ## interleaved ratios (B=name for one group)
	@exec $(BIN)/python -m benchmarks $(B)

chaos: env-dev ## kill -9 at named points and check the ledger
	@exec $(BIN)/python -m pytest tests/chaos -q -ra

conformance: env-dev ## the official conformance kit and examples of the workflow specification (CTK=folder with ctk/, examples/, schema/)
	@CTK=$(CTK) $(BIN)/python -m pytest tests/unit/workflows/test_conformance.py tests/unit/workflows/test_dsl.py tests/unit/workflows/test_schema_agreement.py -q -rs

migration: env-dev ## a new migration, m="what changes"
	@$(BIN)/python -m infra.migration "$(m)"

map: env ## who hears what, as a diagram
	@$(BIN)/detour map

lock: env-dev ## pin every dependency with its hash, naming no index or registry
	@$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header pyproject.toml -o requirements.lock
	@$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --group dev -c requirements.lock pyproject.toml -o requirements-dev.lock
	@$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --group pyproject.toml:node -o requirements-node.lock
	@cd infra/web && npm install --package-lock-only --loglevel=error && $(abspath $(BIN))/python ../weblock.py package-lock.json

clean: ## forget the environment and all data
	@rm -rf .venv .detour "$$($(PYTHON) -c 'import hashlib, pathlib; print("/var/tmp/detour-" + hashlib.sha256(str(pathlib.Path.cwd().resolve()).encode()).hexdigest()[:12])')"
