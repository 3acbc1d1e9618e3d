"""The audit trail is a chain that is only added to."""

import sqlite3

import pytest

from gavelbook.accounts.trail import Doing
from tests.accounts.conftest import code_of
from tests.accounts.house import House


def test_the_trail_is_a_chain(house, monkeypatch):
    monkeypatch.setattr("gavelbook.accounts.trail._AT_ONCE", 2)
    for number in range(5):
        house.trail.add(Doing(1, "session", f"thing {number}", summary=(("What", "ever"),)))
    position, head = house.trail.check()
    assert (position, head) == house.trail.head() == (5, head)
    known = house.trail.check([(5, head)])
    house.trail.add(Doing(2, "other", "more"))
    house.trail.check([known])
    assert [entry.position for entry in house.trail.page(1, 5, 2)] == [4, 3]
    assert [entry.doing.kind for entry in house.trail.page(2, None, 9)] == ["more"]


def test_the_trail_is_only_added_to(house):
    house.trail.add(Doing(1, "session", "thing"))
    for statement in ("UPDATE trail SET kind = 'other'", "DELETE FROM trail"):
        with pytest.raises(Exception, match="only added to"), house.store.writing() as database:
            database.execute(statement)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE trail SET kind = 'other' WHERE position = 3",
        "UPDATE trail SET at = at + 1 WHERE position = 3",
        "UPDATE trail SET account = 2 WHERE position = 3",
        "UPDATE trail SET head = zeroblob(32) WHERE position = 3",
        "DELETE FROM trail WHERE position = 3",
        "DELETE FROM trail WHERE position > 3",
        "DELETE FROM trail",
    ],
)
def test_a_trail_that_was_tampered_with_is_found_out(tmp_path, clock, statement):
    house = House(tmp_path / "state", clock)
    for number in range(5):
        house.trail.add(Doing(1, "session", f"thing {number}"))
    known = house.trail.head()
    path = house.store.path
    house.store.close()
    with sqlite3.connect(path) as database:
        database.executescript("DROP TRIGGER trail_stays; DROP TRIGGER trail_is_kept;")
        database.execute(statement)
    database.close()
    house = House(tmp_path / "state", clock)
    assert code_of(house.trail.check, [known]) == "trail_broken"
    house.store.close()
