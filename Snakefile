import sys

from snakemake.utils import min_version

min_version("9.27")
sys.path[:0] = [f"{workflow.basedir}/{folder}" for folder in ("workflow", "src")]

from bridge import Graph, check_call, look_when_a_job_ends, tell_time_left

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
    tell_time_left(
        workflow,
        graph.templates,
        lambda rule, wildcards: UPDATES[wildcards["method"]] if rule in ("pretrain", "finetune") else 1,
    )


wildcard_constraints:
    method="|".join(config["methods"]),
    seed=r"\d+",


include: "workflow/rules/common.smk"
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
