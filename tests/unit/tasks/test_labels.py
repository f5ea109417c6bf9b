"""Labels that are numbers: which of them are equal."""

from protomtl.tasks.labels import class_of
from protomtl.tasks.settings import told_apart


def test_identifiers_that_differ_in_their_last_digit_are_two_classes() -> None:
    """As floats both are 12345678901234567168."""
    names = ("12345678901234567890", "12345678901234567891")
    assert told_apart([*names]) == [*names]
    assert [class_of(names, name) for name in (*names, "12345678901234567891.0")] == [0, 1, 1]
    assert class_of(names[:1], names[1]) is None
    assert [class_of(("a", "b"), text) for text in ("1", "1.0", "1e0", "2")] == [1, 1, 1, None]
