rule finetune:
    input:
        graph.inputs("finetune"),
    output:
        graph.outputs("finetune"),
    log:
        "logs/finetune/{method}-seed{seed}.log",
    threads: TRAINING_THREADS
    resources:
        gpu=GPUS,
    params:
        target=graph.target("finetune"),
    shell:
        REPRO
