# What a job computes with, by `meta: {uses: …}` of its stage; when it begins; its command.
from bridge import fair_threads

PROCESSES = {"processes": config["compute"]["processes"], "one": 1}  # of one job
GPU = 0 if config["compute"]["device"] == "cpu" else 1  # of one process
CARDS = workflow.global_resources.get("gpu").value or 0  # `--resources gpu=N`


def processes_of(stage):
    return PROCESSES.get(graph.meta(stage).get("uses"), 0)


def threads_of(stage):
    return fair_threads(config["compute"]["threads"] * processes_of(stage), workflow.resource_settings.cores)


def gpus_of(stage):
    return GPU * processes_of(stage)


def longest_first(wildcards):  # what begins last should be short, lest it end alone; jobs' own processes order nothing
    return round(UPDATES[wildcards.method] / (1 + max(UPDATES.values())), 2) if workflow.is_main_process else 0


def repro(stage):
    cards = f"python workflow/gpus.py {{resources.gpu}} {CARDS} " if CARDS and processes_of(stage) else ""
    return f"{cards}python workflow/bridge/job.py --wait-for-lock repro --single-item {{params.target:q}} 2>&1 | tee {{log:q}}"
