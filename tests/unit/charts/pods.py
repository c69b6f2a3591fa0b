"""Pods within what charts make, in whatever they are wrapped."""

from collections.abc import Iterator
from dataclasses import dataclass

from tests.unit.charts.rendering import Document


@dataclass(frozen=True)
class PodTemplate:
    """A pod, or as much of it as the chart decides on."""

    owner: str
    """Kind and name of what holds it."""
    labels: dict[str, str]
    spec: Document
    complete: bool
    """Whether nobody else adds images and resources to the containers."""

    @property
    def containers(self) -> list[Document]:
        """Every container of it, those included that run before the others."""
        return [*self.spec.get("initContainers", ()), *self.spec["containers"]]


def pod_templates(documents: list[Document]) -> Iterator[PodTemplate]:
    """Yield each pod of the chart's."""
    for document in documents:
        owner = f"{document['kind']} {document['metadata']['name']}"
        match document["kind"]:
            case "Pod":
                yield _template(owner, document, complete=True)
            case "Deployment" | "StatefulSet" | "Job":
                yield _template(owner, document["spec"]["template"], complete=True)
            case "FlinkDeployment":
                yield _template(owner, document["spec"]["podTemplate"], complete=False)
            case "KafkaNodePool":
                yield _strimzi(owner, document["spec"]["template"])
            case "Kafka":
                yield _strimzi(owner, document["spec"]["entityOperator"]["template"])


def _template(owner: str, template: Document, *, complete: bool) -> PodTemplate:
    labels = template["metadata"]["labels"]
    return PodTemplate(owner=owner, labels=labels, spec=template["spec"], complete=complete)


def _strimzi(owner: str, template: Document) -> PodTemplate:
    containers = [{"name": k, **v} for k, v in template.items() if k.endswith("Container")]
    spec = {**template["pod"], "containers": containers}
    return PodTemplate(owner=owner, labels={}, spec=spec, complete=False)
