"""Names of transactions in an operator's state."""

from cardwatch_job.pending import names_in


def _text(name: str) -> bytes:
    return len(name).to_bytes(2) + name.encode()


def test_names_are_found_by_their_length_whatever_follows() -> None:
    state = b"\x00\x07" + _text("cardwatch.-0-1") + b"9" + _text("cardwatch.-12-30") + b"\x00"
    assert names_in(state, "cardwatch.") == {"cardwatch.-0-1", "cardwatch.-12-30"}


def test_the_prefix_alone_and_other_prefixes_are_no_names() -> None:
    state = _text("cardwatch.") + _text("cardwatch.x-0-1") + _text("cardwatch-0-1")
    assert names_in(state, "cardwatch.") == set()


def test_a_prefix_at_the_very_start_has_no_length() -> None:
    assert names_in(b"cardwatch.-0-1", "cardwatch.") == set()
