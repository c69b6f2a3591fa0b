"""What the commands that change a DetectorConfig's model have in common."""

from collections.abc import Callable, Sequence

from msgspec.structs import replace

from cardwatch_contracts.detector_config import ConfigRecord, Model
from cardwatch_local.commands import output
from cardwatch_local.commands.config_changes import in_force, put, tell
from cardwatch_local.configs.apply import Applied, read_acknowledgements, read_configs, who
from cardwatch_local.errors import StackError
from cardwatch_local.models.changes import in_words, kubectl_line
from cardwatch_local.progress import StepListener
from cardwatch_local.reading.connection import Connection
from cardwatch_operator.config_topics import ConfigTopics


class ModelChange:
    """Another `spec.model` for one config, through the same code as `cardwatch apply`."""

    def __init__(self, config: str, model_for: Callable[[ConfigRecord], Model | None]) -> None:
        self._config = config
        self._model_for = model_for
        self._said: list[str] = []
        self._unchanged: ConfigRecord | None = None

    def make(
        self, connection: Connection, steps: StepListener, *, timeout_s: float, dry_run: bool
    ) -> list[Applied]:
        """Publish it and wait for the subtasks' word; where nothing is to be done, do nothing."""
        if dry_run:
            for record in self._plan(read_configs(connection.kafka)):
                self._said.append(
                    f"detectorconfig/{record.name} would become generation {record.generation}: "
                    f"{in_words(record.spec.model)}"
                )
            return []
        steps.started("wait for the subtasks", None)
        applied = put(connection, self._plan, timeout_s=timeout_s)
        steps.finished("wait for the subtasks")
        if self._unchanged is not None:
            acks = read_acknowledgements(connection.kafka)
            if acks.refusals(self._unchanged):
                applied = [Applied(record=self._unchanged, acknowledgements=acks, seconds=0.0)]
        return applied

    def tell(self, applied: Sequence[Applied], *, timeout_s: float) -> None:
        """Tell what became of it."""
        for line in self._said:
            output.say(line)
        tell(applied, timeout_s=timeout_s)

    def _plan(self, topics: ConfigTopics) -> Sequence[ConfigRecord]:
        current = in_force(topics, self._config)
        model = self._model_for(current)
        self._said, self._unchanged = [], None
        if model == current.spec.model:
            self._unchanged = current
            self._said = [
                f"detectorconfig/{current.name} unchanged (generation {current.generation}): "
                f"{in_words(model)}"
            ]
            return []
        if current.origin is not None:
            raise StackError(
                f"detectorconfig/{current.name} is a resource of Kubernetes, in namespace "
                f"{current.origin.namespace}: change it there, with\n"
                f"{kubectl_line(current, model)}"
            )
        return [
            ConfigRecord(
                name=current.name,
                generation=topics.known[current.name].generation + 1,
                created_at=current.created_at,
                spec=replace(current.spec, model=model),
                changed_by=who(),
            )
        ]
