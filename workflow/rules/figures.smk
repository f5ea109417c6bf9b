rule embed:
    input:
        graph.inputs("embed"),
    output:
        graph.outputs("embed"),
    log:
        "logs/embed.log",
    threads: TRAINING_THREADS
    resources:
        gpu=1,
    params:
        target=graph.target("embed"),
    shell:
        REPRO


rule figures:
    input:
        graph.inputs("figures"),
    output:
        graph.outputs("figures"),
    log:
        "logs/figures.log",
    params:
        target=graph.target("figures"),
    shell:
        REPRO
