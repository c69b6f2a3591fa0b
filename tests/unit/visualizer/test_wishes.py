"""Which answer a click or a key means."""

from typing import Any
from uuid import UUID

import pytest

from cardwatch_visualizer.pages.review_detail import BUTTONS, wished

_A = "42d68069-1f1d-567d-97a9-990714086e75"
_B = "f29eb56c-1093-5875-897b-97218c38f6dd"
_CLICKED = dict.fromkeys(BUTTONS, 1)
_ONLY_BULK = {**dict.fromkeys(BUTTONS, 0), "bulk-genuine": 3}


@pytest.mark.parametrize(
    ("trigger", "clicks", "key", "opened", "chosen", "expected"),
    [
        ("answer-fraudulent", _CLICKED, None, _A, [], ("fraudulent", [UUID(_A)])),
        ("answer-genuine", _CLICKED, None, None, [], ("genuine", [])),
        (
            "bulk-unsure",
            _CLICKED,
            None,
            _A,
            [{"alert_id": _A}, {"alert_id": _B}, {"alert_id": "x"}, 7],
            ("unsure", [UUID(_A), UUID(_B)]),
        ),
        ("bulk-genuine", _CLICKED, None, _A, None, ("genuine", [])),
        ("review-key", {}, {"label": "genuine", "id": _B}, _A, [], ("genuine", [UUID(_B)])),
        ("review-key", {}, {"label": "delete", "id": _B}, _A, [], None),
        ("review-key", {}, None, _A, [], None),
        ("answer-fraudulent", _ONLY_BULK, None, _A, [], None),  # only just drawn
        ("something-else", _CLICKED, None, _A, [], None),
        (None, _CLICKED, None, _A, [], None),
    ],
)
def test_an_answer_is_what_was_clicked_for_what_was_chosen(  # noqa: PLR0917 - a row of the table
    trigger: Any, clicks: Any, key: Any, opened: Any, chosen: Any, expected: Any
) -> None:
    assert wished(trigger, clicks, key, opened, chosen) == expected
