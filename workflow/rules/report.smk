# What people look at: `make report` binds it into one page.
SECTIONS = {  # of the report, numbered to keep their order, and the name of each page
    "answer": ("1 The answer", "answer"),
    "table1": ("2 Tables", "dev (Table 1)"),
    "table2": ("2 Tables", "test (Table 2)"),
    "comparisons": ("2 Tables", "each method against the references"),
    "errors": ("5 Errors", "worst errors"),
    "robust": ("6 Robust?", "under stress"),
    "perturbed": ("6 Robust?", "the texts"),
    "robust-noise": ("6 Robust?", "against noise"),
    "data": ("7 Data", "rows, labels, lengths"),
    "versions": ("8 Versions", "libraries and configuration"),
}


def section_of(page):  # confusion matrices stand with the errors
    near = SECTIONS["robust" if page.startswith("robust-") else "errors"][0]
    return SECTIONS.get(page, (near, page.replace("-", " ")))


use rule export as embed with:
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
        graph.log("embed"),


use rule download as figures with:
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
        graph.log("figures"),


use rule download as report with:
    input:
        graph.inputs("report"),
    output:
        report(
            *graph.outputs("report"),
            patterns=["{page}.html", "{page}.png"],
            caption="../report/pages.rst",
            category=lambda wildcards: section_of(wildcards.page)[0],
            labels=lambda wildcards: {"page": section_of(wildcards.page)[1]},
        ),
    log:
        graph.log("report"),
