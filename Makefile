# Set-up included: every target makes .venv first, from the pinned requirements.
PYTHON ?= python3
CORES ?= 4
VENV ?= .venv
BIN := $(abspath $(VENV))/bin
export PATH := $(BIN):$(PATH)

.PHONY: all report compare test soak cluster bench fewshot lint format lock

all: $(VENV)/ready          ## the main job: data, training, evaluation, tables, figures
	snakemake --cores $(CORES) all

report: all                 ## the same, and one HTML page of it: results/report.html
	snakemake --report results/report.html --report-stylesheet workflow/report/style.css

compare: $(VENV)/ready      ## experiments side by side: main figures and the parameters that differ
	dvc exp show --md --only-changed --keep 'best|overall|sst|para|sts' --drop 'data/|results/|src/'

test: $(VENV)/ready         ## all tests
	pytest -n 2 --dist loadfile

soak: $(VENV)/ready         ## random kills of random processes, and the same bytes each time (7 min)
	python -m tests.soak

cluster: $(VENV)/ready      ## the pipeline on a real SLURM of two nodes on this machine, as root (docs/cluster.md; 15 to 25 min)
	tests/cluster/run

bench: $(VENV)/bench        ## training and encoding beside transformers' and sentence-transformers' (25 min)
	python -m benchmarks.engine

fewshot: $(VENV)/bench all  ## new classes from a few examples, beside SetFit and logistic regression (2 h)
	python -m benchmarks.fewshot results/export

lint: $(VENV)/ready         ## style, types, workflow format
	ruff check .
	ruff format --check .
	mypy
	snakefmt --check Snakefile workflow

format: $(VENV)/ready       ## rewrite to the project's style
	ruff check --fix .
	ruff format .
	snakefmt Snakefile workflow

# An environment elsewhere, as an image has it (containers/), is made once: the image is built anew, not renewed.
$(VENV)/ready: $(if $(filter .venv,$(VENV)),requirements.lock pyproject.toml)
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "protomtl needs Python 3.11 or newer: make PYTHON=python3.11")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps -e .
	touch $@

$(VENV)/bench: $(VENV)/ready requirements.bench.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps -r requirements.bench.lock
	touch $@

lock:                       ## pin what pyproject.toml allows today
	rm -rf .lockenv && $(PYTHON) -m venv .lockenv
	.lockenv/bin/python -m pip install --quiet torch==2.13.0
	.lockenv/bin/python -m pip install --quiet -e '.[dev]'
	(echo '# Every package of the environment, pinned: `make lock` writes it from a fresh environment (pyproject.toml).'; \
	 .lockenv/bin/python -m pip freeze --exclude-editable | sed 's/+cpu//') > requirements.lock
	.lockenv/bin/python -m pip install --quiet -e '.[bench]'
	(echo '# What `make bench` and `make fewshot` compare with, beside requirements.lock: `make lock` writes it.'; \
	 .lockenv/bin/python -m pip freeze --exclude-editable | sed 's/+cpu//' | grep -vxFf requirements.lock) > requirements.bench.lock
	rm -rf .lockenv
