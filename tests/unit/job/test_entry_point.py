import pytest

from cardwatch_job.entry_point import command_of

JOB = "/opt/flink/bin/standalone-job.sh"


@pytest.mark.parametrize(
    ("arguments", "command"),
    [
        (
            ["standalone-job", "--job-classname", "Driver", "--host", "10.1.2.3", "-pym", "job"],
            [
                *(JOB, "start-foreground", "--job-classname", "Driver"),
                *("-Djobmanager.rpc.address=10.1.2.3", "-pym", "job"),
            ],
        ),
        (
            ["standalone-job", "-pym", "job", "--host", "mine"],
            [JOB, "start-foreground", "-pym", "job", "--host", "mine"],
        ),
        (
            ["standalone-job", "-Djobmanager.rpc.address=10.1.2.3"],
            [JOB, "start-foreground", "-Djobmanager.rpc.address=10.1.2.3"],
        ),
        (
            ["taskmanager", "-Dtaskmanager.host=10.1.2.4"],
            [
                *("/opt/flink/bin/taskmanager.sh", "start-foreground"),
                "-Dtaskmanager.host=10.1.2.4",
            ],
        ),
        (["python", "-V"], ["python", "-V"]),
        ([], ["sh"]),
    ],
)
def test_arguments_are_those_of_flinks_own_image(arguments: list[str], command: list[str]) -> None:
    assert command_of(arguments, {}) == command


def test_flink_is_where_the_environment_says() -> None:
    assert command_of(["jobmanager"], {"FLINK_HOME": "/flink"}) == [
        "/flink/bin/jobmanager.sh",
        "start-foreground",
    ]
