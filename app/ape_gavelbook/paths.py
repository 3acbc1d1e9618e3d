"""Where the toolchain lives, and how ape is told about it."""

import os
import platform
import sys
from pathlib import Path

SOLC_VERSION = "0.8.37"
ANVIL_VERSION = "1.7.1"

# The names under which npm publishes the builds of anvil.
_SYSTEMS = {"linux": "linux", "darwin": "darwin", "win32": "win32"}
_MACHINES = {"x86_64": "amd64", "amd64": "amd64", "aarch64": "arm64", "arm64": "arm64"}


def project_root() -> Path:
    """Return the nearest folder upward that holds ``ape-config.yaml`` and ``package-lock.json``.

    The working folder is asked first, then this file's (the package is installed editable).
    """
    starts = (Path.cwd(), Path(__file__).resolve().parent)
    for start in starts:
        for folder in (start, *start.parents):
            if all((folder / name).is_file() for name in ("ape-config.yaml", "package-lock.json")):
                return folder
    return Path.cwd()


def node_modules() -> Path:
    """Return the folder into which npm installs."""
    return project_root() / "node_modules"


def anvil_build() -> str:
    """Return the npm package that holds anvil for this system and machine."""
    system = _SYSTEMS.get(sys.platform, sys.platform)
    machine = platform.machine().lower()
    return f"@foundry-rs/anvil-{system}-{_MACHINES.get(machine, machine)}"


def anvil_folder() -> Path:
    """Return the folder of the pinned anvil binary, whether or not it is installed.

    This is the binary itself. ``node_modules/.bin/anvil`` is a node process that starts it, and
    killing that one hard would leave the chain running.
    """
    return node_modules() / anvil_build() / "bin"


def native_solc() -> Path:
    """Return where py-solc-x keeps the compiler it downloads for this machine."""
    return Path.home() / ".solcx" / f"solc-v{SOLC_VERSION}"


def npm_solc() -> Path:
    """Return where the launcher of the npm compiler is installed, in py-solc-x's layout."""
    return project_root() / ".solcx" / f"solc-v{SOLC_VERSION}"


def activate() -> None:
    """Point this process at the installed toolchain.

    The pinned anvil goes first on PATH. py-solc-x reads its variable at the time of a call, so
    setting it here is early enough; a value set by the user and a native compiler both win.
    """
    folder = anvil_folder()
    search = os.environ.get("PATH", "")
    if (folder / "anvil").is_file() and str(folder) not in search.split(os.pathsep):
        os.environ["PATH"] = os.pathsep.join(filter(None, (str(folder), search)))
    if not native_solc().exists() and npm_solc().exists():
        os.environ.setdefault("SOLCX_BINARY_PATH", str(npm_solc().parent))
