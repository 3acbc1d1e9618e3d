"""A small database: what is written is there for good, and what is not leaves no trace."""

import pytest

from gavelbook.chain.errors import StoreError
from gavelbook.service.exchange.sqlite_file import SqliteFile

TABLES = """
CREATE TABLE IF NOT EXISTS owners (name TEXT PRIMARY KEY) STRICT;
CREATE TABLE IF NOT EXISTS things (
    name TEXT NOT NULL,
    owner TEXT NOT NULL REFERENCES owners DEFERRABLE INITIALLY DEFERRED
) STRICT;
"""


@pytest.fixture
def path(tmp_path):
    return tmp_path / "things.sqlite"


def owned(path):
    with SqliteFile(path, TABLES) as file:
        return file.connection.execute("SELECT name FROM things ORDER BY name").fetchall()


def test_a_commit_that_fails_keeps_nothing_and_holds_up_nothing(path):
    with SqliteFile(path, TABLES) as file:
        file.connection.execute("PRAGMA foreign_keys = ON")
        with pytest.raises(StoreError) as caught, file.writing() as database:
            database.execute("INSERT INTO things VALUES ('lamp', 'nobody')")
        assert caught.value.code == "store_unusable"

        with file.writing() as database:
            database.execute("INSERT INTO owners VALUES ('ada')")
            database.execute("INSERT INTO things VALUES ('chair', 'ada')")

    assert owned(path) == [("chair",)]


def test_what_is_written_within_another_write_is_part_of_it(path):
    def write_and_break(file):
        with file.writing() as outer:
            with file.writing() as inner:
                inner.execute("INSERT INTO owners VALUES ('ada')")
            outer.execute("INSERT INTO things VALUES ('chair', 'ada')")
            raise KeyError

    with SqliteFile(path, TABLES) as file:
        with pytest.raises(KeyError):
            write_and_break(file)
        assert not file.connection.in_transaction

    assert owned(path) == []


def test_one_process_at_a_time(path):
    with SqliteFile(path, TABLES), pytest.raises(StoreError) as caught:
        SqliteFile(path, TABLES)
    assert caught.value.code == "store_in_use"
