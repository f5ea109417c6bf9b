"""The receipt as a Workflow Run RO-Crate (https://w3id.org/ro/wfrun/workflow/0.5): what ran, on what, what came out."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from protomtl import __version__
from protomtl.core.paths import results

PROFILES = {
    "https://w3id.org/ro/wfrun/process/0.5": ("Process Run Crate", "0.5"),
    "https://w3id.org/ro/wfrun/workflow/0.5": ("Workflow Run Crate", "0.5"),
    "https://w3id.org/workflowhub/workflow-ro-crate/1.0": ("Workflow RO-Crate", "1.0"),
}
BIOSCHEMAS = "https://bioschemas.org/profiles/ComputationalWorkflow/1.0-RELEASE"
WORKFLOW = Path("Snakefile")
GIVEN = {"dvc.yaml": "the graph", "params.yaml": "the settings", "dvc.lock": "the digests of inputs and outputs"}
TABLES = ("table1.csv", "table2.csv", "comparisons.csv")
PAGES = ("receipt.md", "receipt.html", "rows.csv")


def write(folder: Path, name: str, said: str, made_on: str) -> None:
    """Write ro-crate-metadata.json over a folder that holds PAGES; what else it lists is copied there.

    name: of the kept run; said: the answer; made_on: what computed the run here. ImportError without `rocrate`.
    """
    from rocrate.rocrate import ROCrate

    crate = ROCrate(version="1.1")
    crate.name, crate.description = f"A run of protomtl beside its kept run {name}", said
    crate.license = "https://spdx.org/licenses/MIT"
    works = [entity(crate, uri, "CreativeWork", name=title, version=v) for uri, (title, v) in PROFILES.items()]
    crate.root_dataset["conformsTo"] = works
    workflow = crate.add_workflow(WORKFLOW, WORKFLOW.name, main=True, lang="snakemake")
    workflow["name"], workflow["version"] = "protomtl", __version__
    workflow["conformsTo"] = entity(crate, BIOSCHEMAS, "CreativeWork", name="ComputationalWorkflow", version="1.0")
    given = [file(crate, Path(path), path, words) for path, words in GIVEN.items() if Path(path).exists()]
    tables = [results("tables") / path for path in TABLES]
    made = [file(crate, path, path.as_posix(), path.name) for path in tables if path.exists()]
    pages = [file(crate, folder / path, path, f"the receipt: {path}") for path in PAGES]
    tool = {"name": "protomtl verify", "softwareVersion": __version__}
    verify = entity(crate, "#protomtl-verify", "SoftwareApplication", **tool)
    action(crate, "the pipeline", made_on, workflow, given, made, ended(tables))
    action(crate, f"the comparison with {name}", said, verify, made, pages, datetime.now(UTC))
    crate.write(folder)


def entity(crate: Any, identifier: str, kind: str, **properties: Any) -> Any:
    from rocrate.model.contextentity import ContextEntity

    return crate.add(ContextEntity(crate, identifier, properties={"@type": kind, **properties}))


def file(crate: Any, source: Path, place: str, name: str) -> Any:
    return crate.add_file(source, place, properties={"name": name})


def action(
    crate: Any, name: str, description: str, tool: Any, given: Sequence[Any], made: Sequence[Any], end: datetime
) -> None:
    """Something that was done: by a tool, from files, to files. Nobody's name is known here, and none is asked for."""
    words = {"name": name, "description": description, "endTime": end.isoformat(timespec="seconds")}
    words["actionStatus"] = "http://schema.org/CompletedActionStatus"
    done = entity(crate, f"#{name.replace(' ', '-')}", "CreateAction", **words)
    done["instrument"], done["object"], done["result"] = tool, [*given], [*made]
    crate.root_dataset.append_to("mentions", done)


def ended(tables: Sequence[Path]) -> datetime:
    """When the last table was written here."""
    return datetime.fromtimestamp(max((path.stat().st_mtime for path in tables if path.exists()), default=0), UTC)


def made_on(part: Mapping[str, Any]) -> str:
    """What computed a run, in a line."""
    unknown = "a processor that is not known"
    machines = (f"{machine.get('processor', unknown)}, {machine['precision']}" for machine in part["machines"])
    return f"Commit {part['commit']}, on {'; '.join(machines)}"
