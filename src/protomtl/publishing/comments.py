"""The comments of params.yaml: the one place where a parameter's meaning is written, for pages and for editors."""

import re

KEY = re.compile(r"^(?P<indent> *)(?P<key>\w+):(?P<rest>.*)$")
COMMENT = re.compile(r"(?:^|\s)#\s?(?P<text>.*)$")


def comments_of(text: str) -> dict[str, str]:
    """Dotted path -> the comment behind it, with the lines below that hold nothing but more of it."""
    found: dict[str, str] = {}
    path: list[tuple[int, str]] = []
    for line in text.splitlines():
        key, comment = KEY.match(line), COMMENT.search(line)
        if key:
            indent = len(key["indent"])
            path = [*(p for p in path if p[0] < indent), (indent, key["key"])]
            if comment:
                found[dotted(path)] = comment["text"]
        elif comment and path and not line.split("#")[0].strip() and line.startswith(" "):
            place = dotted(path)
            found[place] = f"{found.get(place, '')} {comment['text']}".strip()
    return found


def dotted(path: list[tuple[int, str]]) -> str:
    return ".".join(key for _, key in path)
