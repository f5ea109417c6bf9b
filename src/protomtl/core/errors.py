"""What a library's error says, where a message of ours is to stay one line."""


def first_line(error: Exception) -> str:
    """The first line of an error's text; its type where it has none, and before what is only a name."""
    said = (str(error).strip() or type(error).__name__).splitlines()[0]
    return f"{type(error).__name__}: {said}" if isinstance(error, KeyError) else said
