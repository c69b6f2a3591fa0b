from cardwatch_archiver.erasure import DIGEST_BYTES, Erasures, user_digest

KEY = b"k" * 32
ERASED_AT_MS = 1_795_261_635_000


def erasures_of(*users: str) -> Erasures:
    return Erasures(
        key=KEY, revision=1, until_ms={user_digest(KEY, user): ERASED_AT_MS for user in users}
    )


def test_what_is_older_than_the_erasure_is_covered() -> None:
    erasures = erasures_of("1042")
    assert erasures.cover("1042", ERASED_AT_MS - 1)
    assert erasures.cover("1042", 0)


def test_who_pays_again_afterwards_is_a_new_cardholder() -> None:
    assert not erasures_of("1042").cover("1042", ERASED_AT_MS)


def test_others_are_not_concerned() -> None:
    erasures = erasures_of("1042")
    for user in ("104", "10420", " 1042", "\uff11042"):
        assert not erasures.cover(user, 0)


def test_without_an_erasure_nobody_is_covered() -> None:
    assert not Erasures(key=KEY, revision=0).cover("1042", 0)


def test_a_digest_is_of_the_database_alone() -> None:
    assert len(user_digest(KEY, "ünïcode")) == DIGEST_BYTES
    assert user_digest(KEY, "1042") != user_digest(b"other" * 6, "1042")
    assert b"1042" not in user_digest(KEY, "1042")
