"""What the chart says to the visualizer, against what that understands."""

import base64
import subprocess
import sys
from ipaddress import ip_network
from pathlib import Path

import pytest
from tests.contract.test_chart_command_lines import SECRET, environment_of
from tests.unit.charts.pods import PodTemplate, pod_templates
from tests.unit.charts.rendering import FIRST_BUILD_S, Document, only, render

from cardwatch_visualizer.auth.gate import session_key
from cardwatch_visualizer.auth.passwords import matches
from cardwatch_visualizer.auth.users import read_users
from cardwatch_visualizer.command_line import NewUser, Run, parse_command
from cardwatch_visualizer.settings import ProxyLogin, VisualizerSettings

pytestmark = pytest.mark.timeout(FIRST_BUILD_S)


def test_the_visualizer_understands_its_arguments_and_its_environment(tmp_path: Path) -> None:
    settings = visualizer_settings(
        tmp_path, "visualizer.workers=3", "visualizer.jaegerUrl=https://jaeger.example.com/"
    )
    assert settings.bootstrap_servers == "cardwatch-kafka-bootstrap:9092"
    assert settings.valkey_url == SECRET
    visualizers = "postgresql://cardwatch_visualizer@cardwatch-postgres:5432/cardwatch"
    assert str(settings.database) == visualizers
    assert settings.database is not None and settings.database.password() == SECRET
    assert (settings.host, settings.port, settings.metrics_port) == ("0.0.0.0", 8050, 9090)
    assert (settings.workers, settings.jaeger_url) == (3, "https://jaeger.example.com")
    assert (settings.login, settings.proxy) == ("users", None)
    assert settings.users_file == Path("/etc/cardwatch/users/users.json")
    assert settings.session_key_file == Path("/etc/cardwatch/session/session-key")


def test_the_visualizer_understands_which_proxy_it_is_to_believe(tmp_path: Path) -> None:
    settings = visualizer_settings(
        tmp_path,
        "visualizer.login.type=proxy",
        "visualizer.login.proxy.networks={10.0.0.0/8,fd00::/8}",
        "visualizer.login.proxy.userHeader=X-Who",
        "visualizer.login.proxy.groupsHeader=X-Of",
        "visualizer.login.proxy.analystGroups={fraud,risk}",
    )
    assert (settings.login, settings.users_file) == ("proxy", None)
    assert settings.proxy is not None
    assert [str(network) for network in settings.proxy.networks] == ["10.0.0.0/8", "fd00::/8"]
    assert (settings.proxy.user_header, settings.proxy.groups_header) == ("X-Who", "X-Of")
    assert settings.proxy.analyst_groups == {"fraud", "risk"}


def test_a_proxy_s_headers_are_called_by_default_as_the_visualizer_has_it(tmp_path: Path) -> None:
    given = ("visualizer.login.type=proxy", "visualizer.login.proxy.networks={10.0.0.0/8}")
    proxy = visualizer_settings(tmp_path, *given).proxy
    assert proxy == ProxyLogin(networks=(ip_network("10.0.0.0/8"),))


def test_without_logins_the_visualizer_listens_within_its_pod(tmp_path: Path) -> None:
    settings = visualizer_settings(tmp_path, "visualizer.login.type=none")
    assert (settings.login, settings.host, settings.users_file) == ("none", "127.0.0.1", None)


def test_the_generated_user_is_one_that_the_visualizer_lets_in(tmp_path: Path) -> None:
    documents = render()
    (made,) = pod_of(documents).spec["initContainers"]
    command = parse_command(made["args"], {})
    assert made["command"] == ["python", "-m", "cardwatch_visualizer"]
    assert command == NewUser(
        name="analyst",
        role="analyst",
        password_file=Path("/etc/cardwatch/password/password"),
        output=Path("/etc/cardwatch/users/users.json"),
    )
    secret = only(documents, "Secret", "cardwatch-visualizer-login")["data"]
    password = base64.b64decode(secret["password"]).decode()
    (tmp_path / "password").write_text(f"{password}\n")
    given = ["--password-file", str(tmp_path / "password"), "--output", str(tmp_path / "users")]
    subprocess.run(
        [sys.executable, "-m", "cardwatch_visualizer", "new-user", "--name", "analyst", *given],
        check=True,
        timeout=60,
    )
    users = read_users((tmp_path / "users").read_bytes())
    assert matches(password, users["analyst"].password)
    (tmp_path / "session-key").write_bytes(base64.b64decode(secret["session-key"]))
    assert len(session_key(tmp_path / "session-key")) == 64


def visualizer_settings(folder: Path, *values: str) -> VisualizerSettings:
    """Return what the visualizer makes of its pod, in the image's own environment."""
    environment = {"CARDWATCH_HOST": "0.0.0.0"} | environment_of("visualizer", folder, *values)
    (container,) = pod_of(render(*values)).spec["containers"]
    run = parse_command(container["args"], environment)
    assert isinstance(run, Run)
    assert run.part == "all"
    return run.settings


def pod_of(documents: list[Document]) -> PodTemplate:
    (pod,) = (p for p in pod_templates(documents) if p.owner == "Deployment cardwatch-visualizer")
    return pod
