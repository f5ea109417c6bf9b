"""What goes wrong between here and the Hugging Face hub, in one line each."""

import errno
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from json import JSONDecodeError
from typing import TypeVar

WAITS = (1, 3)  # seconds before asking a busy hub again
BUSY = (429, 500, 502, 503, 504)
NO_HUB = (JSONDecodeError, AttributeError, LookupError, TypeError)  # of a reader that was given something else
LOGIN = "`hf auth login`"

Answer = TypeVar("Answer")


class HubError(OSError):
    """The hub does not give or take what is asked of it; the message says what, and what to do."""


@contextmanager
def hub_errors(name: str) -> Iterator[None]:
    """What huggingface_hub and its parts raise as HubError about this name; a full disk stays what it is."""
    try:
        yield
    except HubError:
        raise
    except (transport(), OSError, ValueError, RuntimeError, AssertionError, *NO_HUB) as error:
        if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise
        raise HubError(f"{name}: {explained(error)}") from None


def asked(question: Callable[[], Answer]) -> Answer:
    """The answer to a question, asked again where the hub is busy."""
    for seconds in WAITS:
        try:
            return question()
        except Exception as error:
            if status_of(error) not in BUSY:
                raise
            time.sleep(seconds)
    return question()


def explained(error: BaseException) -> str:
    """What an error means, and what to do."""
    from huggingface_hub import constants
    from huggingface_hub.errors import GatedRepoError, HFValidationError, RepositoryNotFoundError, RevisionNotFoundError

    if isinstance(error, HFValidationError):
        return one_line(str(error))
    if isinstance(error, GatedRepoError):
        return f"its owner lets people in one by one; ask at its page of {constants.ENDPOINT}, and log in by {LOGIN}"
    if isinstance(error, RepositoryNotFoundError):
        return f"no such model at {constants.ENDPOINT}, or a private one; check the name, or log in by {LOGIN}"
    if isinstance(error, RevisionNotFoundError):
        return "there is no such revision; leave it out for the newest one"
    if is_away(error):
        return f"the hub was not reached: {reason(error)}"
    match status_of(error):
        case 401:
            return f"the hub does not know your token; {LOGIN} gives another"
        case 403:
            return f"your token may not do this; {LOGIN} with one that may"
        case 412:
            return "was changed meanwhile; look at it, and do this again"
    return reason(error)


def is_away(error: BaseException) -> bool:
    """Whether the hub is busy, out of reach, or not to be asked (HF_HUB_OFFLINE)."""
    from huggingface_hub.errors import OfflineModeIsEnabled

    status = status_of(error)
    return isinstance(error, OfflineModeIsEnabled) or (isinstance(error, transport()) and status in (None, *BUSY))


def transport() -> type[Exception]:
    """The base of all errors of the library by which huggingface_hub talks: httpx, or httpx2 since its version 2."""
    from huggingface_hub.errors import HTTPError  # type: ignore[attr-defined]  # heavy

    found: type[Exception] = HTTPError
    return found


def reason(error: BaseException) -> str:
    """In the hub's own words, of the innermost error: huggingface_hub wraps some."""
    from huggingface_hub import constants
    from huggingface_hub.errors import HfHubHTTPError, OfflineModeIsEnabled

    if isinstance(error, OfflineModeIsEnabled):
        return "HF_HUB_OFFLINE is set"
    if not isinstance(error, HfHubHTTPError) and error.__cause__:
        return reason(error.__cause__)
    if status := status_of(error):
        said = one_line(getattr(error, "server_message", None) or "")
        return f"{constants.ENDPOINT} answers {status}{f', {said}' if said else ''}"
    said = one_line(str(error)) or type(error).__name__
    if isinstance(error, NO_HUB):
        return f"{constants.ENDPOINT} does not answer as a hub does, but as a proxy or a page of a network may ({said})"
    return f"{said} ({constants.ENDPOINT})"


def status_of(error: BaseException) -> int | None:
    """The number that an answer of the hub had, also if huggingface_hub made another error of it."""
    status = getattr(getattr(error, "response", None), "status_code", None)
    if isinstance(status, int):
        return status
    return status_of(error.__cause__) if error.__cause__ else None


def one_line(text: str) -> str:
    return next((line.strip() for line in text.splitlines() if line.strip()), "")
