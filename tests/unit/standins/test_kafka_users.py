"""What the Strimzi stand-in makes of KafkaUsers."""

from typing import Any

import pytest
from confluent_kafka.admin import (
    AclBinding,
    AclOperation,
    AclPermissionType,
    ResourcePatternType,
    ResourceType,
)
from tests.cluster.standins.documents import content_of
from tests.cluster.standins.kafka_cluster import KafkaCluster, Refused, read_cluster
from tests.cluster.standins.user_resources import check_user, password_in, user_secret
from tests.cluster.standins.users import acls_of
from tests.unit.standins.resources import KAFKA, SECURED_KAFKA, USER, changed, node_pool


def _cluster(kafka: dict[str, Any]) -> KafkaCluster:
    return read_cluster(kafka, [node_pool("dual", 1, "controller", "broker")])


def test_the_secret_is_named_after_the_user_and_goes_with_it() -> None:
    secret = user_secret(USER, "a-password")

    metadata = secret["metadata"]
    assert (metadata["namespace"], metadata["name"]) == ("shop", "cardwatch-archiver")
    assert metadata["ownerReferences"][0]["uid"] == USER["metadata"]["uid"]
    assert metadata["labels"]["strimzi.io/kind"] == "KafkaUser"
    assert metadata["labels"]["strimzi.io/cluster"] == "cardwatch"
    assert metadata["labels"]["app.kubernetes.io/managed-by"] == "strimzi-user-operator"
    assert "annotations" not in metadata
    assert content_of(secret) == {
        "password": b"a-password",
        "sasl.jaas.config": (
            b"org.apache.kafka.common.security.scram.ScramLoginModule required "
            b'username="cardwatch-archiver" password="a-password";'
        ),
    }


def test_the_secret_has_the_annotations_and_labels_that_are_asked_for() -> None:
    asked = {"secret": {"metadata": {"annotations": {"copied": "yes"}, "labels": {"of": "shop"}}}}

    metadata = user_secret(changed(USER, "spec/template", asked), "a-password")["metadata"]

    assert metadata["annotations"] == {"copied": "yes"}
    assert metadata["labels"]["of"] == "shop"


def test_a_password_stays_and_is_new_where_there_is_none() -> None:
    assert password_in(user_secret(USER, "a-password")) == "a-password"
    new = {password_in(None), password_in(user_secret(USER, ""))}
    assert [len(password) for password in new] == [32, 32]


def test_each_operation_of_a_rule_is_a_right() -> None:
    literal, prefixed = ResourcePatternType.LITERAL, ResourcePatternType.PREFIXED
    transactions = (ResourceType.TRANSACTIONAL_ID, "cardwatch.", prefixed)
    cluster = (ResourceType.BROKER, "kafka-cluster", literal)
    who = ("User:cardwatch-archiver", "*")
    allowed = AclPermissionType.ALLOW
    assert acls_of(USER) == [
        AclBinding(ResourceType.TOPIC, "alerts", literal, *who, AclOperation.READ, allowed),
        AclBinding(*transactions, *who, AclOperation.WRITE, allowed),
        AclBinding(*transactions, *who, AclOperation.DESCRIBE, allowed),
        AclBinding(*cluster, *who, AclOperation.DESCRIBE_CONFIGS, allowed),
    ]


def test_a_rule_can_deny_and_name_a_host() -> None:
    rule = {
        "type": "deny",
        "resource": {"type": "topic", "name": "alerts"},
        "host": "10.0.0.1",
        "operations": ["All"],
    }

    (denied,) = acls_of(changed(USER, "spec/authorization/acls", [rule]))

    assert denied.permission_type is AclPermissionType.DENY
    assert (denied.host, denied.operation) == ("10.0.0.1", AclOperation.ALL)


def test_a_user_as_the_chart_makes_it_is_taken() -> None:
    check_user(_cluster(SECURED_KAFKA), USER)
    assert acls_of({**USER, "spec": {"authentication": {"type": "scram-sha-512"}}}) == []


@pytest.mark.parametrize(
    ("kafka", "user", "reason", "word"),
    [
        (
            SECURED_KAFKA,
            changed(USER, "spec/authentication/type", "tls"),
            "NotHere",
            "only type scram-sha-512 exists",
        ),
        (
            SECURED_KAFKA,
            changed(USER, "spec/authentication/password", {"valueFrom": {}}),
            "NotHere",
            "with a generated password",
        ),
        (
            SECURED_KAFKA,
            changed(USER, "spec/quotas", {"requestPercentage": 5}),
            "NotHere",
            "quotas: here nobody has any",
        ),
        (KAFKA, USER, "InvalidResourceException", "ACL rules are configured but not supported"),
    ],
)
def test_what_strimzi_or_its_stand_in_cannot_do_is_refused(
    kafka: dict[str, Any], user: dict[str, Any], reason: str, word: str
) -> None:
    with pytest.raises(Refused, match=word) as refused:
        check_user(_cluster(kafka), user)

    assert refused.value.reason == reason
