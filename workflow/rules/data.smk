rule download:
    input:
        graph.inputs("download"),
    output:
        graph.outputs("download"),
    log:
        "logs/download.log",
    params:
        target=graph.target("download"),
    shell:
        REPRO


rule backbone:
    input:
        graph.inputs("backbone"),
    output:
        graph.outputs("backbone"),
    log:
        "logs/backbone.log",
    params:
        target=graph.target("backbone"),
    shell:
        REPRO


rule prepare:
    input:
        graph.inputs("prepare"),
    output:
        graph.outputs("prepare"),
    log:
        "logs/prepare.log",
    params:
        target=graph.target("prepare"),
    shell:
        REPRO


rule tokenize:
    input:
        graph.inputs("tokenize"),
    output:
        graph.outputs("tokenize"),
    log:
        "logs/tokenize.log",
    params:
        target=graph.target("tokenize"),
    shell:
        REPRO
