"""The page of `protomtl demo`: an exported model reads sentences that are typed. Streamlit runs this file."""

import sys
from itertools import zip_longest
from typing import Any

import altair as alt
import numpy as np
import pandas as pd
import streamlit as st
from sklearn.neighbors import KNeighborsRegressor

from protomtl.core.markdown import plain
from protomtl.inference.loading import load
from protomtl.inference.model import Model
from protomtl.inference.rows import Row
from protomtl.tasks.settings import Task

LONGEST, MOST = 5000, 50  # characters of a field (Streamlit cuts the rest off), rows
BESIDE = "by prototypes"  # the column of what prototypes with prior and scale say
NEIGHBOURS = 5  # among which a new text is placed
X, Y, YOURS = alt.X("x", axis=None), alt.Y("y", axis=None), "#e01e5a"
EXAMPLES = {  # by the number of texts in a row
    1: ["A warm, funny and wonderfully acted film.\nTwo hours that I will never get back."],
    2: ["How do I learn to cook?\nA man is playing a guitar.", "What is the best way to learn cooking?\nA dog runs."],
}


@st.cache_resource(show_spinner="Loading the model")
def opened(folder: str) -> Model:
    return load(folder)


def page(folder: str) -> None:
    st.set_page_config(page_title="protomtl", layout="wide")
    model = opened(folder)
    st.title("What the encoder makes of it")
    made = plain(f"{model.record['method']}, seed {model.record['seed']}")  # by whoever wrote the export
    st.caption(f"{made}; nothing that is typed here is kept.")
    for texts, tab in zip((1, 2), st.tabs(["Sentences", "Pairs"]), strict=True):
        tasks = {name: task for name, task in model.tasks.items() if len(task.texts) == texts}
        with tab:
            rows = typed(texts) if tasks else []
            for (name, task), column in zip(tasks.items(), st.columns(len(tasks)), strict=True) if rows else ():
                with column:
                    st.subheader(plain(name))
                    show(model, name, task, rows)


def typed(texts: int) -> list[Row]:
    """What stands in the fields, a row a line; nothing, and a message, if it is too much or does not match."""
    names = ["Sentences, one a line"] if texts == 1 else ["First texts, one a line", "Second texts, one a line"]
    fields = [
        column.text_area(name, example, max_chars=LONGEST)
        for column, name, example in zip(st.columns(texts), names, EXAMPLES[texts], strict=True)
    ]
    lines = zip_longest(*([line.strip() for line in field.splitlines()] for field in fields), fillvalue="")
    rows = {number: row for number, row in enumerate(lines, 1) if any(row)}
    if len(rows) > MOST:
        st.error(f"At most {MOST} lines; `protomtl predict` reads files of any length.")
        return []
    if lone := next((number for number, row in rows.items() if not all(row)), None):
        st.error(f"Line {lone} has one text; a pair needs its first and its second in the same line.")
        return []
    return [(row[0], row[1]) if texts == 2 else row[0] for row in rows.values()]


def show(model: Model, name: str, task: Task, rows: list[Row]) -> None:
    """What the head of a task and its prototypes say of each row, and where the rows lie."""
    scores = np.stack([*model.stream_scores(name, rows)])
    bar = st.column_config.ProgressColumn
    taken = ("prediction", BESIDE, *task.texts)  # titles of other columns
    names = [f"{name} (class)" if name in taken else name for name in map(str, task.class_names)]
    if task.what.has_classes:
        said = pd.DataFrame(scores, columns=names)
        said.insert(0, "prediction", [task.shown(label) for label in task.what.predictions(scores)])
        columns = {title: bar(format="%.2f", min_value=0.0, max_value=1.0) for title in names}
    else:
        low, high = task.bounds
        said = pd.DataFrame({"value": np.clip(scores[:, 0], low, high)})
        columns = {"value": bar(format="%.2f", min_value=low, max_value=high)}
    if name in model.network.readouts:
        found = model.by_prototypes(name, rows)
        said[BESIDE] = [task.shown(k) for k in found.argmax(1)] if task.what.has_classes else found[:, 0].round(2)
    given = pd.DataFrame([[row] if isinstance(row, str) else row for row in rows], columns=task.texts)
    first = [*said][:1]  # a phone shows two columns: what is said and of what
    given = pd.concat([said[first], given, said.drop(columns=first)], axis=1)
    st.dataframe(given, column_config=columns)  # drawn as cells, never as HTML or Markdown
    if not model.has_map:
        return
    classes = [str(name) for name in task.what.prototypes(task)]
    st.altair_chart(drawn(placed(model, name, rows, classes), classes))
    st.caption(f"t-SNE of dev examples and prototypes; a row stands among its {NEIGHBOURS} nearest.")


def placed(model: Model, task: str, rows: list[Row], names: list[str]) -> pd.DataFrame:
    """The points of the map: x, y, class, kind and a label."""
    vectors, classes, places = model.map(task)
    prototypes = np.isfinite(model.prototypes(task)[:, 0]).sum()
    points = pd.DataFrame(places, columns=["x", "y"])
    points["class"] = [names[k] for k in classes]
    points["kind"] = np.where(np.arange(len(points)) < len(points) - prototypes, "dev example", "prototype")
    near = KNeighborsRegressor(min(NEIGHBOURS, len(vectors)), weights="distance").fit(vectors, places)
    yours = pd.DataFrame(near.predict(model.vectors(task, rows)), columns=["x", "y"])
    return pd.concat([points, yours.assign(kind="yours", label=[f"row {k}" for k in range(len(rows))])])


def drawn(points: pd.DataFrame, names: list[str]) -> Any:
    """A chart: dev examples as dots and prototypes as diamonds in the colours of their classes, new rows as crosses."""
    charts = {kind: alt.Chart(some).encode(x=X, y=Y) for kind, some in points.groupby("kind")}
    legend = alt.Legend(orient="bottom", columns=3)  # what a phone is wide enough for
    colour = alt.Color("class", scale=alt.Scale(domain=names, scheme="viridis"), legend=legend)
    dots = charts["dev example"].mark_circle(size=28, opacity=0.6).encode(color=colour)
    diamonds = charts["prototype"].mark_point(shape="diamond", size=220, filled=True, stroke="black", opacity=1)
    crosses = charts["yours"].mark_point(shape="cross", size=160, filled=True, color=YOURS, opacity=1)
    words = charts["yours"].mark_text(dy=-14, color=YOURS, fontWeight="bold").encode(text="label")
    return alt.layer(dots, diamonds.encode(color=colour), crosses, words)


if __name__ == "__main__":
    page(sys.argv[1])
