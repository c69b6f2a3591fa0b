"""Tells the user what became of each DetectorConfig, and has jobs rescaled."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace

from cardwatch_contracts.acknowledgements import Acknowledgements
from cardwatch_contracts.messaging import acknowledged_config, config_context
from cardwatch_contracts.prometheus import observe
from cardwatch_contracts.span_export import Exporter
from cardwatch_operator import metrics
from cardwatch_operator.cluster import Cluster
from cardwatch_operator.conflicts import Claims
from cardwatch_operator.flink_rest import FlinkRest
from cardwatch_operator.known import NOTHING_KNOWN, KnownConfig
from cardwatch_operator.rescale import Job, job_of, needs_rescale, rescaled, was_asked_for
from cardwatch_operator.resources import Resource, now_ms
from cardwatch_operator.settings import SERVICE, OperatorSettings
from cardwatch_operator.status import Situation, changes, status_of


class Reporter:
    """Writes status and Events of DetectorConfigs, and the parallelism of their jobs."""

    def __init__(
        self, settings: OperatorSettings, *, cluster: Cluster, exporter: Exporter | None
    ) -> None:
        self._settings = settings
        self._cluster = cluster
        self._exporter = exporter

    def report(
        self,
        resources: Sequence[Resource],
        claims: Claims,
        known: Mapping[str, KnownConfig],
        acks: Acknowledgements,
        alerts: Mapping[str, int] | None,
    ) -> bool:
        """Write what changed in the resources' status; return whether a job is to change.

        `alerts` were raised in the last minute, by name; None: nobody has counted yet.

        Raises:
            ClusterError: the API does not answer, or refuses.
        """
        jobs: dict[tuple[str, str], Job] = {}
        changing = False
        ready = 0
        for resource in resources:
            job = self._job_of(resource, jobs)
            owner = claims.owners.get((resource.namespace, job.name))
            if needs_rescale(resource, owner, job):
                job = jobs[resource.namespace, job.name] = self._rescale(resource, job)
            situation = Situation(
                resource=resource,
                known=known.get(resource.name, NOTHING_KNOWN),
                acks=acks,
                namesake=claims.namesakes.get(resource.uid),
                winner=claims.winners.get(resource.uid),
                rescaled=rescaled(resource, owner, job),
                parallelism=job.running or acks.parallelism,
                alerts_per_minute=None if alerts is None else alerts.get(resource.name, 0),
            )
            changing |= situation.rescaled.reason == "Rescaling"
            ready += self._write(resource, situation)
        metrics.CONFIGS.labels("true").set(ready)
        metrics.CONFIGS.labels("false").set(len(resources) - ready)
        self._show_generations(known, acks)
        return changing

    def _show_generations(self, known: Mapping[str, KnownConfig], acks: Acknowledgements) -> None:
        """Say what is published and what of it every subtask has acknowledged, by config."""
        records = {name: each.current for name, each in known.items() if each.current is not None}
        metrics.PUBLISHED_GENERATION.show(
            {name: record.generation for name, record in records.items()}
        )
        metrics.APPLIED_GENERATION.show({name: acks.acknowledged(name) for name in records})

    def _rescale(self, resource: Resource, job: Job) -> Job:
        assert resource.spec is not None, "it owns the parallelism"
        wanted = resource.spec.parallelism
        self._cluster.set_parallelism(job.name, resource.namespace, wanted)
        if was_asked_for(resource):
            message = (
                f"somebody set the parallelism of FlinkDeployment {job.name} to {job.wanted}: "
                f"it is {wanted} again. Change it here"
            )
            self._cluster.tell(resource, [("Warning", "Reverted", message)])
        return replace(job, wanted=wanted)

    def _job_of(self, resource: Resource, jobs: dict[tuple[str, str], Job]) -> Job:
        name = resource.spec.job_ref if resource.spec is not None else ""
        key = (resource.namespace, name)
        if name and key not in jobs:
            url = self._settings.flink_rest.format(job=name, namespace=resource.namespace)
            jobs[key] = job_of(
                name,
                self._cluster.flink_deployment(name, resource.namespace),
                FlinkRest(url).running_parallelism(),
            )
        return jobs.get(key, Job(name=name, wanted=None))

    def _write(self, resource: Resource, situation: Situation) -> bool:
        """Write status and Events where they changed; return whether the resource is ready."""
        status = status_of(
            situation,
            now_ms=now_ms(),
            ack_timeout_ms=int(self._settings.ack_timeout_s * 1000),
        )
        if status != resource.status and self._cluster.write_status(resource, status):
            said = changes(resource.status, status)
            self._cluster.tell(
                resource,
                [
                    (
                        "Warning" if _is_trouble(condition.reason) else "Normal",
                        condition.reason,
                        condition.message,
                    )
                    for condition in said
                    if condition.type != "Ready" or condition.reason in ("Ready", "Conflict")
                ],
            )
            before = resource.status.get("appliedGeneration")
            if status.get("appliedGeneration") not in (None, before):
                record = situation.known.in_force
                observe(
                    metrics.APPLY_SECONDS,
                    status["millisecondsToApply"] / 1000,
                    None if record is None else config_context(record).trace_id,
                )
                self._record(situation)
        return any(
            each["type"] == "Ready" and each["status"] == "True" for each in status["conditions"]
        )

    def _record(self, situation: Situation) -> None:
        """Record how long it took until all subtasks had acknowledged."""
        record = situation.known.in_force
        if self._exporter is not None and record is not None:
            span = acknowledged_config(
                record,
                reader=SERVICE,
                subtasks=situation.acks.parallelism or 0,
                start_ns=situation.known.published_at * 1_000_000,
                end_ns=time.time_ns(),
            )
            self._exporter.put_made(span)


def _is_trouble(reason: str) -> bool:
    return reason in (
        *("InvalidSpec", "AckTimeout", "ModelRefused"),
        *("Conflict", "NameTaken", "Refused"),
    )
