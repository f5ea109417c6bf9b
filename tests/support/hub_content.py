"""What a small Hugging Face hub holds: repositories with commits, large files, and what it is told to do wrong."""

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

OWNER, READER = "hf_owner", "hf_reader"  # tokens: one may write to ORG, both may read
ORG = "org"
LARGE = (".safetensors", ".onnx", ".bin")

Files = dict[str, bytes]
Handler = Any


@dataclass
class Repository:
    private: bool = False
    gated: bool = False
    commits: dict[str, Files] = field(default_factory=dict)  # by their ids
    refs: dict[str, str] = field(default_factory=dict)
    messages: list[str] = field(default_factory=list)

    def commit(self, files: Files, message: str = "") -> str:
        """A new commit of main."""
        new = hashlib.sha1(f"{len(self.commits)} {sorted(files)}".encode(), usedforsecurity=False).hexdigest()
        self.commits[new], self.refs["main"] = files, new
        self.messages.append(message)
        return new

    @property
    def files(self) -> Files:
        """Of main."""
        return self.commits[self.refs["main"]]


@dataclass
class Fault:
    """What happens, so many times, to requests of which `METHOD path` matches."""

    pattern: str
    act: Callable[[Handler, bytes], None]
    times: int = 1


class Hub:
    def __init__(self) -> None:
        self.repositories: dict[str, Repository] = {}
        self.stored: Files = {}  # large files by their SHA-256
        self.faults: list[Fault] = []
        self.asked: list[str] = []
        self.address = ""

    def holding(self, name: str, files: Files, **more: bool) -> Repository:
        """A repository with one commit."""
        found = self.repositories[name] = Repository(**more)
        found.commit(files)
        return found

    def fault(self, request: str) -> Fault | None:
        """The next one of a request; its number of times is counted down."""
        for fault in self.faults:
            if fault.times and re.search(fault.pattern, request):
                fault.times -= 1
                return fault
        return None
