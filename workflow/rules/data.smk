# From what others published to tokens.


rule download:
    input:
        graph.inputs("download"),
    output:
        graph.outputs("download"),
    log:
        graph.log("download"),
    params:
        target=graph.target,
    shell:
        repro("download")


use rule download as backbone with:
    input:
        graph.inputs("backbone"),
    output:
        graph.outputs("backbone"),
    log:
        graph.log("backbone"),


use rule download as prepare with:
    input:
        graph.inputs("prepare"),
    output:
        graph.outputs("prepare"),
    log:
        graph.log("prepare"),


use rule download as tokens with:
    input:
        graph.inputs("tokens"),
    output:
        graph.outputs("tokens"),
    log:
        graph.log("tokens"),


use rule download as perturb with:
    input:
        graph.inputs("perturb"),
    output:
        graph.outputs("perturb"),
    log:
        graph.log("perturb"),
