import sys

from snakemake.utils import min_version

min_version("9.27")
sys.path[:0] = [f"{workflow.basedir}/{folder}" for folder in ("workflow", "src")]

from bridge import Graph, check_call, fair_threads, look_when_a_job_ends, tell_time_left

if workflow.is_main_process:
    check_call(workflow)
    look_when_a_job_ends()
    from protomtl.params import load as check_params, updates
    from protomtl.training.tracking import chosen as check_tracker

    UPDATES = updates(check_params())
    check_tracker()


configfile: "params.yaml"


report: "workflow/report/workflow.rst"


graph = Graph(plan=workflow.is_main_process)
if workflow.is_main_process:
    tell_time_left(graph.templates)
# Of a job, by `meta: {uses: …}` of its stage.
PROCESSES = {"processes": config["compute"]["processes"], "one": 1}
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


wildcard_constraints:
    method="|".join(config["methods"]),
    seed=r"\d+",


include: "workflow/rules/data.smk"
include: "workflow/rules/training.smk"
include: "workflow/rules/results.smk"
include: "workflow/rules/report.smk"


rule all:
    default_target: True
    input:
        graph.all_outputs([rule.name for rule in workflow.rules]),


onsuccess:
    shell("python src/protomtl summary")
