"""What goes wrong between a hub and its readers: the acts of a `Fault`."""

from collections.abc import Callable

from tests.support.hub_content import Handler
from tests.support.hub_pages import send


def answering(status: int, **headers: str) -> Callable[[Handler, bytes], None]:
    """Only a number, as a hub that is busy."""
    return lambda request, content: send(request, status, b"", headers)


def saying(content: bytes) -> Callable[[Handler, bytes], None]:
    """Something else than what was asked for, as a proxy does, or a page of a network at which to log in."""
    return lambda request, _: send(request, 200, content, {"Content-Type": "application/json"})


def cut(request: Handler, content: bytes) -> None:
    """All of the rest is announced, half of it is sent, then the line is dead."""
    request.send_response(206 if request.headers.get("Range") else 200)
    request.send_header("Content-Length", str(len(content)))
    request.end_headers()
    request.wfile.write(content[: len(content) // 2])
    request.close_connection = True


def dead(request: Handler, content: bytes) -> None:
    """No answer."""
    request.close_connection = True


def changed(request: Handler, content: bytes) -> None:
    """As many bytes, and the last one is another."""
    send(request, 200, content[:-1] + bytes([content[-1] ^ 1]), {})


def whole(request: Handler, content: bytes) -> None:
    """As it should be."""
    send(request, 200, content, {"X-Repo-Commit": "0" * 40})
