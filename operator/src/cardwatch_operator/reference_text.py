"""What the reference page says around the fields."""

from typing import Final

INTRODUCTION: Final = """\
<!-- Made by `python -m cardwatch_operator.reference`; a change here would be lost. -->

# DetectorConfig

A DetectorConfig says which thresholds judge which transactions. The running job takes a change
without a restart. What is left out has its default; without any DetectorConfig the built-in
defaults judge everything. {name_rule}

## How it is applied

Samples are in [k8s/detectorconfigs](../k8s/detectorconfigs).

```sh
kubectl apply -f k8s/detectorconfigs/defaults.yaml
kubectl wait --for=condition=Applied dc/default
kubectl get dc
kubectl scale dc/default --replicas=4
kubectl delete dc/default
```

`kubectl get dc` shows {columns};
with `-o wide` also {wide_columns}. `kubectl explain dc.spec` says what this page says.

Without Kubernetes the same file is given to the command line. It leaves `parallelism` and `jobRef`
alone, and it does not change what is a resource of Kubernetes.

```sh
cardwatch apply -f k8s/detectorconfigs/defaults.yaml
cardwatch get dc
cardwatch diff -f k8s/detectorconfigs/strict-for-one-bank.yaml
cardwatch history default
cardwatch rollback default
cardwatch delete default
```

## Which one judges

- One config judges a transaction, whole: what it leaves out has the built-in default, not the value
  of a wider config.
- `selector` says which transactions a config claims. Of several that claim one, the most specific
  judges: the one that gives more of the four lists.
- Among equals the oldest judges, by `metadata.creationTimestamp`; of the same second, the first by
  name. `Ready` of the other one is false with the reason `Conflict`, as long as the two claim some
  of the same transactions.
- What no config claims is judged by the built-in defaults. So is what a deleted one claimed, unless
  another claims it.
- Configs of all namespaces that the operator watches share one Kafka topic: give each its own name.
"""

AROUND: Final = {
    "selector": """\
A transaction is selected when it fits every list that is given, by any of the list's values.
Without a list everything is selected.""",
    "effectiveFrom": """\
With it a change can be made known ahead: `Applied` holds as soon as every subtask knows it. What
is late is still judged by what was in force at its event time. A generation without it replaces all
before it; one with it replaces those that begin at its time or later.""",
    "detectors": """\
`"Off"` needs its quotes: YAML takes the bare word for a flag. As one config judges alone, a
detector in `Shadow` raises no alerts to act on for what that config selects.""",
    "model": """\
The model judges what the config selects, beside the rules. It is to be published first, on the
topic `models`: see [models](models.md). Without `hash` each newer version that is published under
the name takes over by itself; with it that version judges until the config is changed. The job
takes a model without a restart. One that it cannot use it refuses: `Applied` is then false with the
reason `ModelRefused`, and the last good model of the config goes on. In `Shadow` the model's
findings are marked as a trial, while the rules go on as they are; a challenger's always are.""",
    "parallelism": """\
The job has the parallelism of the oldest DetectorConfig that is for it; `parallelism` of the others
is ignored, and their condition `Rescaled` says `NotOwner`. When the oldest is deleted, that of the
next one counts. Left out it is the default, also for a job that runs with more subtasks: give it in
the first config. `kubectl scale` and an autoscaler change this field. The operator writes it into
the FlinkDeployment; the job goes on with its state. `k8s/autoscaling/kafka-lag.yaml` scales by the
transactions that wait. With an autoscaler, leave `parallelism` out of the file from the beginning:
applied again, the file would set back what the autoscaler wrote.""",
    "jobRef": """\
The FlinkDeployment lies in the namespace of the DetectorConfig. `kubectl get dc --field-selector
spec.jobRef=NAME` lists those of a job.""",
}
"""What is to be said of a field of `spec` beside its table."""

CONDITIONS: Final = """\
`Ready` is false with the reason of what hinders it, `Applied` first, then `Conflict`, then
`Rescaled`. Nobody can wait for `Rescaled` of a config that does not own the parallelism; `Ready`
holds without it. Each change is also an Event: `kubectl describe dc/NAME`."""

REASONS: Final = (
    ("Ready", "True", "Ready", "All is as asked.", "Nothing."),
    (
        *("Ready", "False", "Conflict"),
        "An older config is as specific and claims some of the same transactions; it judges them.",
        "Select less, or give one more list. Or delete the older one, which the message names.",
    ),
    (
        *("Applied", "True", "Acknowledged"),
        "Every subtask judges by this generation, all with the models it asks for.",
        "Nothing.",
    ),
    (
        *("Applied", "False", "Publishing"),
        "The operator has not written this change to Kafka yet.",
        "Wait some seconds. If it stays: see the operator's log.",
    ),
    (
        *("Applied", "False", "NameTaken"),
        "An older DetectorConfig of another namespace has the name. Alerts say by name which "
        "config judged, so a name means one thing.",
        "Take another name.",
    ),
    (
        *("Applied", "False", "Waiting"),
        "It is in Kafka, and not every subtask has acknowledged it yet.",
        "Wait. A subtask answers when it has judged what came before.",
    ),
    (
        *("Applied", "False", "AckTimeout"),
        "Subtasks, which the message names, have not acknowledged in time. It is published again "
        "by itself, later each time; what they judged by before stays in force there.",
        "See whether the job runs: `kubectl get flinkdeployment`; then the TaskManagers' log.",
    ),
    (
        *("Applied", "False", "ModelRefused"),
        "Subtasks cannot use a model that is asked for: it is not published, broken, or of another "
        "version. The rest of the generation is in force; the model before it, whose hash the "
        "message says, goes on, or rules alone judge.",
        "Read the message; publish the model again, or name another one. Nothing else is to be "
        "done then: subtasks try each model that comes.",
    ),
    (
        *("Applied", "False", "InvalidSpec"),
        "The spec breaks the contract, which the CRD has let pass; the generation before it, or "
        "the built-in defaults, stay in force.",
        "Correct the field that the message names. See that the CRD is of the operator's version.",
    ),
    (
        *("Rescaled", "True", "Rescaled"),
        "The job runs with `parallelism` subtasks.",
        "Nothing.",
    ),
    (
        *("Rescaled", "False", "Rescaling"),
        "The FlinkDeployment asks for it, and the job does not run with as many subtasks yet.",
        "Wait. If it stays: are there resources for the pods? `kubectl get pods`.",
    ),
    (
        *("Rescaled", "False", "NotOwner"),
        "An older DetectorConfig is for the same job: its parallelism counts.",
        "Nothing, or scale that one, which the message names.",
    ),
    (
        *("Rescaled", "False", "Refused"),
        "The Flink operator refuses the FlinkDeployment; the job goes on as it was.",
        "Read Flink's message behind it; correct the FlinkDeployment, or ask for another number.",
    ),
    (
        *("Rescaled", "Unknown", "NoFlinkDeployment"),
        "There is no FlinkDeployment of the name `jobRef` in the namespace.",
        "Make it, or delete this config and make one with the right `jobRef`.",
    ),
    (
        *("Rescaled", "Unknown", "InvalidSpec"),
        "As for `Applied`: the parallelism that is asked for is not known.",
        "As for `Applied`.",
    ),
)
"""Condition, status, reason, what it means, what to do."""

VERSIONS: Final = """\
`{version}` is the only version. A later one is introduced like this:

- Both are served, side by side, and hold the same configs. The newer one becomes the storage
  version.
- Where fields are only added, conversion is by `None`: Kubernetes changes `apiVersion` alone. Who
  writes by the old version then drops the new fields. Where a field is renamed or means something
  else, a webhook converts both ways.
- `kubectl get {plural}.{version}.{group}` keeps working for at least two
  minor releases after the one with the newer version. The changelog says from which release the old
  version warns, and in which it ends.
- Before it ends, configs that are stored in the old version are written anew in the newer one, and
  `status.storedVersions` of the CRD names that one alone.
"""
