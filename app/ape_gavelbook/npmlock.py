"""Write ``package-lock.json`` without addresses and whole for every platform.

Run as ``python -m ape_gavelbook.npmlock``; ``make lock`` does.
"""

import json
import shutil
import tempfile
from pathlib import Path
from typing import Any

from ape_gavelbook import npm, paths

LOCK = "package-lock.json"

# What npm writes beside names, versions and hashes; all of it may hold addresses.
_NOTES = ("resolved", "funding", "deprecated")

# npm leaves an optional package out of the lock when the registry at hand does not offer it, and
# `npm ci` then refuses the lock everywhere. These entries name the builds of anvil without a hash;
# only a machine of that kind fetches one.
_ANVIL_BUILDS = {
    "darwin-amd64": ("darwin", "x64"),
    "darwin-arm64": ("darwin", "arm64"),
    "linux-amd64": ("linux", "x64"),
    "linux-arm64": ("linux", "arm64"),
    "win32-amd64": ("win32", "x64"),
}


def tidy(lock: dict[str, Any]) -> dict[str, Any]:
    """Return the lock with every anvil build named and without notes and addresses."""
    packages = {
        name: {key: value for key, value in entry.items() if key not in _NOTES}
        for name, entry in lock["packages"].items()
    }
    version = packages["node_modules/@foundry-rs/anvil"]["version"]
    for build, (system, machine) in _ANVIL_BUILDS.items():
        packages.setdefault(
            f"node_modules/@foundry-rs/anvil-{build}",
            {
                "version": version,
                "cpu": [machine],
                "dev": True,
                "optional": True,
                "os": [system],
            },
        )
    return {**lock, "packages": {name: packages[name] for name in sorted(packages)}}


def write() -> None:
    """Resolve package.json anew and write the lock.

    It is done in an empty folder: where packages are installed npm takes them for the answer and
    leaves their hashes out.
    """
    root = paths.project_root()
    with tempfile.TemporaryDirectory() as empty:
        folder = Path(empty)
        for name in ("package.json", ".npmrc"):
            shutil.copy(root / name, folder)
        npm.run("install", "--package-lock-only", folder=folder)
        lock = tidy(json.loads((folder / LOCK).read_text()))
    (root / LOCK).write_text(json.dumps(lock, indent=2, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    write()
