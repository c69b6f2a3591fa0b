"""Keeps one service running."""

from cardwatch_local.errors import StackError
from cardwatch_local.restarts import RestartPolicy
from cardwatch_local.service import Service
from cardwatch_local.state import ServiceState, ServiceStatus


class Tended:
    """A service, how it is, and when it may start again. Times are monotonic seconds."""

    def __init__(self, service: Service) -> None:
        """Tend `service`, which is not started yet."""
        self.service = service
        self._policy = RestartPolicy()
        self._restarts = 0
        self._status: ServiceStatus = "stopped"

    def start(self, now_s: float) -> None:
        """Start the service.

        Raises:
            StackError: It cannot be started.
        """
        self._policy.started(now_s)
        self._status = "starting"
        self.service.start()

    def tend(self, now_s: float) -> None:
        """Look after the service once: start it again if it died and its pause is over."""
        if self.service.is_running:
            if self._status != "ready" and self.service.is_ready():
                self._status = "ready"
        elif self._policy.is_due(now_s):
            self._restarts += 1
            try:
                self.start(now_s)
            except StackError:
                self._status = "restarting"  # the next look finds it dead, and waits longer
        else:
            self._status = "failed" if self._policy.has_given_up else "restarting"

    def state(self) -> ServiceState:
        """Return how the service was at the last look."""
        return ServiceState(
            name=self.service.name,
            status=self._status,
            pid=self.service.pid if self.service.is_running else None,
            restarts=self._restarts,
            log_file=str(self.service.spec.log_file),
        )
