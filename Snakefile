import sys

from snakemake.utils import min_version

min_version("9.27")
sys.path.insert(0, "workflow")

from bridge import Graph, fair_threads


configfile: "params.yaml"


report: "workflow/report/workflow.rst"


graph = Graph(plan=workflow.is_main_process)
TRAINING_THREADS = fair_threads(
    config["compute"]["threads"], workflow.resource_settings.cores
)
GPUS = 0 if config["compute"]["device"] == "cpu" else 1
REPRO = "dvc --wait-for-lock repro --single-item {params.target} 2>&1 | tee {log}"


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
