"""Where pages of results/report stand in the one page of `make report`: section, in order of its number, and name."""

SECTIONS = {
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


def section_of(page: str) -> tuple[str, str]:
    """Section and name of a page. Confusion matrices stand with the errors."""
    near = SECTIONS["robust" if page.startswith("robust-") else "errors"][0]
    return SECTIONS.get(page, (near, page.replace("-", " ")))
