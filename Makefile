# Needs Python 3.12; with Docker, also the stack. Everything else is installed below .tools and .venv.
SHELL := /bin/bash
UV := .tools/bin/uv
# uv would otherwise fetch an interpreter of its own from the internet.
export UV_PYTHON_DOWNLOADS ?= never
unexport VIRTUAL_ENV

.DEFAULT_GOAL := all
.PHONY: all help test swarm docs lint fix chat up swarm-config e2e lock matrix compat soak fuzz bench audit configs

# Half of the tests' time is waiting. What goes to which worker: tests/conftest.py.
WORKERS ?= 3
# Alone, after the others: three gateways that start at once need both cores.
SWARM := $(CURDIR)/tests/e2e/test_swarm.py
# Only with `make docs` do the runs write what they find; else they compare it with what is there.
ifneq ($(filter docs,$(MAKECMDGOALS)),)
export WRITE_DOCS := 1
endif

all: lint test ## lint, then test

help: ## this list
	@awk -F ':[^#]*## ' '/^[a-z0-9-]+:.*## / { printf "make %-13s%s\n", $$1, $$2 }' Makefile

$(UV):
	python3 -m venv .tools && .tools/bin/pip install --quiet --disable-pip-version-check uv==0.13.9

.venv/.synced: uv.lock pyproject.toml gateway/pyproject.toml | $(UV)
	$(UV) sync --quiet --locked --compile-bytecode && touch $@

test: .venv/.synced ## every test that this machine can run, and why it can't run the others
	.venv/bin/pytest -n $(WORKERS) --ignore $(SWARM) $(PYTEST_ARGS)
	.venv/bin/pytest $(SWARM) $(PYTEST_ARGS)

swarm: .venv/.synced ## the tests of deploy/swarm; other containers of this machine lose each other's names
	SWARM_BESIDE_OTHERS=1 .venv/bin/pytest $(SWARM) $(PYTEST_ARGS)

docs: .venv/.synced ## docs/providers.md, docs/reliability.md, docs/page.png and tests/recorded anew; make docs fuzz soak for the long runs' too
	.venv/bin/pytest tests/unit/test_what_is_said.py tests/unit/test_example_files.py \
	  tests/integration/test_own_servers.py tests/integration/test_matrix.py tests/integration/test_faults.py \
	  tests/integration/test_edits.py tests/integration/test_hostile_requests.py \
	  tests/integration/test_no_dead_air.py tests/integration/test_slow_providers.py \
	  tests/integration/test_attacks*.py tests/integration/test_many_gateways.py \
	  tests/browser/test_other_origin.py tests/browser/test_gateway_page.py $(PYTEST_ARGS)

e2e: .venv/.synced ## only the compose stack and the browser
	.venv/bin/pytest tests/e2e tests/browser $(PYTEST_ARGS)

lint: .venv/.synced ## ruff, mypy, what LiteLLM and vui keep private touched in one file each, Kubernetes' schemas
	.venv/bin/ruff check . && .venv/bin/ruff format --check . && .venv/bin/mypy
	.venv/bin/python -m tests.support.contract
	.venv/bin/python -m tests.support.kubernetes

fix: .venv/.synced ## what ruff can mend by itself
	.venv/bin/ruff check --fix . ; .venv/bin/ruff format .

chat: .venv/.synced ## a conversation by text without Docker, or one turn: make chat TEXT="Hello"
	.venv/bin/python -m tests.support.chat $(if $(TEXT),"$(TEXT)")

up: ## the stack
	docker compose up

swarm-config: ## deploy/swarm: bring the stack up, or roll out what has changed in .env and litellm_config.yaml
	deploy/swarm/roll

# What litellm[proxy] asks for and the sidecar never imports: the reports for a database, other servers,
# profiling, LiteLLM's own command line. The provider matrix holds without them.
LEFT_OUT := polars polars-runtime-32 rq croniter granian gunicorn pyroscope-io \
  inquirerpy pfzy prompt-toolkit wcwidth restrictedpython azure-storage-blob hf-xet pynacl

lock: $(UV) ## take newer versions within pyproject.toml's ranges
	$(UV) lock --upgrade
	$(UV) export -q --package vui-gateway --no-dev --no-emit-workspace --no-header $(LEFT_OUT:%=--no-emit-package %) -o gateway/requirements.txt
	$(UV) export -q --package vui-litellm --no-dev --no-emit-workspace --no-header -o src/requirements-text.txt
	$(UV) export -q --package vui-litellm --only-group stock --no-emit-workspace --no-header -o bench/stock/requirements.txt
	$(UV) export -q --package vui-litellm --no-dev --group speechless --no-emit-workspace --no-header -o tests/e2e/requirements.txt
	cd src && ../$(UV) pip compile -q --no-config --upgrade --generate-hashes --python-version 3.12 --custom-compile-command "make lock" speech.in -o requirements-speech.txt

matrix: .venv/.synced ## every provider family against every point: this stack, then stock LiteLLM
	.venv/bin/python -m tests.matrix ours stock

compat: .venv/.synced ## does it hold with another release? LITELLM=1.110.2 VUI=1.2.3, or the newest of both
	.venv/bin/python -m tests.support.compat $(if $(LITELLM),--litellm $(LITELLM)) $(if $(VUI),--vui $(VUI))

soak: .venv/.synced ## half an hour of turns, barge-ins, faults and edits; SOAK=8h for longer
	.venv/bin/python -m tests.soak

fuzz: .venv/.synced ## 20,000 random requests and configurations, every closed route, 1,000 edits
	FUZZ=$${FUZZ:-20000} .venv/bin/pytest tests/unit/test_what_is_said.py tests/unit/test_speech.py tests/integration/test_fuzz.py \
	  tests/integration/test_hostile_requests.py tests/integration/test_edits.py \
	  tests/integration/test_attacks*.py $(PYTEST_ARGS)

bench: .venv/.synced ## every figure of docs/performance.md; MEASURES="starts wan" for a part of them
	docker build --quiet --file gateway/Dockerfile --tag vui-litellm/gateway .
	docker build --quiet --tag vui-litellm/stock bench/stock
	.venv/bin/python -m bench.before
	.venv/bin/python -m bench $(MEASURES)

configs: .venv/.synced ## what is served of configuration files, and by stock LiteLLM: FILES="a.yaml b.yaml"
	.venv/bin/python -m tests.support.configs_table $(FILES)

audit: .venv/.synced ## the locks against the reviewed list, and an SBOM (CycloneDX) for each image in dist/
	.venv/bin/python -m tests.audit
	mkdir -p dist
	for lock in gateway/requirements src/requirements-text src/requirements-speech; do \
	  $(UV) tool run --quiet --from cyclonedx-bom==7.5.0 cyclonedx-py requirements $$lock.txt \
	    --output-file dist/$$(echo $$lock | tr / -).cdx.json || exit 1; done
