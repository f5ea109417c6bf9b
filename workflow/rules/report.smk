# What people look at: `make report` binds it into one page.
from sections import section_of


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
