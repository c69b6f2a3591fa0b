"""Which of several operators acts: the one that holds a Lease."""

import time
from datetime import UTC, datetime
from typing import Final

from httpx2 import HTTPError
from lightkube import ApiError, Client
from lightkube.models.coordination_v1 import LeaseSpec
from lightkube.models.meta_v1 import ObjectMeta
from lightkube.resources.coordination_v1 import Lease

LEASE_NAME: Final = "cardwatch-operator"
DURATION_S: Final = 15
"""How long a Lease holds that is not renewed. Seconds."""
RENEW_S: Final = DURATION_S / 3
"""How often it is renewed. Seconds."""


class Leadership:
    """Holds the Lease, or waits until who holds it has gone."""

    def __init__(self, client: Client, *, namespace: str, identity: str) -> None:
        self._client = client
        self._namespace = namespace
        self._identity = identity
        self._held_until_s = 0.0
        self._renew_at_s = 0.0
        self._seen: tuple[str | None, float] = (None, 0.0)

    def hold(self) -> bool:
        """Take or renew the Lease where that is due; return whether it is held.

        Others' clocks are not trusted: a Lease is over when it has not changed for its duration
        as seen from here.
        """
        now_s = time.monotonic()
        if now_s < self._renew_at_s:
            return True
        try:
            held = self._try(now_s)
        except (ApiError, HTTPError):
            return now_s < self._held_until_s
        if held:
            self._renew_at_s = now_s + RENEW_S
            self._held_until_s = now_s + DURATION_S
        else:
            self._renew_at_s = self._held_until_s = 0.0
        return held

    def release(self) -> None:
        """Let another operator take over at once."""
        if not self._held_until_s:
            return
        self._held_until_s = self._renew_at_s = 0.0
        try:
            lease = self._client.get(Lease, LEASE_NAME, namespace=self._namespace)
            if lease.spec is not None and lease.spec.holderIdentity == self._identity:
                lease.spec.holderIdentity = ""
                self._client.replace(lease)
        except (ApiError, HTTPError):
            return  # it will end by itself

    def _try(self, now_s: float) -> bool:
        try:
            lease = self._client.get(Lease, LEASE_NAME, namespace=self._namespace)
        except ApiError as error:
            if error.status.code != 404:
                raise
            return self._write(
                Lease(
                    metadata=ObjectMeta(name=LEASE_NAME, namespace=self._namespace),
                    spec=LeaseSpec(leaseTransitions=0),
                ),
                is_new=True,
            )
        assert lease.spec is not None and lease.metadata is not None, "the API gives both"
        if lease.spec.holderIdentity not in (self._identity, "", None):
            version = lease.metadata.resourceVersion
            if self._seen[0] != version:
                self._seen = (version, now_s)
            if now_s - self._seen[1] < (lease.spec.leaseDurationSeconds or DURATION_S):
                return False
        return self._write(lease, is_new=False)

    def _write(self, lease: Lease, *, is_new: bool) -> bool:
        spec = lease.spec
        assert spec is not None, "given by both callers"
        now = datetime.now(UTC)
        if spec.holderIdentity != self._identity:
            spec.leaseTransitions = (spec.leaseTransitions or 0) + (0 if is_new else 1)
            spec.acquireTime = now
        spec.holderIdentity, spec.renewTime = self._identity, now
        spec.leaseDurationSeconds = DURATION_S
        try:
            if is_new:
                self._client.create(lease, namespace=self._namespace)
            else:
                self._client.replace(lease)
        except ApiError as error:
            if error.status.code == 409:
                return False  # another was quicker
            raise
        return True
