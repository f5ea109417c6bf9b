"""What the site shows beside the pages of this folder: README and others of the root, commands, parameters, pictures.

MkDocs calls the functions named `on_…`. Nothing is fetched, and nothing is written outside of the site.
"""

import argparse
import html
import importlib
import re
import sys
from pathlib import Path
from typing import Any

import yaml
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).resolve().parent.parent
PAGES = {"README.md": "index.md", "CONTRIBUTING.md": "contributing.md", "CHANGELOG.md": "changelog.md"}
PLAIN = ("LICENSE", "CITATION.cff")  # files of the root that pages link to as they are
SHOWN = {"params.yaml": "reference/params.md#the-file"}  # and one that a page shows whole
WIDTH = 94  # columns of the help texts
sys.path.insert(0, str(ROOT / "src"))


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages and files of the root, and the pictures of the benchmarks."""
    for source, target in PAGES.items():
        text = (ROOT / source).read_text(encoding="utf-8")
        files.append(File.generated(config, target, content=from_root(text)))
    for name in PLAIN:
        files.append(File.generated(config, name, abs_src_path=str(ROOT / name)))
    for picture in sorted((ROOT / "benchmarks").rglob("*.png")):
        files.append(File.generated(config, f"benchmarks/{picture.name}", abs_src_path=str(picture)))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Make links that hold in the repository hold on the site, and put in what is generated."""
    if page.is_homepage:
        page.meta["hide"] = ["navigation"]
    markdown = within_site(markdown)
    for marker, make in GENERATED.items():
        if marker in markdown:
            markdown = markdown.replace(marker, make())
    return markdown


def within_site(markdown: str) -> str:
    """A page of a folder of docs, with the site's places in the links that lead out of docs."""
    markdown = re.sub(r"\]\((?:\.\./)+benchmarks/(?:\w+/)*([\w-]+\.png)\)", r"](../benchmarks/\1)", markdown)
    for source, target in (PAGES | SHOWN | {name: name for name in PLAIN}).items():
        markdown = markdown.replace(f"](../../{source}", f"](../{target}")
    return markdown


def from_root(text: str) -> str:
    """A page of the root, with links that begin at the folder of the site."""
    text = text.replace("](docs/", "](").replace('src="docs/', 'src="')
    for source, target in PAGES.items():
        text = text.replace(f"]({source}", f"]({target}")
    return text


# ── commands ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def commands() -> str:
    """The help of every command, from the parser itself, which knows the arguments of one command at a time."""
    cli = importlib.import_module("protomtl.cli")
    lines = [help_of(cli.parser())]
    for name in commands_of(cli.parser()):
        lines += [f"## {name}", "", help_of(commands_of(cli.parser(name))[name])]
    return "\n".join(lines)


def commands_of(parser: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    """The parser of each command."""
    groups = [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
    return dict(groups[0].choices)


def help_of(parser: argparse.ArgumentParser) -> str:
    """The help text as it stands on a terminal of WIDTH columns."""
    formatter = parser.formatter_class
    parser.color = False  # type: ignore[attr-defined]  # of Python 3.14
    parser.formatter_class = lambda prog: formatter(prog, width=WIDTH)  # type: ignore[assignment]
    return f'<pre class="help"><code>{html.escape(parser.format_help())}</code></pre>\n'


# ── parameters ───────────────────────────────────────────────────────────────────────────────────────────────────────


def parameters() -> str:
    """A table for each section of params.yaml: every parameter, its default, its comment; `method` has its own."""
    text = (ROOT / "params.yaml").read_text(encoding="utf-8")
    values = yaml.safe_load(text)
    comments = importlib.import_module("protomtl.publishing.comments").comments_of(text)
    single = {name: value for name, value in values.items() if not isinstance(value, dict)}
    lines = ["## Top level", "", table(single, comments, "")]
    for name, section in values.items():
        if isinstance(section, dict) and name != "method":
            about = comments.get(name, "")
            lines += [
                "",
                f"## `{name}`",
                "",
                *([sentence(about), ""] if about else []),
                table(section, comments, f"{name}."),
            ]
    return "\n".join(lines)


def table(values: dict[str, Any], comments: dict[str, str], prefix: str) -> str:
    """One row a parameter; blocks within blocks are named by their whole path."""
    rows = []
    for path, value in leaves(values, [comment.removeprefix(prefix) for comment in comments]):
        meaning = comments.get(f"{prefix}{path}", "") or comments.get(f"finetune.{path}", "")
        meaning = meaning or (comments.get(f"pretrain.{path}", "") if prefix == "finetune." else "")
        rows.append((f"`{path}`", shown(value), escaped(meaning)))
    return markdown_table(["parameter", "default", "meaning"], rows)


def leaves(values: dict[str, Any], explained: list[str], path: str = "") -> list[tuple[str, Any]]:
    """(path, value) of each parameter. A block whose keys are explained has a row for each of these, and one without a
    value if it is explained itself."""
    found: list[tuple[str, Any]] = []
    for name, value in values.items():
        place = f"{path}{name}"
        if isinstance(value, dict) and any(other.startswith(f"{place}.") for other in explained):
            found += [(place, None)] if place in explained else []
            found += leaves(value, explained, f"{place}.")
        else:
            found.append((place, value))
    return found


def shown(value: Any) -> str:
    """A default as YAML writes it in one line; nothing of a block whose keys have rows of their own."""
    if value is None:
        return ""
    if isinstance(value, list) and len(value) > 5:
        return f"{len(value)} names"
    text = yaml.safe_dump(value, default_flow_style=True, sort_keys=False, width=1000).removesuffix("...\n").strip()
    return f"`{text}`"


def markdown_table(head: list[str], rows: list[tuple[str, ...]]) -> str:
    """By this checkout's own code."""
    text: str = importlib.import_module("protomtl.core.markdown").markdown_table(head, rows)
    return text


def escaped(text: str) -> str:
    """A comment in a cell: Markdown takes what stands in braces for attributes."""
    return re.sub(r"(\{[^{}]*\})", r"`\1`", text)


def sentence(text: str) -> str:
    return text[:1].upper() + text[1:].rstrip(".;") + "."


def methods() -> str:
    """Every block under `method`: its key, its row in the tables, where it is from, and its settings."""
    blocks = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))["method"]
    rows = []
    for name, block in blocks.items():
        phases = (shown(block[phase]) for phase in ("pretrain", "finetune"))
        rows.append((f"`{name}`", block["label"], block["source"], *phases))
    return markdown_table(["method", "row of the tables", "source", "`pretrain`", "`finetune`"], rows)


GENERATED = {"<!-- commands -->": commands, "<!-- parameters -->": parameters, "<!-- methods -->": methods}
