from ipaddress import ip_network

import pytest

from cardwatch_visualizer.auth.identity import behind_proxy, same_origin
from cardwatch_visualizer.settings import ProxyLogin

_PROXY = ProxyLogin(networks=(ip_network("10.0.0.0/8"),), analyst_groups=frozenset({"fraud"}))


def headers(user: str = "ana", groups: str = "") -> dict[str, str]:
    return {"X-Forwarded-User": user, "X-Forwarded-Groups": groups}


def test_the_proxys_word_is_taken_and_the_group_makes_an_analyst() -> None:
    viewer = behind_proxy(_PROXY, headers(groups="staff"), "10.1.2.3")
    analyst = behind_proxy(_PROXY, headers(groups="staff, fraud"), "10.1.2.3")

    assert viewer is not None
    assert (viewer.name, viewer.role, viewer.may_answer) == ("ana", "viewer", False)
    assert analyst is not None
    assert analyst.may_answer


@pytest.mark.parametrize("remote", ["192.168.0.1", "::1", "", None, "not an address"])
def test_from_elsewhere_the_headers_are_worth_nothing(remote: str | None) -> None:
    assert behind_proxy(_PROXY, headers(), remote) is None


@pytest.mark.parametrize("user", ["", "x" * 129, "a\u202eb", "4111111111111111"])
def test_a_name_that_is_none_is_nobodys(user: str) -> None:
    assert behind_proxy(_PROXY, headers(user), "10.1.2.3") is None


@pytest.mark.parametrize(
    ("sent", "ours"),
    [
        ({}, True),
        ({"Sec-Fetch-Site": "same-origin"}, True),
        ({"Sec-Fetch-Site": "none"}, True),
        ({"Sec-Fetch-Site": "cross-site"}, False),
        ({"Sec-Fetch-Site": "same-site"}, False),
        ({"Origin": "https://cards.example"}, True),
        ({"Origin": "https://evil.example"}, False),
        ({"Origin": "null"}, False),
    ],
)
def test_what_changes_something_must_come_from_our_pages(sent: dict[str, str], ours: bool) -> None:
    assert same_origin(sent, "cards.example") == ours
