"""Payments by HTTP on a Kubernetes: taken, pushed, archived and shown, whatever pod goes.

One story, on a node of its own release, with stand-ins for Strimzi and Flink's operator: `pytest
-rP` prints its times.
"""

import time
from functools import partial

import httpx
from tests.integration.job.feed import wait_until
from tests.node.client import client_of
from tests.node.observed import all_ready, labelled, rows, say
from tests.node.release import SYSTEM, Release
from tests.node.story import ON_A_NODE, try_out, uninstall, wait_installed
from tests.node.visitor import PAGE, is_current, pages_by_pod, url_of, visitor_of

pytestmark = ON_A_NODE
_BANK = "G"
_SECRETS = (
    "cardwatch-api-keys",
    "cardwatch-postgres",
    "cardwatch-valkey",
    "cardwatch-visualizer-login",
)
_COMPONENTS = ("gateway", "postgres", "archiver")


def test_from_nothing_to_a_payment_by_http(release: Release) -> None:
    began = time.monotonic()
    release.install_operators()
    release.install()
    wait_installed(release, began, "cardwatch-gateway", "cardwatch-visualizer")
    said = try_out(release, began)
    assert "was pushed after" in said, said
    print(*(line for line in said.splitlines() if "alert " in line), sep="\n")


def test_an_alert_is_pushed_and_its_row_is_in_postgresql(release: Release) -> None:
    began = time.monotonic()
    with client_of(release, bank=_BANK) as client:
        name = client.pay()
        wait_until(lambda: rows(release, "alerts", name) == [name], "the alert's row", 60)
        say("paid, judged and archived", began)
        assert rows(release, "transactions", name) == [name]
        explained = client.http.get(f"/v1/transactions/{name}/explain")
    assert explained.status_code == 200, explained.text
    assert "-1.00 EUR is below zero" in explained.json()["summary"]
    print(explained.json()["summary"])


def test_a_key_that_nobody_has_is_refused(release: Release) -> None:
    url = release.url_of("cardwatch-gateway", 8080)
    assert httpx.get(f"{url}/v1/alerts", timeout=10).status_code == 401


def test_a_stranger_at_the_visualizer_is_led_to_the_login(release: Release) -> None:
    with httpx.Client(base_url=url_of(release), timeout=30) as stranger:
        assert stranger.get("/healthz").status_code == 200
        turned_away = stranger.get("/review", headers=PAGE)
        assert turned_away.status_code == 302
        assert turned_away.headers["location"] == "/login?next=%2Freview"
        assert "Log in" in stranger.get("/login").text
        assert stranger.get("/review/export.csv").status_code == 401


def test_an_analyst_logs_in_and_sees_what_was_archived(release: Release) -> None:
    began = time.monotonic()
    with client_of(release, bank=_BANK) as client:
        name = client.pay()
    with visitor_of(release) as visitor:
        wait_until(lambda: is_current(visitor), "a collector to write what happens", 60)
        for page in ("/", "/review", "/analytics", "/health"):
            assert visitor.get(page, headers=PAGE).status_code == 200, page
        exported = partial(visitor.get, "/review/export.csv", params={"user": name})
        wait_until(lambda: name in exported().text, "the alert to be exported", 60)
    say("paid, archived and exported", began)


def test_the_visualizer_s_role_reads_the_views_alone(release: Release) -> None:
    said = release.kubectl(
        *("exec", "cardwatch-postgres-0", "--", "psql", "-Atc"),
        "SET ROLE cardwatch_visualizer; SELECT has_table_privilege('analytics.alerts', 'SELECT'), "
        "has_table_privilege('public.alerts', 'SELECT, INSERT, UPDATE, DELETE, TRUNCATE')",
        "cardwatch",
    )
    assert said.split() == ["SET", "t|f"]


def test_a_login_holds_at_every_replica_and_over_an_upgrade(release: Release) -> None:
    began = time.monotonic()
    with visitor_of(release) as visitor:
        release.upgrade("visualizer.replicas=2")
        rollout = ("rollout", "status", "deployment/cardwatch-visualizer", "--timeout=180s")
        release.kubectl(*rollout, timeout_s=190)
        wait_until(
            lambda: list(pages_by_pod(release, visitor).values()) == [200, 200],
            "both replicas to know who asks",
            60,
        )
        delete_pods(release, "visualizer", "--grace-period=0", "--force")
        wait_until(lambda: is_current(visitor), "another collector to take over", 60)
    say("two replicas, each replaced", began)


def test_the_gateway_s_role_reads_alone(release: Release) -> None:
    said = release.kubectl(
        *("exec", "cardwatch-postgres-0", "--", "psql", "-Atc"),
        "SET ROLE cardwatch_gateway; SELECT has_table_privilege('public.alerts', 'SELECT'), "
        "has_table_privilege('public.alerts', 'INSERT, UPDATE, DELETE, TRUNCATE')",
        "cardwatch",
    )
    assert said.split() == ["SET", "t|f"]


def test_nothing_is_lost_or_doubled_whatever_pod_goes(release: Release) -> None:
    kept = {name: release.get("secret", name)["data"] for name in _SECRETS}
    release.upgrade("gateway.replicas=2")
    rollout = ("rollout", "status", "deployment/cardwatch-gateway", "--timeout=120s")
    release.kubectl(*rollout, timeout_s=130)
    assert {name: release.get("secret", name)["data"] for name in _SECRETS} == kept

    with client_of(release, bank=_BANK) as client, client.busy():
        for component in _COMPONENTS:
            delete_pods(release, component)
        delete_pods(release, "postgres", "--grace-period=0", "--force")

    print(
        f"{len(client.accepted):,} payments accepted, {len(client.pushed):,} alerts pushed; "
        f"longest without an answer {client.longest_gap_s:.1f} s"
    )
    accepted = sorted(client.accepted)
    assert len(accepted) > 100
    assert sorted(client.pushed) == accepted
    for table in ("transactions", "alerts"):
        enough = partial(has_rows, release, table, client.pattern, len(accepted))
        wait_until(enough, f"{table} to be archived", 120)
        assert rows(release, table, client.pattern) == accepted, table


def test_a_dump_can_be_restored_as_the_guide_says(release: Release) -> None:
    dump = "/var/lib/cardwatch/archive.dump"
    in_pod = ("exec", "cardwatch-postgres-0", "--")
    with client_of(release, bank=_BANK) as client:
        before = client.pay()
        wait_until(lambda: rows(release, "alerts", before) == [before], "the alert's row", 60)
        release.kubectl(*in_pod, "pg_dump", "--format=custom", f"--file={dump}", "cardwatch")
        after = client.pay()
        wait_until(lambda: rows(release, "alerts", after) == [after], "the alert's row", 60)

    began = time.monotonic()
    release.kubectl("scale", "deployment/cardwatch-archiver", "--replicas=0")
    archivers = labelled("archiver")
    wait_until(lambda: release.names("pods", *archivers) == [], "the archiver to end", 60)
    release.kubectl(*in_pod, "dropdb", "--force", "--if-exists", "cardwatch")
    options = ("--create", "--exit-on-error", "--dbname=postgres")
    release.kubectl(*in_pod, "pg_restore", *options, dump)
    assert rows(release, "alerts", after) == [], "it was archived after the dump"
    release.kubectl("scale", "deployment/cardwatch-archiver", "--replicas=1")
    for table in ("transactions", "alerts"):
        caught_up = partial(has_rows, release, table, after, 1)
        wait_until(caught_up, f"{table} to be read again from where the dump was", 120)
        assert rows(release, table, before) == [before]
        assert rows(release, table, after) == [after]
    with client_of(release, bank=_BANK) as client:
        explained = f"/v1/transactions/{before}/explain"
        wait_until(lambda: client.http.get(explained).status_code == 200, "the gateway to ask", 60)
    say("restored", began)


def test_nothing_is_left_of_it(release: Release) -> None:
    uninstall(release)
    release.helm("uninstall", "operators", "--wait", namespace=SYSTEM)


def delete_pods(release: Release, component: str, *how: str) -> None:
    """Delete the pods of a component one after the other, each when all are ready."""
    pods = release.items("pods", *labelled(component))
    assert pods
    for pod in (each["metadata"] for each in pods):
        began = time.monotonic()
        release.kubectl("delete", "pod", pod["name"], "--wait=false", *how)
        replaced = partial(is_replaced, release, component, pod["uid"], len(pods))
        wait_until(replaced, f"{pod['name']} to be replaced", 180)
        wait_until(lambda: all_ready(release), "all pods to be ready", 180)
        say(f"all ready again without {pod['name']}{' at once' if how else ''}", began)


def is_replaced(release: Release, component: str, uid: str, count: int) -> bool:
    """Whether a pod is gone, and there are as many as before."""
    uids = [pod["metadata"]["uid"] for pod in release.items("pods", *labelled(component))]
    return uid not in uids and len(uids) == count


def has_rows(release: Release, table: str, pattern: str, count: int) -> bool:
    """Whether a table has so many rows or more."""
    return len(rows(release, table, pattern)) >= count
