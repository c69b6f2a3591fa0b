# Everything a developer or CI does here. `make` alone lists it.

PYTHON ?=
export PYTHON

bootstrap := @sh scripts/bootstrap.sh
bin := .venv/bin
pytest := $(bin)/python -m pytest
# What every transaction runs through, as machine code; where there is no C compiler it says so.
compile := $(bin)/python -m cardwatch_job.compile
# What Go makes for tests, once: minutes that no test's time limit has room for.
build := $(bin)/python -m tests.cluster.programs
traces := tests/integration/tracing
archives := $(addprefix tests/integration/,archive archiver gateway security visualizer)
models := $(addprefix tests/integration/,benchmarks models)
not_here := $(addprefix --ignore=,$(traces) $(archives) $(models))
shell_scripts := $(wildcard scripts/*.sh)

# Every variable given to `make demo` becomes an option of `cardwatch demo`: DURATION=60 is
# --duration 60, RATE_A=5 is --rate-a 5. `cardwatch demo` refuses what it does not know. In
# the same way for `make bench` and its like.
given := $(foreach name,$(filter-out PYTHON,$(.VARIABLES)),$(if \
	$(filter command,$(firstword $(origin $(name)))),$(name)))
option_name = $(shell printf '%s' '$(1)' | tr 'A-Z_' 'a-z-')
quoted = '$(subst ','\'',$($(1)))'
options = $(foreach name,$(given),$(if $($(name)),--$(call option_name,$(name)) $(call quoted,$(name))))

.DEFAULT_GOAL := help
.PHONY: help demo bench bench-full bench-config bench-gateway bench-tracing scorecard compile test lint unit contract integration test-archive test-models test-tracing test-cluster test-node cluster-up cluster-down cluster-status images test-browser soak test-chaos env docs lock format clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' Makefile

demo: ## Run the whole pipeline here; DURATION=60 REPORT=demo.json runs unattended
	$(bootstrap) run
	@exec $(bin)/cardwatch demo $(options)

bench: ## Compare the job with its peers, 8 minutes; REPORT=bench.json keeps the figures
	$(bootstrap) dev
	$(bootstrap) bench
	@$(compile) --if-possible
	@PYTHONPATH=.venv/compiled exec $(bin)/python -m benchmarks throughput $(options)

bench-full: ## That, 5 minutes at full load, updates, spans, latencies, growth: 2 hours
	$(bootstrap) dev
	$(bootstrap) bench
	@$(compile) --if-possible
	@PYTHONPATH=.venv/compiled exec $(bin)/python -m benchmarks full $(options)

bench-config: ## Edit and scale DetectorConfigs on a Kubernetes API, 10 minutes; needs Go
	$(bootstrap) dev
	@$(compile) --if-possible
	@PYTHONPATH=.venv/compiled exec $(bin)/python -m benchmarks config-changes $(options)

bench-gateway: ## Requests, verdicts and archived rows a second, 4 minutes; REPORT=gateway.json keeps them
	$(bootstrap) dev
	@$(compile) --if-possible
	@PYTHONPATH=.venv/compiled exec $(bin)/python -m benchmarks gateway $(options)

bench-tracing: ## What recording spans costs, 30 minutes; REPORT=tracing.json keeps the figures
	$(bootstrap) dev
	@$(compile) --if-possible
	@PYTHONPATH=.venv/compiled exec $(bin)/python -m benchmarks tracing $(options)

scorecard: ## How well the running job finds fraud in a public stream; REPORT=scorecard.json SEEDS=3
	$(bootstrap) dev
	@$(compile) --if-possible
	@PYTHONPATH=.venv/compiled exec $(bin)/python -m benchmarks scorecard $(options)

compile: ## Compile what every transaction runs through: half a minute, needs gcc
	$(bootstrap) dev
	@exec $(compile)

test: lint ## Lint, then the tests of a usual machine: unit, contract, integration
	@$(compile) --if-possible
	@$(build) helm kube-score promql
	$(pytest) tests/unit tests/contract tests/integration $(not_here)

lint: ## ruff, mypy, import-linter and shellcheck
	$(bootstrap) dev
	$(bin)/ruff check .
	$(bin)/ruff format --check .
	$(bin)/mypy
	$(bin)/lint-imports --no-logo
	@for script in $(shell_scripts); do sh -n "$$script" || exit 1; done; bash -n .ci/run
	@if [ -x $(bin)/shellcheck ]; then $(bin)/shellcheck $(shell_scripts) .ci/run; fi

unit: ## Tests of pure code: seconds, no server
	$(bootstrap) dev
	$(pytest) tests/unit

contract: ## Tests that the parts agree on names and shapes
	$(bootstrap) dev
	$(pytest) tests/contract

integration: ## Tests on a real Kafka, Flink and Valkey, started for them
	$(bootstrap) dev
	$(pytest) tests/integration $(not_here)

test-archive: ## Tests of gateway, archive, visualizer, and Kafka with TLS and users: 20 minutes
	$(bootstrap) dev
	@$(compile) --if-possible
	$(pytest) $(archives)

test-models: ## Tests of models from training to a running job, and of the scorecard: 10 minutes
	$(bootstrap) dev
	@$(compile) --if-possible
	$(pytest) $(models)

test-tracing: ## Tests on a real Jaeger and collector, built from source once: needs Go, 10 minutes
	$(bootstrap) dev
	@$(compile) --if-possible
	@$(build) jaeger collector
	$(pytest) $(traces)

test-cluster: ## Tests on a Kubernetes API, 8 minutes: needs Go, or CARDWATCH_KUBECONFIG=FILE
	$(bootstrap) dev
	@$(compile) --if-possible
	@if [ -z "$$CARDWATCH_KUBECONFIG" ]; then $(build) servers; fi
	@$(build) helm
	$(pytest) tests/cluster

test-node: ## Images and charts on a Kubernetes of this machine itself: needs root, Go and Debian
	$(bootstrap) dev
	@$(build) servers dns pause helm jaeger collector
	$(pytest) -rP tests/node

cluster-up: ## Start a Kubernetes to try things on: kind, minikube, or this machine itself
	$(bootstrap) dev
	@exec $(bin)/python -m tests.cluster.node up

cluster-down: ## Remove it
	@exec $(bin)/python -m tests.cluster.node down

cluster-status: ## Show its node and pods
	@exec $(bin)/python -m tests.cluster.node status

images: ## Build the components' container images; REGISTRY=... PUSH=1 pushes them
	@exec sh scripts/images.sh

test-browser: ## The visualizer in a real browser on a whole stack; screenshots in build/screenshots
	$(bootstrap) dev
	@$(compile) --if-possible
	$(pytest) -rP tests/browser

soak: ## 10 pages under 1,000 alerts a second for 10 minutes, then more; REPORT=soak.json
	$(bootstrap) dev
	@$(compile) --if-possible
	@PYTHONPATH=.venv/compiled exec $(bin)/python -m benchmarks soak $(options)

test-chaos: ## The job killed, frozen and rescaled under load; about twenty minutes
	$(bootstrap) dev
	$(pytest) -rP tests/chaos

env: ## Make .venv with all tools; PYTHON=/path/to/python3.12 chooses the Python
	$(bootstrap) dev

docs: ## Write what is made from code and values: the charts' READMEs, DetectorConfig's page and kind
	$(bootstrap) dev
	$(bin)/python -m scripts.chart_values
	$(bin)/python -m cardwatch_operator.reference > docs/detectorconfig.md
	$(bin)/python -m cardwatch_operator.crd > k8s/crds/detectorconfigs.cardwatch.dev.yaml
	cp k8s/crds/detectorconfigs.cardwatch.dev.yaml charts/cardwatch-operators/templates/crd.yaml

lock: ## Write requirements/ anew from pyproject.toml; UPGRADE=1 takes the newest versions
	$(bootstrap) dev
	sh scripts/lock.sh

format: ## Format the code and fix what ruff can
	$(bootstrap) dev
	$(bin)/ruff check --fix .
	$(bin)/ruff format .

clean: ## Remove .venv and caches; `cardwatch clean` removes the servers' files
	rm -rf .venv .venv.lock .venv-bench .venv-bench.lock .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache build dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
