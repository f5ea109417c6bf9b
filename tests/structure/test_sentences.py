"""What README and the pages of results say in sentences is what the kept runs say, as tables with markers are."""

from collections import Counter

import numpy as np
import pandas as pd

from protomtl.core.files import read_json
from protomtl.publishing import answers, claims, kept, markers, readings
from protomtl.receipt.figures import CODE, FIGURE
from tests.support import ROOT

RUNS = ROOT / "docs/runs"
VERSION = "3.11"  # of Python
SPLITS = ["questions-1", "questions-2", "questions-3"]


def without(path: str, said: list[str]) -> str:
    """The prose of a page, which must have all these words, without them."""
    text = " ".join(markers.BLOCK.sub(" ", (ROOT / path).read_text()).split())
    for words in said:
        assert words in text
        text = text.replace(words, " ")
    return CODE.sub(" ", text)


def versus(run: str, method: str, other: str) -> pd.Series:
    """One comparison of overall on test: method minus other."""
    found = kept.compared_on(kept.deciding(RUNS / run), "overall", method, other)
    assert found is not None
    return pd.Series(found)


def span(row: pd.Series) -> str:
    return f"{row.low:+.3f} to {row.high:+.3f}"


def answered(letter: str, comparison: str, data: str = "starter") -> dict[str, float]:
    """A row of the answers to the fixed questions."""
    head, rows = answers.answers(RUNS, [])
    (row,) = [dict(zip(head, row, strict=True)) for row in rows if row[:3] == [f"({letter})", comparison, data]]
    low, high = map(float, row["95 % interval"].split(" to "))
    return {"difference": float(row["difference"]), "low": low, "high": high, "p": float(row["p, Holm"])}


def shown(answer: dict[str, float]) -> bool:
    """Whether a difference is better or worse."""
    return answer["p"] < 0.05


def frozen_there() -> float:
    """How far the best row without training is below `concat_longer` on the paper's splits."""
    rows = kept.read(RUNS / "cs224n-questions", "test")
    untrained = [row["overall"] for name, row in rows.items() if name.startswith("frozen_")]
    return float(rows["concat_longer"]["overall"] - max(untrained))


def few_rows(method: str) -> pd.Series:
    """With 64 rows of a task: a method minus as many plain updates."""
    return versus("robust-rows64", method, "concat_longer")


def said_by(runs: list[str], method: str) -> tuple[float, float]:
    """Overall on test by heads, and by prototypes straight after phase 1: means over runs."""
    found = [kept.read(RUNS / run, "test")[method] for run in runs]
    ends = ("", "_first")
    heads, first = (float(np.mean([row[task + end] for row in found for task in kept.TASKS])) for end in ends)
    return heads, first


def test_each_figure_of_the_readme_is_of_a_kept_run() -> None:
    longer, plain = (versus("starter", "prototypical", name) for name in ("concat_longer", "concat"))
    one_out = versus("starter", "leave_one_out", "concat")
    few, typos = few_rows("leave_one_out"), read_json(RUNS / "robust-whole/report-robust-primary.json")
    untrained = kept.read(RUNS / "quick", "test")["frozen_logistic"]["overall"]
    records = read_json(RUNS / "starter/seed1" / kept.RECORDS)
    first, second = (records[name]["metrics"]["dev"]["overall"] for name in ("concat", "prototypical"))
    paper = [kept.read(RUNS / "starter", "dev")[name]["overall_paper"] for name in ("concat", "prototypical")]
    rows = pd.read_parquet(RUNS / "starter/seed1/predictions.parquet").query("split == 'test'")
    most = {task: own["gold"].value_counts(normalize=True).max() for task, own in rows.groupby("task")}
    margin = 0.01
    best = answered("a", "`leave_one_out_64` minus `concat_longer`")
    assert -margin < best["low"] and best["high"] < margin
    there = answered("a", "`leave_one_out_64` minus `concat_longer`", "cs224n")
    assert not shown(there)
    rest = without(
        "README.md",
        [
            f"with equal steps and five seeds, scores {-longer.difference:.3f} higher on test",
            f"in batches of 64, equal it within {margin} over three data splits.",
            f"On the paper's splits a gain of {there['difference']:.3f} is not shown",
            f"lose {typos['loss']:.3f} of overall, and equal steps without them {typos['loss_reference']:.3f}",
            f"With 64 rows a task they are {few.difference:.2f} above equal steps, and both are far below",
            f"a gain from {paper[0]:.3f} to {paper[1]:.3f} on dev",
            f"dev overall of about {first:.3f} for `concat` and {second:.3f} for `prototypical`",
            f"would have {most['sst']:.3f} for sentiment and {most['para']:.3f} for paraphrase",
            f"`prototypical` is {plain.difference:.3f} above `concat`. The 95 % interval is "
            f"{plain.low:.3f} to +{plain.high:.3f}, so a gain is not shown",
            f"beat `concat` by {one_out.difference:.3f} (p {one_out.p_holm:.3f}, borderline)",
            f"(`frozen_logistic`) has {untrained:.3f} in seconds",
        ],
    )
    assert {*FIGURE.findall(rest)} == {VERSION}


def test_each_figure_of_the_page_of_results_is_of_a_kept_run() -> None:
    longer, plain = (versus("starter", "prototypical", name) for name in ("concat_longer", "concat"))
    theirs, mine = (versus("cs224n", "prototypical", name) for name in ("concat_longer", "concat"))
    equal = answered("a", "`leave_one_out_64` minus `concat_longer`")
    balanced = answered("a", "`leave_one_out_balanced` minus `concat_longer_balanced`")
    later = answered("e", "`leave_one_out_64` minus `concat_longer`")
    there, untrained = answered("a", "`leave_one_out_64` minus `concat_longer`", "cs224n"), frozen_there()
    assert not shown(there)
    heads, first = said_by(SPLITS, "leave_one_out_64")
    few = few_rows("leave_one_out")
    rest = without(
        "docs/results/index.md",
        [
            f"`prototypical` is {plain.difference:.3f} above `concat` on test. The 95 % interval is "
            f"{plain.low:.3f} to +{plain.high:.3f}: a gain is not shown.",
            f"It is {-longer.difference:.3f} *below* `concat_longer`",
            f"no pre-training (p {longer.p_holm:.3f}, Holm).",
            f"it is {mine.difference:.3f} above `concat`, and {-theirs.difference:.3f} below `concat_longer` "
            f"(p {theirs.p_holm:.3f}, ",
            f"the difference is {abs(equal['difference']):.3f}, from {equal['low']:+.3f} to {equal['high']:+.3f}.",
            "three splits, five seeds, a margin of 0.01.",
            f"`leave_one_out` is {few.difference:.3f} above as many plain updates (p {few.p_holm:.4f}, Holm), and "
            f"{few_rows('frozen_prototypes').difference - few.difference:.3f} below the encoder that nobody trains",
            f"`leave_one_out_64` is {there['difference']:.3f} above as many plain updates: [not shown]",
            f"Rows that need no training are {untrained:.3f} below them there.",
            f"read {first:.3f} straight after that first phase: 60 updates, no head. Its heads have {heads:.3f}",
            f"prototypes are {-balanced['difference']:.3f} below (p {balanced['p']:.3f}, Holm)",
            f"are {-later['difference']:.3f} below those of `concat_longer` (p {later['p']:.3f}, Holm, five seeds)",
            "one holds on the starter data (the cosine lifts `sts`). Three do not, and four are not shown.",
        ],
    )
    assert not FIGURE.findall(rest)
    _, judged = claims.claims(RUNS / "starter", [])
    assert Counter(row[-1] for row in judged) == {"yes": 1, "no": 3, "not shown": 4}


def test_comparisons_in_sentences_beside_the_tables_are_those_of_the_kept_runs() -> None:
    same, labels = (
        versus("starter", "leave_one_out", "concat_longer"),
        versus("starter", "prototypical", "shuffled_pretrained"),
    )
    longer, joint, one_out = (versus("starter", name, "concat") for name in ("concat_longer", "joint", "leave_one_out"))
    without(
        "docs/results/all-methods.md",
        [
            f"`concat_longer` ({longer.p_holm:.3f}), `joint` ({joint.p_holm:.3f}) and "
            f"`leave_one_out` ({one_out.p_holm:.3f})",
            f"`leave_one_out` minus `concat_longer` is {same.difference:+.3f} ({span(same)})",
            f"True labels are {labels.difference:.3f} better than shuffled ones",
        ],
    )
    plain, *others = (versus("cs224n", "prototypical", n) for n in ("concat", "concat_longer", "softmax_pretrained"))
    best = kept.read(RUNS / "cs224n", "test")["best"]["overall"]
    without(
        "docs/results/paper-splits.md",
        [
            f"gains nothing over `concat` that these data can show ({plain.difference:+.3f}, {span(plain)})",
            *(f"({row.difference:+.3f}, p {row.p_holm:.3f})" for row in others),
            f"`best` has {best:.3f}, which",
        ],
    )


def test_what_is_said_of_prototypes_without_fine_tuning_is_what_the_three_splits_have() -> None:
    by = {method: said_by(SPLITS, method) for method in ("leave_one_out_64", "softmax_64", "concat_longer")}
    heads, first = by["leave_one_out_64"]
    without(
        "docs/research/questions.md",
        [
            f"has what its heads have behind 150 ({first:.3f} and {heads:.3f})",
            f"leave an encoder that prototypes read {first - by['softmax_64'][1]:.3f} lower",
        ],
    )
    records = read_json(RUNS / SPLITS[0] / "about.json")
    assert records["pretrain"]["epochs"] * records["pretrain"]["steps_per_epoch"] == 60
    head, rows = readings.readings(RUNS / SPLITS[0], SPLITS[1:])
    table = [dict(zip(head[1:], [float(cell or "nan") for cell in row[1:]], strict=True)) for row in rows]
    assert all(row["sst: prototypes"] - row["sst: nearest"] > 0.1 for row in table)
    assert not any(row["sst: prototypes after phase 1"] - row["sst: nearest after phase 1"] <= 0.1 for row in table)
    lost = [round(row["overall: heads"] - row["overall: prototypes"], 3) for row in table]
    without("docs/research/questions.md", [f"by {min(lost):.3f} to {max(lost):.3f}, whatever came first"])


def test_figures_in_sentences_of_robust_are_those_of_the_kept_run() -> None:
    primary = read_json(RUNS / "robust-whole/report-robust-primary.json")
    rows = pd.read_csv(RUNS / "robust-whole/report-robust.csv").set_index("method")
    overall = rows[rows["task"] == "overall"]
    typos, dropped = (overall[overall["stress"] == stress] for stress in ("typos_10", "dropped"))
    loss, first = typos["loss"].sort_values(), typos["figure"].idxmax()
    most = overall[overall["stress"] == "typos_40"]["figure"]
    domains = rows[(rows["task"] == "sst") & (rows["kind"] == "shift")]["loss"]
    without(
        "docs/results/robust.md",
        [
            f"loses {primary['loss']:.3f} of overall and `concat_longer` {primary['loss_reference']:.3f}",
            f"losses are from {loss.iloc[0]:.3f} to {loss.iloc[-1]:.3f}, and the rows without training lose most",
            f"`{first}` is ahead on clean text, and stays so up to 20 % typos: {typos['figure'][first]:.3f} under "
            f"10 %. Under 40 % `{most.idxmax()}` has most, {most.max():.3f} against {most[first]:.3f}.",
            f"cost {dropped['loss'].min():.3f} to {dropped['loss'].max():.3f}. All intervals contain 0.",
            f"All methods lose {domains.min():.2f} to {domains.max():.2f} of accuracy on other domains",
        ],
    )
    assert {*loss.index[-2:]} == {"frozen_lda", "frozen_prototypes"} and typos["clean"].idxmax() == first
    assert {overall[overall["stress"] == f"typos_{share}"]["figure"].idxmax() for share in (5, 20)} == {first}
    assert (dropped["low"] < 0).all() and (dropped["high"] > 0).all()


def test_figures_in_sentences_on_few_rows_are_those_of_the_kept_runs() -> None:
    cells = [f"robust-rows{rows}" for rows in (16, 64, 256, 1024)]
    names = ("frozen_prototypes", "leave_one_out", "softmax_pretrained")
    untrained, one_out, softmax = ([versus(cell, name, "concat_longer") for cell in cells] for name in names)
    first, few, _, most = (kept.read(RUNS / cell, "test") for cell in cells)
    sst = [pd.read_parquet(RUNS / cell / "seed1/predictions.parquet").query("task == 'sst'") for cell in cells]
    heads, early = said_by([cells[2]], "leave_one_out")
    without(
        "docs/results/robust.md",
        [
            f"prototypes of the untrained encoder have {few['frozen_prototypes']['overall']:.2f}, `leave_one_out` "
            f"{few['leave_one_out']['overall']:.2f} and `concat_longer` {few['concat_longer']['overall']:.2f}",
            f"are {untrained[0].difference:.3f}, {untrained[1].difference:.3f} and {untrained[2].difference:.3f} above "
            f"`concat_longer` (p {max(row.p_holm for row in untrained[:3]):.4f} each, Holm). "
            f"With 1,024 they are {-untrained[3].difference:.3f} below",
            f"`leave_one_out` is {one_out[1].difference:.3f} above `concat_longer` ({span(one_out[1])}, "
            f"p {one_out[1].p_holm:.4f}), `softmax_pretrained` {softmax[1].difference:.3f} ({span(softmax[1])}, "
            f"p {softmax[1].p_holm:.3f})",
            f"With 16 rows `leave_one_out` is {-one_out[0].difference:.3f} below ({span(one_out[0])}, "
            f"p {one_out[0].p_holm:.2f}), with 256 rows {one_out[2].difference:.3f} above ({span(one_out[2])})",
            f"with 64 rows {few['leave_one_out']['sts']:.2f} for `leave_one_out` and {few['concat_longer']['sts']:.2f}",
            f"call all of `sst` negative ({first['frozen_prototypes']['sst']:.3f}). Nearest prototypes alone have "
            f"{first['frozen_prototypes']['sst_nearest']:.2f} and {few['frozen_prototypes']['sst_nearest']:.2f}",
            f"read {early:.3f} straight after phase 1, where its heads end at {heads:.3f}",
        ],
    )
    assert [own["frozen_prototypes"].nunique() == 1 for own in sst] == [True, True, False, False]
    assert all(
        row.p_holm > 0.05 for row in (untrained[3], one_out[0], one_out[2], one_out[3], *softmax[2:], softmax[0])
    )
    assert all(few["frozen_prototypes"]["overall"] - few[name]["overall"] > 0.1 for name in names[1:])
    assert len({round(most[name]["overall"], 2) for name in (*names[1:], "concat_longer")}) == 1


def test_figures_in_sentences_on_wrong_labels_are_those_of_the_kept_runs() -> None:
    cells = ("whole", "next40", "wrong40")
    clean, near, far = (kept.read(RUNS / f"robust-{cell}", "test") for cell in cells)
    lost = {
        (method, task): clean[method][task] - near[method][task]
        for method in ("concat_longer", "leave_one_out", "frozen_prototypes")
        for task in kept.TASKS
    }
    others = [clean["concat_longer"][task] - far["concat_longer"][task] for task in ("sst", "sts")]
    one_out, lda, *rest = (
        versus("robust-next40", method, "concat_longer")
        for method in ("leave_one_out", "frozen_lda", "frozen_prototypes", "softmax_pretrained")
    )
    without(
        "docs/results/robust.md",
        [
            f"`concat_longer` loses {lost['concat_longer', 'sst']:.3f} and {lost['concat_longer', 'sts']:.3f} of them, "
            f"where any other label cost {others[0]:.3f} and {others[1]:.3f}",
            f"`leave_one_out` is {one_out.difference:.3f} above `concat_longer` ({span(one_out)})",
            f"loses {lost['concat_longer', 'para']:.3f} of `concat_longer`, {lost['leave_one_out', 'para']:.3f} of "
            f"`leave_one_out`, {lost['frozen_prototypes', 'para']:.3f} of untrained prototypes",
            f"below it ({lda.difference:+.3f}, p {lda.p_holm:.4f})",
        ],
    )
    assert all(row.p_holm > 0.05 for row in (one_out, *rest))


def test_figures_in_sentences_on_rare_classes_are_those_of_the_kept_run() -> None:
    run = RUNS / "robust-rare50"
    before, after = (kept.read(path, "test") for path in (RUNS / "robust-whole", run))
    lost = {method: before[method]["overall"] - row["overall"] for method, row in after.items()}
    lda, one_out, *rest = (
        versus(run.name, method, "concat_longer")
        for method in ("frozen_lda", "leave_one_out", "frozen_prototypes", "softmax_pretrained")
    )
    pairs = [pd.read_parquet(path) for path in run.glob("seed*/predictions.parquet")]
    pairs = [rows.query("task == 'para' and split == 'test'") for rows in pairs]
    trained = ["concat_longer", "softmax_pretrained", "leave_one_out"]
    without(
        "docs/results/robust.md",
        [
            f"discriminant analysis {lost['frozen_lda']:.3f} and prototypes {lost['frozen_prototypes']:.3f}, "
            + ", ".join(f"`{name}` {lost[name]:.3f}" for name in reversed(trained)),
            f"is {lda.difference:.3f} above `concat_longer` ({span(lda)}, p {lda.p_holm:.3f} with Holm)",
            f"`leave_one_out` is {one_out.difference:.3f} above it ({span(one_out)})",
            f"{after['concat_longer']['para']:.3f} is the share of that class. Of prototypes without training "
            f"{after['frozen_prototypes']['para']:.3f} are right",
        ],
    )
    assert all(row.p_holm > 0.05 for row in (one_out, *rest)) and len(pairs) == 3
    assert all((rows[trained] == 0).all(axis=None) for rows in pairs)


def test_figures_in_sentences_of_stress_on_the_papers_splits_are_those_of_the_kept_run() -> None:
    run = RUNS / "cs224n-questions"
    primary = read_json(run / "report-robust-primary.json")
    rows, failures = (pd.read_csv(run / f"report-robust{end}.csv") for end in ("", "-failures"))
    untrained = rows["method"].str.startswith("frozen_")

    def span_of(column: str, task: str, stress: str, of: pd.Series = rows["loss"] == rows["loss"]) -> str:
        found = rows[of & (rows["task"] == task) & (rows["stress"] == stress)][column]
        return f"{found.min():.2f} to {found.max():.2f}"

    def unseen(failed: pd.DataFrame, of: pd.Series) -> str:
        found = failed[of & (failed["task"] == "para") & (failed["stress"] == "other_name")]["failed"]
        return f"{found.min():.2f} to {found.max():.2f}"

    starter = pd.read_csv(RUNS / "robust-whole/report-robust-failures.csv")
    ours, theirs = (failed["method"].str.startswith("frozen_") for failed in (failures, starter))
    numbers = failures[(failures["stress"] == "other_number") & (failures["task"] == "para")].set_index("method")
    sides = failures[(failures["stress"] == "advglue") & (failures["task"] == "sst")]["failed"]
    without(
        "docs/results/robust.md",
        [
            f"`leave_one_out_64` loses {primary['loss']:.3f} and `concat_longer` {primary['loss_reference']:.3f}.",
            f"loses {-primary['difference']:.3f} less than `concat_longer`, from {-primary['low']:.3f} less to "
            f"{primary['high']:.3f} more",
            f"than on the starter data, {span_of('loss', 'overall', 'typos_10')} of overall",
            f"{span_of('figure', 'sts', 'sick', untrained)} of `sts`, where the trained ones have "
            f"{span_of('figure', 'sts', 'sick', ~untrained)}",
            f"Trained rows lose {span_of('loss', 'sts', 'sick', ~untrained)}, "
            f"and {span_of('loss', 'sts', 'sick_apart', ~untrained)} where no sentence",
            f"in {unseen(failures, ~ours)} of the pairs by trained rows, where it was {unseen(starter, ~theirs)} on "
            f"the starter data. Without training it is {unseen(failures, ours)}.",
            f"{span_of('figure', 'para', 'msrp')} are right where that is 0.61, and "
            f"{span_of('figure', 'para', 'msrp_apart')} where it is 0.75",
            f"Of its pairs {span_of('figure', 'para', 'advglue')} are right",
            f"Of its opinions {sides.min():.2f} to {sides.max():.2f} are on the wrong side",
            f"and in {1 - numbers['failed']['frozen_lda']:.2f} by `frozen_lda`",
        ],
    )


def test_figures_in_sentences_of_the_papers_splits_are_those_of_the_kept_run() -> None:
    pairs = [f"`leave_one_out_64` minus `{name}`" for name in ("concat_longer", "softmax_64")]
    longer, softmax = (answered("a", pair, "cs224n") for pair in pairs)
    run = RUNS / "cs224n-questions"
    dev, test = (kept.read(run, split) for split in ("dev", "test"))
    heads, first = said_by([run.name], "leave_one_out_64")
    order = [f"{dev[name]['overall']:.3f}" for name in ("leave_one_out_64", "softmax_64", "concat_longer")]
    gap = {task: test["frozen_lda"][task] - test["concat_longer"][task] for task in kept.TASKS}
    ensemble = read_json(run / "ensemble-metrics.json")
    without(
        "docs/results/paper-splits.md",
        [
            *(
                f"{versus(run.name, 'leave_one_out_64', other).difference:.3f} above {words} "
                f"({row['low']:+.3f} to {row['high']:+.3f})"
                for row, other, words in (
                    (longer, "concat_longer", "as many plain updates"),
                    (softmax, "softmax_64", "linear heads in the same first phase"),
                )
            ),
            f"p is {longer['p']:.2f} and {softmax['p']:.2f}, corrected",
            f"Dev has the same order: {', '.join(order)}.",
            f"prototypes have {first:.3f} of `leave_one_out_64`",
            f"and {said_by([run.name], 'softmax_64')[1]:.3f} of `softmax_64`.",
            f"Fine-tuning still adds {heads - first:.3f}",
            f"Rows without training end at {test['frozen_lda']['overall']:.3f}, {frozen_there():.3f} below",
            f"`sst` {gap['sst']:.3f}, `sts` {gap['sts']:.3f}, `para` {gap['para']:.3f}",
            f"has {ensemble['test']['overall']:.3f}, as dev prefers it ({ensemble['dev']['overall']:.3f})",
        ],
    )


def test_what_copies_cost_and_lose_is_what_the_benchmark_wrote() -> None:
    lines = (ROOT / "docs/guides/small-copies.md").read_text().splitlines()
    shown = [[cell.strip() for cell in line.strip("| ").split("|")] for line in lines if line.startswith("| ")]
    table = [row for row in shown if len(row) == 8]
    head, rows = table[0], [dict(zip(table[0], row, strict=True)) for row in table[1:]]
    measured = read_json(ROOT / "benchmarks/results/copies.json")["rows"]
    assert "sentences, EPYC" in head and len(rows) == len(measured) == 5
    for row, own in zip(rows, sorted(measured, key=lambda own: not own["format"].startswith("torch")), strict=True):
        assert own["format"].split(",")[0] == row["format"].split("`")[1]
        assert float(row["MB"]) == own["megabytes"]
        assert float(row["sentences, EPYC"].replace(",", "")) == float(f"{own['speed']:.3g}")
        assert [row[name] for name in own["figures"]] == [f"{figure[0]:.3f}" for figure in own["figures"].values()]
