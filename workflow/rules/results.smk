# What all runs say together, and one of them to use elsewhere.


use rule download as collect with:
    input:
        graph.inputs("collect"),
    output:
        graph.outputs("collect"),
    log:
        graph.log("collect"),


use rule download as tables with:
    input:
        graph.inputs("tables"),
    output:
        graph.outputs("tables"),
    log:
        graph.log("tables"),


use rule download as ensemble with:
    input:
        graph.inputs("ensemble"),
    output:
        graph.outputs("ensemble"),
    log:
        graph.log("ensemble"),


rule export:
    input:
        graph.inputs("export"),
    output:
        graph.outputs("export"),
    log:
        graph.log("export"),
    priority: 1  # as `embed`: what depends on one run only need not wait for the last one
    threads: threads_of("export")
    resources:
        gpu=gpus_of("export"),
    params:
        target=graph.target,
    shell:
        repro("export")
