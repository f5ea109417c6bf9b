import sys

from snakemake.utils import min_version

min_version("9.27")
sys.path.insert(0, "workflow")

from bridge import Graph, fair_threads


configfile: "params.yaml"


report: "workflow/report/workflow.rst"


graph = Graph(plan=workflow.is_main_process)
PROCESSES = config["compute"]["processes"]
TRAINING_THREADS = fair_threads(
    config["compute"]["threads"] * PROCESSES, workflow.resource_settings.cores
)
GPU = 0 if config["compute"]["device"] == "cpu" else 1  # of one process
CARDS = workflow.global_resources.get("gpu").value or 0  # `--resources gpu=N`
REPRO = "dvc --wait-for-lock repro --single-item {params.target} 2>&1 | tee {log}"
REPRO_GPU = (
    f"python workflow/cards.py {{resources.gpu}} {CARDS} {REPRO}" if CARDS else REPRO
)


wildcard_constraints:
    method="|".join(config["methods"]),
    seed=r"\d+",


include: "workflow/rules/data.smk"
include: "workflow/rules/pretrain.smk"
include: "workflow/rules/finetune.smk"
include: "workflow/rules/evaluate.smk"
include: "workflow/rules/figures.smk"


localrules:
    all,


rule all:
    default_target: True
    input:
        graph.all_outputs([rule.name for rule in workflow.rules]),


onsuccess:
    shell("PYTHONPATH=src python -m protomtl summary")
