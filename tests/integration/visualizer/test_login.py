"""Who may see and do what."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import httpx
import pytest
from tests.integration.visualizer.running import RunningVisualizer, eventually, running_visualizer

from cardwatch_local.endpoints import Endpoints
from cardwatch_visualizer.auth.throttle import MOST
from cardwatch_visualizer.auth.users import Role, new_user

pytestmark = pytest.mark.timeout(900)

_PASSWORD: Final = "correct horse battery"
_PAGE: Final = {"Accept": "text/html"}


def write_users(path: Path, **roles: Role) -> None:
    entries = [json.loads(new_user(name, role, _PASSWORD)) for name, role in roles.items()]
    fresh = path.with_suffix(".new")
    fresh.write_text(json.dumps({"users": entries}))
    fresh.rename(path)


@pytest.fixture(scope="module")
def users_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("users") / "users.json"
    write_users(path, ana="analyst", vic="viewer", tom="viewer")
    return path


@pytest.fixture(scope="module")
def guarded(
    stack_without_job: Endpoints, users_file: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunningVisualizer]:
    arguments = ["--users-file", str(users_file)]
    folder = tmp_path_factory.mktemp("guarded")
    with running_visualizer(stack_without_job, folder, arguments) as running:
        yield running


@contextmanager
def logged_in(guarded: RunningVisualizer, name: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=guarded.url, timeout=30) as client:
        entered = client.post("/login?next=/review", data={"name": name, "password": _PASSWORD})
        assert entered.status_code == 302
        yield client


def test_a_page_leads_to_the_login_and_from_there_back(guarded: RunningVisualizer) -> None:
    turned_away = guarded.client.get("/review?bank=A", headers=_PAGE)
    assert turned_away.status_code == 302
    assert turned_away.headers["location"] == "/login?next=%2Freview%3Fbank%3DA"
    assert "Log in" in guarded.client.get(turned_away.headers["location"]).text
    form = {"name": "ana", "password": _PASSWORD}
    with httpx.Client(base_url=guarded.url, timeout=30) as client:
        entered = client.post(turned_away.headers["location"], data=form)
        assert entered.headers["location"] == "/review?bank=A"
        cookie = entered.headers["set-cookie"]
        assert "HttpOnly" in cookie
        assert "SameSite=Lax" in cookie
        assert client.get("/review").status_code == 200


@pytest.mark.parametrize("path", ["/_dash-layout", "/live/events", "/review/export.csv"])
def test_without_a_login_nothing_is_shown(guarded: RunningVisualizer, path: str) -> None:
    assert guarded.client.get(path).status_code == 401


def test_a_wrong_password_and_an_unknown_name_look_the_same(guarded: RunningVisualizer) -> None:
    one = guarded.client.post("/login", data={"name": "vic", "password": "wrong password!"})
    other = guarded.client.post("/login", data={"name": "nobody", "password": "wrong password!"})
    assert (one.status_code, one.text) == (other.status_code, other.text)
    assert one.status_code == 401
    assert "wrong password" not in guarded.log.read_text()


def test_a_viewer_sees_and_an_analyst_exports(guarded: RunningVisualizer) -> None:
    with logged_in(guarded, "vic") as viewer, logged_in(guarded, "ana") as analyst:
        assert viewer.get("/_dash-layout").status_code == 200
        assert viewer.get("/review/export.csv").status_code == 403
        assert analyst.get("/review/export.csv").status_code == 503, "allowed; no archive is there"


def test_who_logs_out_is_out(guarded: RunningVisualizer) -> None:
    with logged_in(guarded, "ana") as client:
        client.post("/logout")
        assert client.get("/_dash-layout").status_code == 401


def test_who_is_taken_out_of_the_file_is_out(guarded: RunningVisualizer, users_file: Path) -> None:
    with logged_in(guarded, "tom") as client:
        assert client.get("/_dash-layout").status_code == 200
        write_users(users_file, ana="analyst", vic="viewer")
        eventually(lambda: client.get("/_dash-layout").status_code == 401, "tom is out")


def test_a_session_that_somebody_made_up_is_none(guarded: RunningVisualizer) -> None:
    forged = {"cardwatch_session": "eyJuYW1lIjoiYW5hIn0.aR8Q0g.AAAAAAAAAAAAAAAAAAAAAAAAAAA"}
    with httpx.Client(base_url=guarded.url, cookies=forged) as client:
        assert client.get("/_dash-layout").status_code == 401


def test_who_guesses_is_held_up(stack_without_job: Endpoints, tmp_path: Path) -> None:
    users = tmp_path / "users.json"
    write_users(users, eve="analyst")
    with running_visualizer(stack_without_job, tmp_path, ["--users-file", str(users)]) as running:
        answers = [
            running.client.post("/login", data={"name": "eve", "password": "x" * 12}).status_code
            for _ in range(MOST + 1)
        ]
        assert answers[-1] == 429
        right = running.client.post("/login", data={"name": "eve", "password": _PASSWORD})
        assert right.status_code == 429


def test_a_proxys_word_is_taken_from_its_address_alone(
    stack_without_job: Endpoints, tmp_path: Path
) -> None:
    named = {"X-Forwarded-User": "ana", "X-Forwarded-Groups": "cardwatch-analysts"}
    ours = ["--proxy-networks", "127.0.0.0/8"]
    with running_visualizer(stack_without_job, tmp_path, ours) as running:
        assert running.client.get("/_dash-layout").status_code == 401
        assert "ana · analyst" in running.client.get("/_dash-layout", headers=named).text
    elsewhere = ["--proxy-networks", "10.0.0.0/8"]
    with running_visualizer(stack_without_job, tmp_path, elsewhere) as running:
        assert running.client.get("/_dash-layout", headers=named).status_code == 401


def test_bad_users_keep_it_from_starting(stack_without_job: Endpoints, tmp_path: Path) -> None:
    users = tmp_path / "users.json"
    users.write_text("{}")
    with pytest.raises(AssertionError, match="users"):
        with running_visualizer(stack_without_job, tmp_path, ["--users-file", str(users)]):
            pass
