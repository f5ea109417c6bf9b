rule evaluate:
    input:
        graph.inputs("evaluate"),
    output:
        graph.outputs("evaluate"),
    log:
        "logs/evaluate/{method}-seed{seed}.log",
    threads: TRAINING_THREADS
    resources:
        gpu=GPUS,
    params:
        target=graph.target("evaluate"),
    shell:
        REPRO


rule export:
    input:
        graph.inputs("export"),
    output:
        graph.outputs("export"),
    log:
        "logs/export.log",
    threads: TRAINING_THREADS
    resources:
        gpu=GPUS,
    params:
        target=graph.target("export"),
    shell:
        REPRO


rule ensemble:
    input:
        graph.inputs("ensemble"),
    output:
        graph.outputs("ensemble"),
    log:
        "logs/ensemble.log",
    params:
        target=graph.target("ensemble"),
    shell:
        REPRO


rule tables:
    input:
        graph.inputs("tables"),
    output:
        graph.outputs("tables"),
    log:
        "logs/tables.log",
    params:
        target=graph.target("tables"),
    shell:
        REPRO
