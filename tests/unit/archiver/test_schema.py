from dataclasses import replace

import pytest

from cardwatch_archiver.schema import Migration, MigrationError, load_migrations, outstanding

ONE = Migration(version=1, name="one", text="CREATE TABLE one ()")
TWO = Migration(version=2, name="two", text="CREATE TABLE two ()")
THREE = Migration(version=3, name="three", text="CREATE TABLE three ()")


def applied(*migrations: Migration) -> dict[int, tuple[str, str]]:
    return {each.version: (each.name, each.checksum) for each in migrations}


def test_the_package_has_migrations_numbered_from_one_on() -> None:
    found = load_migrations()
    assert [each.version for each in found] == list(range(1, len(found) + 1))
    assert str(found[0]) == "0001_archive"


def test_what_was_not_applied_is_outstanding_in_order() -> None:
    assert outstanding([ONE, TWO], {}) == [ONE, TWO]
    assert outstanding([ONE, TWO, THREE], applied(ONE)) == [TWO, THREE]
    assert outstanding([ONE], applied(ONE)) == []


def test_a_changed_migration_is_named() -> None:
    changed = replace(ONE, text="CREATE TABLE other ()")
    with pytest.raises(MigrationError, match="migration 0001_one is not the one that was applied"):
        outstanding([changed, TWO], applied(ONE))
    with pytest.raises(MigrationError, match="migration 0001_renamed is not"):
        outstanding([replace(ONE, name="renamed")], applied(ONE))


def test_a_database_of_a_newer_version_is_refused() -> None:
    with pytest.raises(MigrationError, match=r"has migration 0003_three, this version .* at 0002"):
        outstanding([ONE, TWO], applied(ONE, TWO, THREE))


def test_a_migration_that_was_left_out_is_named() -> None:
    with pytest.raises(MigrationError, match="0002_two is missing in the database, which has 0003"):
        outstanding([ONE, TWO, THREE], applied(ONE, THREE))
