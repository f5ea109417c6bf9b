"""How far a run is, and about how long the rest of it takes, by the jobs like those that have ended so far.

Snakemake's logger tells when a job begins and ends. After each end there is a line for people, and the same in a file
whose place jobs know by the variable PIPELINE_PROGRESS, so that a long job can tell it, too.
"""

import logging
import math
import os
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from snakemake.logging import logger
from snakemake.settings.enums import Quietness
from snakemake_interface_logger_plugins.common import LogEvent

PLACE = Path(".state/progress")


Wildcards = Mapping[str, str]


class Kind(NamedTuple):
    """Jobs that take about as long: of a rule, with as much work by a measure of the project's own."""

    rule: str
    work: float


def tell_time_left(
    workflow: Any, rules: Collection[str], work: Callable[[str, Wildcards], float] = lambda rule, wildcards: 1.0
) -> None:
    """Have the run that begins tell how far it is; rules: whose jobs take time; work: of a job, in any unit."""
    PLACE.unlink(missing_ok=True)  # of a run that was killed
    os.environ["PIPELINE_PROGRESS"] = str(PLACE.absolute())

    def asked() -> Iterable[tuple[str, Wildcards]]:
        return ((job.rule.name, job.wildcards_dict) for job in workflow.dag.needrun_jobs())

    logger.addHandler(TimeLeft(asked, rules, work))


class TimeLeft(logging.Handler):
    """Listens to Snakemake's events. asked: rule and wildcards of each job of the run, once it has begun."""

    def __init__(
        self,
        asked: Callable[[], Iterable[tuple[str, Wildcards]]],
        rules: Collection[str],
        work: Callable[[str, Wildcards], float],
    ) -> None:
        super().__init__()
        self.asked, self.rules, self.work = asked, rules, work
        self.jobs: Counter[Kind] = Counter()  # of each kind, in all
        self.began: dict[int, tuple[Kind, float]] = {}  # job -> its kind and when, of those that run
        self.took: dict[Kind, list[float]] = {}  # kind -> seconds of each job that has ended
        self.first = math.inf  # when the first began

    def emit(self, record: logging.LogRecord) -> None:
        event, now = getattr(record, "event", None), time.monotonic()
        about = vars(record)
        if event == LogEvent.RUN_INFO:
            self.jobs = Counter(Kind(rule, self.work(rule, wild)) for rule, wild in self.asked() if rule in self.rules)
        elif event == LogEvent.JOB_INFO and about["rule_name"] in self.rules:
            kind = Kind(rule := about["rule_name"], self.work(rule, about["wildcards"]))
            self.began[about["jobid"]] = (kind, now)
            self.first = min(self.first, now)
        elif event == LogEvent.JOB_ERROR:
            self.began.pop(about["jobid"], None)
        elif event == LogEvent.JOB_FINISHED and about["job_id"] in self.began:
            kind, began = self.began.pop(about["job_id"])
            self.took.setdefault(kind, []).append(now - began)
        elif event == LogEvent.PROGRESS and about["done"] < about["total"]:
            self.tell(about["done"], about["total"], now)

    def tell(self, done: int, total: int, now: float) -> None:
        """A line on the terminal, and in the file."""
        running = [(kind, now - began) for kind, began in self.began.values()]
        line = f"{done} of {total} jobs done" + rest(self.jobs, running, self.took, max(now - self.first, 0.0))
        logger.info(line, extra={"quietness": Quietness.PROGRESS})
        with suppress(OSError):  # a full disk: no run ends for that
            PLACE.parent.mkdir(exist_ok=True)
            part = PLACE.with_suffix(".part")
            part.write_text(f"run at {time.strftime('%H:%M')}: {line}\n", encoding="utf-8")
            part.replace(PLACE)

    def close(self) -> None:
        """Snakemake calls it at its end."""
        with suppress(OSError):
            PLACE.unlink()
        super().close()


def rest(
    jobs: Mapping[Kind, int],
    running: Sequence[tuple[Kind, float]],
    took: Mapping[Kind, Sequence[float]],
    elapsed: float,
) -> str:
    """`, about 14 min left`; nothing before a job of each rule has ended, but of rules that have only one: they are
    left out, and counted.

    jobs: of each kind, in all; running: kind and seconds so far; took: seconds of those that ended; elapsed: seconds
    since the first began. As many run at once as did so far, on average.
    """
    now = Counter(kind for kind, _ in running)
    waiting = {kind: max(number - len(took.get(kind, ())) - now[kind], 0) for kind, number in jobs.items()}
    unknown = Counter[str]()
    work = 0.0
    for kind, number in waiting.items():
        seconds = expected(kind, took)
        if seconds is None:
            unknown[kind.rule] += number + now[kind]
            continue
        work += number * seconds + sum(max(seconds - so_far, 0.0) for own, so_far in running if own == kind)
    if not work or any(number > 1 for number in unknown.values()):
        return ""
    spent = sum(map(sum, took.values())) + sum(seconds for _, seconds in running)
    at_once = max(spent / elapsed, 1.0) if elapsed else 1.0
    single = sum(unknown.values())
    aside = f", {single} single {'job' if single == 1 else 'jobs'} aside" if single else ""
    return f", about {span(work / at_once)} left{aside}"


def expected(kind: Kind, took: Mapping[Kind, Sequence[float]]) -> float | None:
    """Seconds of a job: the mean of those of its kind that have ended, else those of its rule by their work; None
    before any has."""
    if kind in took:
        return sum(took[kind]) / len(took[kind])
    ended = [(own.work, seconds) for own, several in took.items() if own.rule == kind.rule for seconds in several]
    if not ended:
        return None
    done, spent = map(sum, zip(*ended, strict=True))
    return spent / done * kind.work if done else spent / len(ended)


def span(seconds: float) -> str:
    """`40 s`, `14 min` or `2.5 h`: no finer than an estimate is."""
    if seconds < 90:
        return f"{max(round(seconds, -1), 10):.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
