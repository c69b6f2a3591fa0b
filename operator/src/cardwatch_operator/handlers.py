"""What kopf calls: thin, for the reconciler looks at everything itself."""

import time
from typing import Any

import kopf
from lightkube import Client

from cardwatch_contracts.detector_config import API_VERSION
from cardwatch_contracts.prometheus import DroppedSpans, serve
from cardwatch_contracts.span_export import Exporter
from cardwatch_operator.cluster import FIELD_MANAGER, Cluster
from cardwatch_operator.lease import Leadership
from cardwatch_operator.reconciler import Reconciler
from cardwatch_operator.settings import OperatorSettings
from cardwatch_operator.watch import Watch

_group, _version = API_VERSION.split("/")


def register(
    registry: kopf.OperatorRegistry, own: OperatorSettings, exporter: Exporter | None
) -> None:
    """Add the operator's handlers to a registry."""
    client = Client(field_manager=FIELD_MANAGER)
    reconciler = Reconciler(
        own,
        cluster=Cluster(client, namespace=own.namespace),
        leadership=Leadership(client, namespace=own.lease_namespace, identity=own.identity),
        exporter=exporter,
    )
    watch = Watch()

    @kopf.on.login(registry=registry)
    def login(**given: Any) -> kopf.ConnectionInfo | None:
        return kopf.login_with_service_account(**given) or kopf.login_with_kubeconfig(**given)

    @kopf.on.startup(registry=registry)
    def start(settings: kopf.OperatorSettings, **_: Any) -> None:
        settings.posting.enabled = False  # Events are the reconciler's
        settings.scanning.disabled = True  # it would need rights over the whole cluster
        settings.watching.server_timeout = 60
        DroppedSpans(exporter)
        serve(own.metrics_port)
        reconciler.start()

    @kopf.on.cleanup(registry=registry)
    def stop(**_: Any) -> None:
        reconciler.end()

    @kopf.on.event(_group, _version, "detectorconfigs", registry=registry)
    def changed(meta: kopf.Meta, type: str | None, **_: Any) -> None:
        if watch.heard(meta["uid"], 0 if type == "DELETED" else int(meta["generation"])):
            reconciler.wake()

    @kopf.on.probe(id="reconciler", registry=registry)
    def passes(**_: Any) -> str:
        silent_s = time.monotonic() - reconciler.succeeded_at_s
        if silent_s > own.stuck_after_s:
            raise kopf.PermanentError(f"no pass has gone through for {silent_s:.0f} s")
        return "passes"

    @kopf.on.probe(id="watch", registry=registry)
    def hears(**_: Any) -> str:
        missed = watch.missed(reconciler.resources)
        if missed:
            raise kopf.PermanentError(f"the watch has not told of {', '.join(missed)}")
        return "hears"
