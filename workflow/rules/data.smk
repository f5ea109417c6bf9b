rule download:
    input:
        graph.inputs("download"),
    output:
        graph.outputs("download"),
    log:
        "logs/download.log",
    params:
        stage=graph.stage("download"),
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
        stage=graph.stage("backbone"),
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
        stage=graph.stage("prepare"),
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
        stage=graph.stage("tokenize"),
    shell:
        REPRO
