.DEFAULT_GOAL := help
SHELL := /bin/bash
BIN := .venv/bin
ARGS ?=
export OPENBLAS_NUM_THREADS ?= 1
export OMP_NUM_THREADS ?= 1

help: ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-18s %s\n", $$1, $$2}'

setup: ## install whatever is missing (every other target does it for you)
	@infra/setup.sh

versitygw: setup ## build the S3 server that the tests run against, once per machine
	@infra/versitygw.sh

demo: setup ## the whole platform on this machine, one event changing the next page (ARGS=--once to end there)
	@$(BIN)/marquee demo $(ARGS)

test: setup versitygw check isolated ## static checks, each tier alone, then the whole suite
	@$(BIN)/python -m pytest $(ARGS)

check: setup ## ruff, mypy strict, import contracts
	@$(BIN)/ruff check --quiet . && $(BIN)/ruff format --quiet --check .
	@$(BIN)/mypy --no-error-summary
	@said=$$($(BIN)/lint-imports 2>&1) || { echo "$$said"; exit 1; }

isolated: setup versitygw ## each tier's wheel with that of shared and nothing else: its command, its tests
	@for tier in shared offline nearline online; do echo "== $$tier alone"; infra/isolated.sh $$tier || exit 1; done

build: setup ## wheels of shared and of each tier, in dist/
	@infra/wheels.sh dist shared offline nearline online

storm: setup ## SIGKILL nearline and the archiver twenty times each under load: nothing lost, nothing doubled
	@$(BIN)/python -m pytest -m slow -s tests/integration $(ARGS)

engine: ## what a Docker engine with compose needs here; ARGS=--yes installs and starts it
	@infra/engine.sh $(ARGS)

images: setup ## third-party images: what is here, what a registry gives, or local stand-ins
	@infra/images/local/build.sh

compose-test: setup ## the whole compose file on a real engine: kills, deploys, restarts, mixed versions, nothing lost
	@$(BIN)/python -m pytest -m slow -s tests/e2e/compose $(ARGS)

compose-clean: ## remove all marquee/* images, and the stand-ins
	@docker image ls -q --filter label=org.marquee.stand-in=true | sort -u | xargs -r docker image rm -f
	@docker image ls -q 'marquee/*' | sort -u | xargs -r docker image rm -f

bench-freshness: setup ## from POST to changed page: p99 of 200 events
	@$(BIN)/python benchmarks/freshness.py

bench-quality: setup ## ML-1M (MARQUEE_DATA): fold-in, global time split, closing half-step
	@$(BIN)/python benchmarks/quality.py

bench-context: setup ## planted context recovered, shuffled labels without effect
	@$(BIN)/python benchmarks/context.py

bench-bandit: setup ## artwork: policies before simulated people, propensities, estimators, retention (ARGS=3 seeds)
	@$(BIN)/python benchmarks/bandit.py $(ARGS)

bench-page: setup ## the home page's first view, by the browser's own clock
	@$(BIN)/python -m pytest -m slow -s tests/browser $(ARGS)

screenshots: setup ## docs/screenshots/*.png, of a demo that is started for them
	@$(BIN)/python infra/screenshots.py

format: setup ## let ruff rewrite
	@$(BIN)/ruff check --quiet --fix . ; $(BIN)/ruff format --quiet .

lock: setup ## write requirements/*.txt from the members' pyproject.toml (pins and hashes, no index address)
	@infra/lock.sh

.PHONY: bench-page help setup versitygw demo test check isolated build storm bench-freshness bench-quality bench-context bench-bandit \
  engine images compose-test compose-clean screenshots format lock
