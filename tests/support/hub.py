"""A small Hugging Face hub on this machine, which does what it is told to do wrong."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from tests.support.hub_content import OWNER, Hub
from tests.support.hub_pages import PAGES, refuse
from tests.support.server import running


@contextmanager
def serving() -> Iterator[Hub]:
    hub = Hub()

    class Answering(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self) -> None:
            request = f"{self.command} {unquote(urlsplit(self.path).path)}"
            hub.asked.append(request)
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            fault = hub.fault(request)
            if fault and not request.startswith(("GET /cdn", "GET /org")):
                fault.act(self, b"")
                return
            for method, pattern, page in PAGES:
                if self.command in method.split() and (found := re.fullmatch(pattern, request.partition(" ")[2])):
                    page(self, hub, body, fault, **found.groupdict())
                    return
            refuse(self, 404)

        do_GET = do_HEAD = do_POST = do_PUT = answer  # noqa: N815

    with running(Answering) as hub.address:
        yield hub


def named(hub: Hub, patch: pytest.MonkeyPatch, cache: Path, token: str | None = OWNER) -> None:
    """Make it the hub of this process, as HF_ENDPOINT, HF_HUB_CACHE, HF_TOKEN and HF_HUB_DISABLE_XET do."""
    from huggingface_hub import constants
    from huggingface_hub.utils import close_session

    close_session()  # it may know a proxy
    patch.setenv("NO_PROXY", "127.0.0.1,localhost")
    patch.setattr(constants, "ENDPOINT", hub.address)
    patch.setattr(
        constants, "HUGGINGFACE_CO_URL_TEMPLATE", f"{hub.address}/{{repo_id}}/resolve/{{revision}}/{{filename}}"
    )
    patch.setattr(constants, "HF_HUB_CACHE", str(cache))
    patch.setattr(constants, "HF_TOKEN_PATH", str(cache / "no-token"))
    patch.setattr(constants, "HF_HUB_DISABLE_XET", True)
    patch.setattr(constants, "HF_HUB_OFFLINE", False)
    for name in ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"):
        patch.delenv(name, raising=False)
    if token:
        patch.setenv("HF_TOKEN", token)
