# Set-up included: every target makes .venv first, from the pinned requirements.
# `exec` where a command takes hours: make passes the signal by which it is ended to the shell alone.
PYTHON ?= python3
CORES ?= 4
VENV ?= .venv
# By file where tests of a file share what they have in memory; one test at a time, in order, where each takes long.
BY_FILE := -n 2 --dist loadfile
ONE_BY_ONE := -n 2 --dist load --maxschedchunk 1
OUTSIDE := tests/unit/inference tests/unit/test_calibration.py tests/unit/test_novelty.py  # need no library of the pipeline
BIN := $(abspath $(VENV))/bin
export PATH := $(BIN):$(PATH)

.PHONY: all help quick report compare test test-pipeline test-faults test-outside test-all lowest soak cluster bench fewshot new-classes robust low-data docs lint format lock

all: $(VENV)/ready          ## the main job: data, training, evaluation, tables, figures
	snakemake --cores $(CORES) all

help:                       ## these lines; CORES=8: jobs at a time, PYTHON=python3.12: of a new .venv
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "%-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

quick: $(VENV)/ready        ## a first result soon: preset `quick` in params.yaml, and all that follows from it
	python -m protomtl preset quick
	snakemake --cores $(CORES) all
	@echo "Preset quick is in params.yaml; \`git checkout params.yaml\` takes it back."

report: all                 ## the main job, and one HTML page of it: results/report.html
	snakemake --report results/report.html --report-stylesheet workflow/report/style.css

compare: $(VENV)/ready      ## experiments side by side: main figures and the parameters that differ
	tasks=$$(python -c 'import yaml; print(*yaml.safe_load(open("params.yaml"))["tasks"], sep="|")') && \
	  dvc exp show --md --only-changed --keep "best|overall|$$tasks" --drop 'data/|results/|src/|kept'

test: $(VENV)/ready         ## the tests of every day: modules, steps, what files say of each other (tests/)
	pytest $(BY_FILE) tests/unit tests/structure tests/steps

test-pipeline: $(VENV)/ready ## the pipeline by both engines
	pytest $(ONE_BY_ONE) -m pipeline tests/pipeline

test-faults: $(VENV)/ready  ## kills, a full disk, two jobs at once
	pytest $(ONE_BY_ONE) -m faults tests/faults

test-outside: $(VENV)/ready ## what needs Chromium and sshd; skipped without them
	pytest $(ONE_BY_ONE) -m outside tests/outside

test-all: test              ## every test, the quick ones first
	pytest $(ONE_BY_ONE) -m 'outside or faults or pipeline' tests/outside tests/faults tests/pipeline

lowest:                     ## a model outside the pipeline, on the lowest versions that pyproject.toml allows (PYTHON=python3.11)
	rm -rf .lowest && $(PYTHON) -m venv .lowest
	.lowest/bin/python -m pip install --quiet --disable-pip-version-check . pytest hypothesis pandas $$($(PYTHON) -c \
	  'import tomllib; needs = tomllib.load(open("pyproject.toml", "rb"))["project"]["dependencies"]; \
	   print(*(need.partition(",")[0].replace(">=", "==") for need in needs))')
	.lowest/bin/python -m pytest --hypothesis-profile ci --confcutdir tests/unit/inference $(OUTSIDE)
	rm -rf .lowest build

soak: $(VENV)/ready         ## 100 kills, full and read-only disks, and the same bytes each time (40 min)
	PYTHONPATH=src exec python -m tests.faults.soak

cluster: $(VENV)/ready      ## the pipeline on a real SLURM of two nodes on this machine, as root (docs/guides/cluster.md; 15 to 25 min)
	tests/outside/cluster/run

bench: $(VENV)/bench        ## training and encoding beside transformers' and sentence-transformers' (25 min); DEVICE=cuda
	python -m benchmarks.engine 3 $(DEVICE)

fewshot: $(VENV)/bench all  ## new classes from a few examples, beside SetFit and logistic regression (2 h)
	python -m benchmarks.fewshot results/export

new-classes: $(VENV)/ready  ## questions (d) and (e), RUN=NAME: new classes on the encoders of a kept run that is here
	python -m benchmarks.new_classes $(RUN)

robust: $(VENV)/ready       ## training under few rows, wrong labels and rare classes, after `protomtl preset robust` (4 to 5 h); it resumes
	PYTHONPATH=src exec python -m benchmarks.robust $(if $(NAME),--name $(NAME))

low-data: $(VENV)/ready     ## question (b), after `protomtl preset questions` and `low_data`: few rows, three data splits (7 h); it resumes
	PYTHONPATH=src exec python -m benchmarks.low_data $(if $(NAME),--name $(NAME))

docs: $(VENV)/ready         ## the documentation site, in site/
	NO_MKDOCS_2_WARNING=1 PYTHONPATH=src mkdocs build --strict

lint: $(VENV)/ready         ## style, types, import rules, workflow format, spelling
	ruff check .
	ruff format --check .
	mypy
	PYTHONPATH=src lint-imports
	snakefmt --check Snakefile workflow
	codespell

format: $(VENV)/ready       ## rewrite to the project's style
	ruff check --fix .
	ruff format .
	snakefmt Snakefile workflow

# An environment elsewhere, as an image has it (containers/) or as a link leads to it, is made once: it is not renewed from here.
LINKED := $(shell [ -L $(VENV) ] && echo linked)
LOCKS := requirements.lock requirements.torch.lock
INSTALL = "$(BIN)/python" -m pip install --quiet --disable-pip-version-check
$(VENV)/ready: $(if $(LINKED),,$(if $(filter .venv,$(VENV)),$(LOCKS) pyproject.toml))
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "protomtl needs Python 3.11 or newer: make PYTHON=python3.11")'
	$(PYTHON) -m venv $(VENV)
	$(INSTALL) --no-deps --require-hashes -r requirements.lock
	$(INSTALL) -r requirements.torch.lock
	$(INSTALL) --no-deps --no-build-isolation -e .
	touch $@

$(VENV)/bench: $(VENV)/ready requirements.bench.lock
	$(INSTALL) --no-deps --require-hashes -r requirements.bench.lock
	touch $@

# What torch brings for CUDA is torch's own choice (requirements.torch.lock says why). uv adds the hashes of all files of a version.
FROZEN := .lockenv/bin/python -m pip freeze --all --exclude-editable | grep -vE '^(pip|uv|protomtl|torch|triton|cuda-[a-z]+|nvidia-[a-z0-9-]+)=='
HASHED := .lockenv/bin/uv pip compile --quiet --universal --no-deps --generate-hashes --no-header --no-annotate \
	--python-version $$(.lockenv/bin/python -c 'import platform; print(platform.python_version())') -

lock:                       ## pin what pyproject.toml allows today
	rm -rf .lockenv && $(PYTHON) -m venv .lockenv
	.lockenv/bin/python -m pip install --quiet uv -r requirements.torch.lock
	.lockenv/bin/python -m pip install --quiet -e '.[dev]'
	$(FROZEN) > .lockenv/frozen
	$(HASHED) < .lockenv/frozen > .lockenv/hashed
	.lockenv/bin/python -m pip install --quiet -e '.[bench]'
	$(FROZEN) | grep -vxFf .lockenv/frozen | $(HASHED) > .lockenv/hashed.bench
	(echo '# Every package of the environment but torch, by the hashes of its files: `make lock` writes it (pyproject.toml).'; \
	 cat .lockenv/hashed) > requirements.lock
	(echo '# What `make bench` and `make fewshot` compare with, beside requirements.lock: `make lock` writes it.'; \
	 cat .lockenv/hashed.bench) > requirements.bench.lock
	rm -rf .lockenv
