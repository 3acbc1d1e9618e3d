"""Many rows at a time are what they would be one by one."""

import sqlite3

import pytest

from gavelbook.service.exchange.many_rows import execute_rows

UPDATE = "UPDATE things SET name = column2 FROM ({rows}) WHERE number = column1"


@pytest.fixture
def database():
    database = sqlite3.connect(":memory:", isolation_level=None)
    database.execute("CREATE TABLE things (number INTEGER PRIMARY KEY, name TEXT, raw BLOB) STRICT")
    yield database
    database.close()


@pytest.mark.parametrize("count", [0, 1, 7, 8, 63, 64, 65, 137, 1_000])
def test_every_row_is_written_once_and_as_it_is(database, count):
    rows = [(number, f"ü {number}", bytes([number % 256])) for number in range(count)]
    execute_rows(database, "INSERT INTO things {rows}", iter(rows), 3)
    assert database.execute("SELECT * FROM things ORDER BY number").fetchall() == rows
    changed = [(number, None if number % 3 else "3") for number in range(0, count, 2)]
    execute_rows(database, UPDATE, changed, 2)
    names = dict(database.execute("SELECT number, name FROM things"))
    assert names == {number: name for number, name, _ in rows} | dict(changed)


def test_rows_follow_in_their_order(database):
    statement = "INSERT OR REPLACE INTO things {rows}"
    execute_rows(database, statement, [(1, str(number), b"") for number in range(150)], 3)
    assert database.execute("SELECT name FROM things").fetchall() == [("149",)]


def test_a_row_that_does_not_fit_is_refused(database):
    database.execute("BEGIN")
    rows = [(number, "name", b"") for number in [*range(100), 5]]
    with pytest.raises(sqlite3.IntegrityError):
        execute_rows(database, "INSERT INTO things {rows}", rows, 3)
    database.execute("ROLLBACK")
    assert database.execute("SELECT count(*) FROM things").fetchone() == (0,)
