import pytest
from hypothesis import given
from hypothesis import strategies as some

from cardwatch_contracts.trace_context import TraceContext, new_trace, read_traceparent

_TRACE = "0af7651916cd43dd8448eb211c80319c"
_SPAN = "b7ad6b7169203331"


@pytest.mark.parametrize(
    ("text", "sampled"),
    [
        (f"00-{_TRACE}-{_SPAN}-01", True),
        (f"00-{_TRACE}-{_SPAN}-00", False),
        (f"00-{_TRACE}-{_SPAN}-03", True),
        (f"00-{_TRACE}-{_SPAN}-0a", False),
        (f"01-{_TRACE}-{_SPAN}-01", True),
        (f"cc-{_TRACE}-{_SPAN}-01-what-comes-later", True),
    ],
)
def test_a_context_is_read_also_of_a_later_version(text: str, sampled: bool) -> None:
    assert read_traceparent(text) == TraceContext(_TRACE, _SPAN, sampled)


@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        f"ff-{_TRACE}-{_SPAN}-01",
        f"00-{_TRACE}-{_SPAN}-01-more",
        f"cc-{_TRACE}-{_SPAN}-01more",
        f"00-{_TRACE.upper()}-{_SPAN}-01",
        f"00-{'0' * 32}-{_SPAN}-01",
        f"00-{_TRACE}-{'0' * 16}-01",
        f"00-{_TRACE}-{_SPAN}",
        f"00-{_TRACE}-{_SPAN}-01\n",
        "4111111111111111",
        "x" * 100_000,
        "\u0660\u0660-" + "a" * 52,
    ],
)
def test_what_is_malformed_is_no_context(text: str | None) -> None:
    assert read_traceparent(text) is None


@given(some.text(max_size=80))
def test_nothing_is_an_error(text: str) -> None:
    context = read_traceparent(text)
    assert context is None or text.startswith(f"{text[:2]}-{context.trace_id}-{context.span_id}")


def test_the_same_below_a_span_has_the_same_id_and_other_things_others() -> None:
    context = TraceContext(_TRACE, _SPAN, False)
    child = context.child("process", "transactions", 3, 7)
    assert child == context.child("process", "transactions", 3, 7)
    assert child.trace_id == _TRACE
    assert child.sampled
    others = {context.child("process", "transactions", 3, 8), context.child("send"), context}
    assert child not in others
    assert read_traceparent(child.traceparent) == child


def test_a_trace_begins_without_a_span() -> None:
    trace = new_trace("txn-1")
    assert trace == new_trace("txn-1") != new_trace("txn-2")
    assert read_traceparent(trace.child("process").traceparent) is not None
