"""The locks hold names, versions and hashes, and say what the package asks for."""

import json
import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
PYTHON_LOCKS = sorted((ROOT / "app" / "requirements").glob("*.lock"))
NPM_LOCK = ROOT / "package-lock.json"
CONFIGURATION = [
    ROOT / name
    for name in (".npmrc", "Makefile", "ape-config.yaml", "package.json", "pyproject.toml")
]

HASHES = re.compile(r" --hash=sha256:[0-9a-f]{64}")
PINNED = re.compile(r"^(?P<name>[a-z0-9][a-z0-9-]*)==(?P<version>[^ ;]+)( ; (?P<marker>.*))?$")


def requirements(lock):
    """Return each requirement of a lock with its number of hashes, comments left out."""
    lines = [line for line in lock.read_text().splitlines() if not line.lstrip().startswith("#")]
    for joined in "\n".join(lines).replace("\\\n   ", "").splitlines():
        yield HASHES.sub("", joined).strip(), len(HASHES.findall(joined))


def locked_versions(lock):
    versions = {}
    for text, _ in requirements(lock):
        pinned = PINNED.match(text)
        versions.setdefault(pinned["name"], set()).add(pinned["version"])
    return versions


@pytest.mark.parametrize("path", [*PYTHON_LOCKS, NPM_LOCK], ids=lambda path: path.name)
def test_lock_names_no_address_and_no_folder_of_a_machine(path):
    text = path.read_text()

    assert "://" not in text
    assert not re.search(r"(^|[\s\"'=])(/[a-z]+/|[A-Z]:\\|~/)", text)


@pytest.mark.parametrize("path", CONFIGURATION, ids=lambda path: path.name)
def test_configuration_names_no_registry(path):
    text = path.read_text().replace("--no-emit-index-url --no-emit-find-links", "")

    assert not re.search(r"index-url|find-links|registry *=|files\.pythonhosted|npmjs", text)


@pytest.mark.parametrize("lock", PYTHON_LOCKS, ids=lambda path: path.name)
def test_every_python_package_has_one_version_and_hashes(lock):
    listed = list(requirements(lock))

    assert listed
    for text, hashes in listed:
        assert PINNED.match(text), text
        assert hashes, text


def test_every_npm_package_has_a_hash_except_builds_for_other_machines():
    packages = json.loads(NPM_LOCK.read_text())["packages"]

    without = {name for name, entry in packages.items() if name and "integrity" not in entry}

    assert all(re.search(r"/@foundry-rs/anvil-\w+-\w+$", name) for name in without)
    assert all(packages[name]["optional"] for name in without)


def test_npm_lock_is_of_this_package_json():
    asked = json.loads((ROOT / "package.json").read_text())
    locked = json.loads(NPM_LOCK.read_text())["packages"][""]

    for kind in ("dependencies", "devDependencies"):
        assert locked[kind] == asked[kind]


@pytest.mark.parametrize(
    ("lock", "group"), [("main", "dev"), ("analysis", "analysis"), ("peers", "peers")]
)
def test_lock_satisfies_what_pyproject_asks_for(lock, group):
    pyproject = tomllib.loads((ROOT / "pyproject.toml").read_text())
    asked = list(pyproject["dependency-groups"][group])
    if lock == "main":
        asked += pyproject["project"]["dependencies"]
    locked = locked_versions(ROOT / "app" / "requirements" / f"{lock}.lock")

    for requirement in map(Requirement, asked):
        versions = locked[canonicalize_name(requirement.name)]
        assert all(requirement.specifier.contains(version) for version in versions), requirement
