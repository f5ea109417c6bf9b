"""How far a run is, and about how long the rest of it takes, by the jobs of each rule that have ended so far.

Snakemake's logger tells when a job begins and ends. After each end there is a line for people, and the same in a file
whose place jobs know by the variable PIPELINE_PROGRESS, so that a long job can tell it, too.
"""

import logging
import math
import os
import time
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from snakemake.logging import logger
from snakemake.settings.enums import Quietness
from snakemake_interface_logger_plugins.common import LogEvent

PLACE = Path(".state/progress")


def tell_time_left(rules: Collection[str]) -> None:
    """Have the run that begins tell how far it is; rules: whose jobs take time."""
    PLACE.unlink(missing_ok=True)  # of a run that was killed
    os.environ["PIPELINE_PROGRESS"] = str(PLACE.absolute())
    logger.addHandler(TimeLeft(rules))


class TimeLeft(logging.Handler):
    """Listens to Snakemake's events."""

    def __init__(self, rules: Collection[str]) -> None:
        super().__init__()
        self.rules = rules
        self.jobs: Counter[str] = Counter()  # of each rule, in all
        self.began: dict[int, tuple[str, float]] = {}  # job -> its rule and when, of those that run
        self.took: dict[str, list[float]] = {}  # rule -> seconds of each job that has ended
        self.first = math.inf  # when the first began

    def emit(self, record: logging.LogRecord) -> None:
        event, now = getattr(record, "event", None), time.monotonic()
        about = vars(record)
        if event == LogEvent.RUN_INFO:
            self.jobs = Counter({rule: number for rule, number in about.get("stats", {}).items() if rule in self.rules})
        elif event == LogEvent.JOB_INFO and about["rule_name"] in self.rules:
            self.began[about["jobid"]] = (about["rule_name"], now)
            self.first = min(self.first, now)
        elif event == LogEvent.JOB_ERROR:
            self.began.pop(about["jobid"], None)
        elif event == LogEvent.JOB_FINISHED and about["job_id"] in self.began:
            rule, began = self.began.pop(about["job_id"])
            self.took.setdefault(rule, []).append(now - began)
        elif event == LogEvent.PROGRESS and about["done"] < about["total"]:
            self.tell(about["done"], about["total"], now)

    def tell(self, done: int, total: int, now: float) -> None:
        """A line on the terminal, and in the file."""
        running = [(rule, now - began) for rule, began in self.began.values()]
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
    jobs: Mapping[str, int],
    running: Sequence[tuple[str, float]],
    took: Mapping[str, Sequence[float]],
    elapsed: float,
) -> str:
    """`, about 14 min left`; nothing before a job of each rule has ended, but of rules that have only one: they are
    left out, and counted.

    jobs: of each rule, in all; running: rule and seconds so far; took: seconds of those that ended; elapsed: seconds
    since the first began. As many run at once as did so far, on average.
    """
    mean = {rule: sum(seconds) / len(seconds) for rule, seconds in took.items()}
    now = Counter(rule for rule, _ in running)
    waiting = {rule: max(number - len(took.get(rule, ())) - now[rule], 0) for rule, number in jobs.items()}
    unknown = [rule for rule, number in waiting.items() if rule not in mean and number + now[rule]]
    work = sum(number * mean[rule] for rule, number in waiting.items() if rule in mean)
    work += sum(max(mean[rule] - seconds, 0.0) for rule, seconds in running if rule in mean)
    if not work or any(jobs[rule] > 1 for rule in unknown):
        return ""
    spent = sum(map(sum, took.values())) + sum(seconds for _, seconds in running)
    at_once = max(spent / elapsed, 1.0) if elapsed else 1.0
    aside = f", {len(unknown)} single {'job' if len(unknown) == 1 else 'jobs'} aside" if unknown else ""
    return f", about {span(work / at_once)} left{aside}"


def span(seconds: float) -> str:
    """`40 s`, `14 min` or `2.5 h`: no finer than an estimate is."""
    if seconds < 90:
        return f"{max(round(seconds, -1), 10):.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
