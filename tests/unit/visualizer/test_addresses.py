import pytest

from cardwatch_visualizer.addresses import local_path, without_cards

_CARD = "4111111111111111"
_TIME_LIKE_A_CARD = "1763876400005"  # 13 digits that pass the Luhn check


@pytest.mark.parametrize(
    ("wanted", "path"),
    [
        ("/review?alert=1", "/review?alert=1"),
        (f"/analytics?until={_TIME_LIKE_A_CARD}", f"/analytics?until={_TIME_LIKE_A_CARD}"),
        ("//evil.example", "/"),
        ("/\\evil.example", "/"),
        ("https://evil.example", "/"),
        ("javascript:alert(1)", "/"),
        ("/a\r\nSet-Cookie: x", "/"),
        ("", "/"),
        (f"/review?search={_CARD}", "/"),
        ("/review?search=4111+1111+1111+1111", "/"),
        ("/review?search=4111%201111%201111%201111", "/"),
        ("/users?user=NDExMTExMTExMTExMTExMQ==", "/"),
        (f"/{_CARD}", "/"),
    ],
)
def test_after_a_login_one_stays_here_and_brings_no_card_number(wanted: str, path: str) -> None:
    assert local_path(wanted) == path


def test_a_page_is_asked_for_without_card_numbers() -> None:
    asked = {"search": f"her card {_CARD}", "bank": "A", "user": "NDExMTExMTExMTExMTExMQ=="}

    assert without_cards(asked) == {
        "search": "her card [card number redacted]",
        "bank": "A",
        "user": "[card number redacted]",
    }


def test_ids_and_times_of_our_own_stay_what_they_are() -> None:
    ours = {
        "until": _TIME_LIKE_A_CARD,
        "alert": "41111111-1111-1111-9111-111111111111",
        "letter": "transactions/3/4111111111",
    }

    assert without_cards(ours) == ours
    assert without_cards({"until": _CARD, "nothing": None}) == {
        "until": "[card number redacted]",
        "nothing": None,
    }
