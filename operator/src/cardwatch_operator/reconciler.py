"""Makes what is in force equal to the DetectorConfigs there are, again and again.

One pass looks at everything: what the topics hold, which resources there are, what the subtasks
have acknowledged, how many of them run. So it does not matter which change was missed, in which
order changes came, or where a pass before it ended.
"""

import logging
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final

from cardwatch_contracts.acknowledgements import Acknowledgements
from cardwatch_contracts.detector_config import ConfigRecord
from cardwatch_contracts.logs import in_trace
from cardwatch_contracts.messaging import config_context
from cardwatch_contracts.span_export import Exporter
from cardwatch_operator import metrics
from cardwatch_operator.ack_reader import AckReader
from cardwatch_operator.alert_rate import AlertReader
from cardwatch_operator.cluster import Cluster, ClusterError
from cardwatch_operator.config_log import BrokerError, ConfigLog, OvertakenError
from cardwatch_operator.config_topics import ConfigTopics
from cardwatch_operator.conflicts import Claims
from cardwatch_operator.lease import RENEW_S, Leadership
from cardwatch_operator.models import is_refused
from cardwatch_operator.plan import plan_resources, stands_in
from cardwatch_operator.report import Reporter
from cardwatch_operator.resources import Resource, now_ms
from cardwatch_operator.settings import OperatorSettings

_log = logging.getLogger(__name__)
_SOON_S: Final = 1.0
"""Between two looks at a job that is to change its parallelism."""
_STANDBY_S: Final = 2.0
_LONGEST_RETRY_S: Final = 300.0
_LONGEST_BACK_OFF_S: Final = 30.0


class Reconciler(threading.Thread):
    """Passes over all DetectorConfigs whenever it is woken, and every some seconds."""

    def __init__(
        self,
        settings: OperatorSettings,
        *,
        cluster: Cluster,
        leadership: Leadership,
        exporter: Exporter | None = None,
    ) -> None:
        """Prepare; `exporter` gets the spans of changes."""
        super().__init__(name="reconciler", daemon=True)
        self._settings = settings
        self._cluster = cluster
        self._exporter = exporter
        self._reporter = Reporter(settings, cluster=cluster, exporter=exporter)
        self._leadership = leadership
        self._config_log = ConfigLog(settings.bootstrap_servers, exporter=exporter)
        self._topics = ConfigTopics()
        self._read_at_s = 0.0
        self._retry_at_ms: dict[tuple[str, int], tuple[int, float]] = {}
        self._woken = threading.Event()
        self._ended = threading.Event()
        self._acks = AckReader(settings.bootstrap_servers, on_news=self.wake)
        self._alerts = AlertReader(settings.bootstrap_servers)
        self._claims = Claims({}, {}, {})
        self.resources: Sequence[Resource] = ()
        """As they were listed last."""
        self.succeeded_at_s = time.monotonic()
        """When the last pass went through, or this operator saw that another acts."""

    def wake(self) -> None:
        """Have a pass made now."""
        self._woken.set()

    def end(self) -> None:
        """Finish the pass, and let another operator take over."""
        self._ended.set()
        self._woken.set()
        self.join()

    def run(self) -> None:
        """Pass after pass, until `end`."""
        self._acks.start()
        self._alerts.start()
        failures = 0
        while not self._ended.is_set():
            try:
                pause_s = self._pass_or_stand_by()
                failures = 0
            except OvertakenError as error:
                _log.info("%s: reading again", error)
                pause_s = 0.0
            except (BrokerError, ClusterError) as error:
                what = "kafka" if isinstance(error, BrokerError) else "kubernetes"
                metrics.FAILURES.labels(what).inc()
                pause_s = min(2.0**failures, _LONGEST_BACK_OFF_S)
                failures += 1
                _log.warning("%s; again in %g s", error, pause_s)
                self._ended.wait(pause_s)
                continue
            except Exception:
                # Whatever it was, the next pass begins anew; if it stays, the probe says so.
                metrics.FAILURES.labels("unexpected").inc()
                _log.exception("a pass failed; again in %g s", _LONGEST_BACK_OFF_S)
                self._ended.wait(_LONGEST_BACK_OFF_S)
                continue
            self._woken.wait(pause_s)
            self._woken.clear()
        self._acks.end()
        self._alerts.end()
        self._leadership.release()
        if self._exporter is not None:
            self._exporter.close()

    def _pass_or_stand_by(self) -> float:
        leads = self._leadership.hold()
        metrics.lead(leads)
        if not leads:
            self._read_at_s = 0.0  # the other one writes meanwhile
            self.succeeded_at_s = time.monotonic()
            return _STANDBY_S
        for reader in (self._acks, self._alerts):
            if reader.errors.refusal:
                raise BrokerError(
                    f"Kafka at {self._settings.bootstrap_servers}: {reader.errors.refusal}"
                )
        if not self._acks.has_caught_up:
            _log.warning(
                "waiting for Kafka at %s: %s",
                self._settings.bootstrap_servers,
                self._acks.errors.cause(),
            )
            return _STANDBY_S  # woken when it has
        pause_s = self._pass()
        metrics.PASSES.inc()
        self.succeeded_at_s = time.monotonic()
        return pause_s

    def _pass(self) -> float:
        self._read_topics()
        self._list()
        named = [each for each in self.resources if each.uid not in self._claims.namesakes]
        own = self._settings.namespace
        self._publish(plan_resources(named, self._topics.known, namespace=own))
        acks = self._acks.acks
        self._retry(acks)
        self._forget_withdrawn(acks)
        changing = self._reporter.report(
            self.resources,
            self._claims,
            self._topics.known,
            acks,
            self._alerts.rate.of_last_minute(),
        )
        return _SOON_S if changing else min(self._settings.resync_s, RENEW_S)

    def _list(self) -> None:
        before = self.resources
        self.resources = self._cluster.detector_configs()
        if [(each.uid, each.revision) for each in self.resources] != [
            (each.uid, each.revision) for each in before
        ]:
            self._claims = Claims.of(self.resources)

    def _read_topics(self) -> None:
        now_s = time.monotonic()
        if not self._config_log.is_writer:
            self._config_log.begin()
        elif now_s - self._read_at_s < self._settings.resync_s:
            return  # nobody else has written, or writing will tell
        self._topics = self._config_log.read()
        self._read_at_s = now_s

    def _publish(self, records: Sequence[ConfigRecord]) -> None:
        if not records:
            return
        self._config_log.publish(records)
        published_at = now_ms()
        for record in records:
            self._topics.note(record, published_at)
            _log.info(
                "DetectorConfig %s: generation %d published%s",
                record.name,
                record.generation,
                ", a withdrawal" if record.withdrawn else "",
                extra=in_trace(config_context(record)),
            )
        metrics.PUBLISHED.inc(len(records))

    def _retry(self, acks: Acknowledgements) -> None:
        """Publish again, as it is, what was not acknowledged in time."""
        at_ms = now_ms()
        timeout_ms = int(self._settings.ack_timeout_s * 1000)
        waiting = {}
        for record, published_at in self._own_records():
            if acks.complete(record) or is_refused(acks, record):
                continue
            key = (record.name, record.generation)
            due_ms, after_s = self._retry_at_ms.get(key, (published_at + timeout_ms, 0.0))
            if at_ms >= due_ms:
                after_s = min(max(2 * after_s, self._settings.ack_timeout_s), _LONGEST_RETRY_S)
                due_ms = at_ms + int(after_s * 1000)
                self._config_log.publish_again(record)
                metrics.REPUBLISHED.inc()
                _log.warning(
                    "DetectorConfig %s: generation %d published again",
                    *key,
                    extra=in_trace(config_context(record)),
                )
            waiting[key] = (due_ms, after_s)
        self._retry_at_ms = waiting

    def _forget_withdrawn(self, acks: Acknowledgements) -> None:
        done = [
            record.name
            for record, _ in self._own_records()
            if record.withdrawn and acks.complete(record)
        ]
        if not done:
            return
        self._config_log.forget(done)
        for name in done:
            self._topics.known[name] = replace(self._topics.known[name], current=None)
            _log.info("DetectorConfig %s: withdrawn everywhere", name)

    def _own_records(self) -> Iterator[tuple[ConfigRecord, int]]:
        """Yield the newest records of the resources this operator looks after, and their times."""
        for known in self._topics.known.values():
            if known.current is not None and stands_in(known.current, self._settings.namespace):
                yield known.current, known.published_at
