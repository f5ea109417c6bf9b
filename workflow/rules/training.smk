# Both phases, the evaluation and its stress, once for each method and seed.


rule pretrain:
    input:
        graph.inputs("pretrain"),
    output:
        graph.outputs("pretrain"),
    log:
        graph.log("pretrain"),
    priority: longest_first
    threads: threads_of("pretrain")
    resources:
        gpu=gpus_of("pretrain"),
    params:
        target=graph.target,
    shell:
        repro("pretrain")


use rule pretrain as finetune with:
    input:
        graph.inputs("finetune"),
    output:
        graph.outputs("finetune"),
    log:
        graph.log("finetune"),


use rule pretrain as evaluate with:
    input:
        graph.inputs("evaluate"),
    output:
        graph.outputs("evaluate"),
    log:
        graph.log("evaluate"),


use rule pretrain as stress with:
    input:
        graph.inputs("stress"),
    output:
        graph.outputs("stress"),
    log:
        graph.log("stress"),
