SECTIONS = {  # of the report, numbered to keep their order, and the name of each page
    "answer": ("1 The answer", "answer"),
    "table1": ("2 Tables", "dev (Table 1)"),
    "table2": ("2 Tables", "test (Table 2)"),
    "comparisons": ("2 Tables", "each method against the references"),
    "errors": ("5 Errors", "worst errors"),
    "data": ("6 Data", "rows, labels, lengths"),
    "versions": ("7 Versions", "libraries and configuration"),
}


def section(wildcards):
    return SECTIONS.get(wildcards.page, SECTIONS["errors"])[0]


def page_labels(wildcards):
    name = wildcards.page.replace("-", " ")  # of confusion matrices
    return {"page": SECTIONS.get(wildcards.page, ("", name))[1]}


rule embed:
    input:
        graph.inputs("embed"),
    output:
        report(
            *graph.outputs("embed"),
            patterns=["{figure}.png"],
            caption="../report/embed.rst",
            category="4 The space",
            labels={"figure": "{figure}"},
        ),
    log:
        "logs/embed.log",
    threads: TRAINING_THREADS
    resources:
        gpu=GPUS,
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
            category="3 Curves and bars",
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
            category=section,
            labels=page_labels,
        ),
    log:
        "logs/report.log",
    params:
        target=graph.target("report"),
    shell:
        REPRO
