"""Cardwatch on a Kubernetes: installed, used, broken, upgraded and removed, under load.

One story, on one cluster, with stand-ins for Strimzi and Flink's operator: `pytest -rP` prints its
times. What is sent all along is of bank A; DetectorConfigs are for others, so that the reference
judges all of it by the defaults.
"""

import secrets
import time
from contextlib import closing

import pytest
import yaml
from confluent_kafka import Producer
from tests.chaos.faults import SILENCE, alerts_again, sending
from tests.integration.job.feed import Draws, Feed, drain, wait_until
from tests.node.observed import all_ready, say
from tests.node.release import NAMESPACE, SYSTEM, Release
from tests.node.story import ON_A_NODE, try_out, uninstall, wait_installed
from tests.tracing.jaeger import Jaeger
from tests.unit.transactions import make_transaction

from cardwatch_contracts.alert import Alert, decode_alert
from cardwatch_contracts.codec import encode
from cardwatch_contracts.span_export import exporter_of
from cardwatch_contracts.topics import ALERTS, TRANSACTIONS
from cardwatch_contracts.transaction import Transaction
from cardwatch_generator.batches import TransactionBatch
from cardwatch_generator.publish import KafkaSettings, KafkaSink
from cardwatch_job.reference import alerts_of, compare, judge_all
from cardwatch_local.demo.oracle import gather
from cardwatch_local.errors import StackError
from cardwatch_local.reading.topic import read_topic, value_of

pytestmark = ON_A_NODE
_BANK = "Z"
"""The DetectorConfigs' own."""


@pytest.fixture(scope="module")
def feed(release: Release) -> Feed:
    """Transactions of bank A, for the platform that the first test installs."""
    feed = Feed(release.bootstrap_servers, Draws(silence=SILENCE))
    feed.send_cards()
    drain(release)
    return feed


def test_the_operators_wait_for_kafka_without_any_privilege(release: Release) -> None:
    release.install_operators()
    operator = ("-n", SYSTEM, "deployment/cardwatch-operator")

    def says() -> str:
        return release.api.kubectl("logs", *operator, check=False).stdout

    wait_until(lambda: "waiting for Kafka" in says(), "the operator to say what it waits for", 60)

    def run(*command: str) -> str:
        return release.api.kubectl("exec", *operator, "--", *command).stdout.strip()

    assert run("id", "-u") == "65532"
    assert "Read-only" in run("sh", "-c", "touch /opt/cardwatch/x 2>&1 || true")


def test_from_nothing_to_the_first_alert(release: Release) -> None:
    began = time.monotonic()
    release.install()
    wait_installed(release, began)
    try_out(release, began)


def test_a_config_is_applied_and_judges(release: Release, feed: Feed) -> None:
    began = time.monotonic()
    apply(release, {"veryHighValue": {"maxAmountMinor": 5_000}})
    release.kubectl("wait", "--for=condition=Applied", "dc/default", "--timeout=60s", timeout_s=70)
    say("kubectl wait returned", began)
    alert = pay(release, 6_000)
    assert (alert.config, alert.findings[0].detector) == ("default", "very_high_value")
    say("alert under the new threshold", began)


def test_a_bad_config_is_refused_with_a_sentence(release: Release, feed: Feed) -> None:
    with pytest.raises(AssertionError, match=r"factor.* should be greater than 1"):
        apply(release, {"amountSpike": {"factor": 1}})


def test_a_transaction_s_trace_is_complete_in_jaeger(release: Release, feed: Feed) -> None:
    began = time.monotonic()
    exporter = exporter_of(
        {"OTEL_EXPORTER_OTLP_ENDPOINT": release.url_of("cardwatch-collector", 4318)},
        service="shop",
    )
    assert exporter is not None
    sink = KafkaSink(KafkaSettings(bootstrap_servers=release.bootstrap_servers), exporter=exporter)
    trace_id, span_id = secrets.token_hex(16), secrets.token_hex(8)
    payment = new_payment(6_000)
    with closing(sink):
        sink.send(TransactionBatch([payment], [f"00-{trace_id}-{span_id}-01"]))
        sink.flush()
    exporter.close(5)
    jaeger = Jaeger(query_url=release.url_of("cardwatch-jaeger", 16686))
    trace = jaeger.wait_for(trace_id, lambda trace: len(trace.spans) >= 3, timeout_s=60)
    say("the trace is in Jaeger", began)
    print(trace.tree())
    sent, judged, alerted = trace.spans
    assert [(span.name, span.service) for span in trace.spans] == [
        ("send transactions", "shop"),
        ("process transactions", "cardwatch-job"),
        ("send alerts", "cardwatch-job"),
    ]
    assert (judged.parent_id, alerted.parent_id) == (sent.span_id, judged.span_id)
    assert judged.tags["cardwatch.transaction.id"] == payment.transaction_id
    assert judged.events[0].tags["cardwatch.finding.detector"] == "very_high_value"


def test_scaled_with_kubectl_and_back(release: Release, feed: Feed) -> None:
    with sending(feed):
        alerts_again(release)
        jobmanager = jobmanager_of(release)
        for replicas in (2, 1):
            began = time.monotonic()
            release.kubectl("scale", "dc/default", f"--replicas={replicas}")
            release.wait_running(replicas)
            release.wait("dc", "default", "Rescaled", 180)
            say(f"scaled to {replicas}", began)
            gap_s = alerts_again(release)
            print(f"alerts again {gap_s:.1f} s later")
        assert jobmanager_of(release) == jobmanager, "a scale change keeps the JobManager"
    check(release)


def test_every_pod_deleted_in_turn(release: Release, feed: Feed) -> None:
    with sending(feed):
        for pod in release.names("pods", "--field-selector=status.phase=Running"):
            began = time.monotonic()
            release.kubectl("delete", "pod", pod, "--wait=false")
            wait_until(lambda: alerts_come(release), f"alerts without {pod}", 240)
            say(f"alerts again without {pod}", began)
            wait_until(lambda: all_ready(release), "all pods to be ready", 180)
    check(release)


def test_an_upgrade_goes_on_from_the_state(release: Release, feed: Feed) -> None:
    release.kubectl("scale", "dc/default", "--replicas=2")
    release.wait_running(2)
    with sending(feed):
        alerts_again(release)
        began = time.monotonic()
        jobmanager = jobmanager_of(release)
        release.upgrade("job.checkpointIntervalMs=2000")
        wait_until(lambda: jobmanager_of(release) != jobmanager, "a new JobManager", 180)
        release.wait_running(2)  # what kubectl had set is not the chart's to change
        alerts_again(release, timeout_s=240)
        say("upgraded", began)
    check(release)


def test_nothing_is_left_of_it_but_the_kind(release: Release) -> None:
    uninstall(release)
    apply(release, {})
    release.helm("uninstall", "operators", "--wait", namespace=SYSTEM)
    assert release.names("dc") == ["default"], "the kind is kept, and with it every DetectorConfig"
    for name in (NAMESPACE, SYSTEM):
        release.api.kubectl("delete", "namespace", name, "--timeout=60s", timeout_s=70)


def apply(release: Release, detectors: dict[str, dict[str, object]]) -> None:
    """Apply a DetectorConfig of the tests' own bank."""
    document = {
        "apiVersion": "cardwatch.dev/v1alpha1",
        "kind": "DetectorConfig",
        "metadata": {"name": "default"},
        "spec": {"selector": {"bankIds": [_BANK]}, "detectors": detectors},
    }
    release.kubectl("apply", "-f", "-", stdin=yaml.safe_dump(document))


def pay(release: Release, amount_minor: int) -> Alert:
    """Pay at the tests' own bank; return the alert."""
    payment = new_payment(amount_minor)
    producer = Producer({"bootstrap.servers": release.bootstrap_servers})
    producer.produce(TRANSACTIONS.name, encode(payment), payment.user_id.encode())
    producer.flush(10)
    found: list[Alert] = []

    def is_there() -> bool:
        messages = read_topic(release.bootstrap_servers, ALERTS)
        alerts = (decode_alert(value_of(message)) for message in messages)
        found.extend(alert for alert in alerts if alert.transaction == payment)
        return bool(found)

    wait_until(is_there, f"the alert of {amount_minor}")
    return found[0]


def new_payment(amount_minor: int) -> Transaction:
    """Return a payment at the tests' own bank, by somebody who never paid before."""
    name = f"asked-{secrets.token_hex(6)}"
    return make_transaction(
        transaction_id=name,
        event_time=time.time_ns() // 1_000_000,
        user_id=name,
        card_id=f"tok_{name}",
        bank_id=_BANK,
        amount_minor=amount_minor,
    )


def check(release: Release) -> None:
    """Hold the alerts of bank A against the reference's: none lost, twice or different."""
    drain(release)
    evidence = gather(release.bootstrap_servers)
    alerts = [alert for alert in evidence.alerts if alert.transaction.bank_id == "A"]
    reference = {
        key: alert
        for key, alert in alerts_of(judge_all(evidence.records)).items()
        if alert.transaction.bank_id == "A"
    }
    comparison = compare(alerts, reference)
    print(
        f"{evidence.transactions:,} transactions, {len(alerts):,} alerts: {len(comparison.lost)} "
        f"lost, {len(comparison.duplicate)} duplicate, {len(comparison.different)} different"
    )
    assert comparison.equal, comparison
    assert len(alerts) > 100


def alerts_come(release: Release) -> bool:
    """Whether Kafka answers, and a new transaction has its alert."""
    try:
        alerts_again(release, timeout_s=240)
    except StackError:
        return False
    return True


def jobmanager_of(release: Release) -> str:
    """Return the uid of the JobManager's pod; empty while there is not exactly one."""
    pods = release.items("pods", "-l", "app=cardwatch,component=jobmanager")
    return str(pods[0]["metadata"]["uid"]) if len(pods) == 1 else ""
