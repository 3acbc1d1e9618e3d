"""What npm writes into the lock is made fit for every registry and machine."""

from ape_gavelbook.npmlock import tidy

ANVIL = "node_modules/@foundry-rs/anvil"


def lock(**packages):
    return {
        "lockfileVersion": 3,
        "packages": {ANVIL: {"version": "9.9.9", "integrity": "sha512-a"}, **packages},
    }


def test_addresses_are_left_out_and_hashes_stay():
    noted = {
        "version": "1.0.0",
        "integrity": "sha512-b",
        "resolved": "wherever/b.tgz",
        "funding": {"url": "somewhere"},
        "deprecated": "see elsewhere",
    }

    tidied = tidy(lock(**{"node_modules/b": noted}))

    assert tidied["packages"]["node_modules/b"] == {"version": "1.0.0", "integrity": "sha512-b"}


def test_every_build_of_anvil_is_named_with_the_version_of_anvil():
    packages = tidy(lock())["packages"]

    builds = {name: entry for name, entry in packages.items() if name.startswith(f"{ANVIL}-")}
    assert {(*entry["os"], *entry["cpu"]) for entry in builds.values()} == {
        ("darwin", "arm64"),
        ("darwin", "x64"),
        ("linux", "arm64"),
        ("linux", "x64"),
        ("win32", "x64"),
    }
    assert {entry["version"] for entry in builds.values()} == {"9.9.9"}
    assert all(entry["optional"] for entry in builds.values())


def test_a_build_that_npm_found_keeps_its_hash():
    found = {"version": "9.9.9", "integrity": "sha512-c", "os": ["linux"], "cpu": ["x64"]}

    tidied = tidy(lock(**{f"{ANVIL}-linux-amd64": found}))

    assert tidied["packages"][f"{ANVIL}-linux-amd64"] == found


def test_tidying_twice_changes_nothing():
    once = tidy(lock())

    assert tidy(once) == once
    assert list(once["packages"]) == sorted(once["packages"])
