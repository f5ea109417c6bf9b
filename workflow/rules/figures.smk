rule embed:
    input:
        graph.inputs("embed"),
    output:
        report(
            *graph.outputs("embed"),
            patterns=["{figure}.png"],
            caption="../report/embed.rst",
            category="The space",
            labels={"figure": "{figure}"},
        ),
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
        report(
            *graph.outputs("figures"),
            patterns=["{figure}.png"],
            caption="../report/figures.rst",
            category="Curves and bars",
            labels={"figure": "{figure}"},
        ),
    log:
        "logs/figures.log",
    params:
        target=graph.target("figures"),
    shell:
        REPRO


rule report:
    input:
        graph.inputs("report"),
    output:
        report(
            *graph.outputs("report"),
            patterns=["{page}.html", "{page}.png"],
            caption="../report/pages.rst",
            category="Pages",
            labels={"page": "{page}"},
        ),
    log:
        "logs/report.log",
    params:
        target=graph.target("report"),
    shell:
        REPRO
