rule pretrain:
    input:
        graph.inputs("pretrain"),
    output:
        graph.outputs("pretrain"),
    log:
        "logs/pretrain/{method}-seed{seed}.log",
    threads: TRAINING_THREADS
    resources:
        gpu=GPUS,
    params:
        target=graph.target("pretrain"),
    shell:
        REPRO
