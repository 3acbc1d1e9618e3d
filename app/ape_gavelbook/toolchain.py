"""Install and check what Python packages cannot carry: solc, anvil, the Solidity libraries."""

import shutil
import subprocess
import sysconfig
from collections.abc import Callable
from pathlib import Path

from ape_gavelbook import npm, paths

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
    npm.run("ci", folder=paths.project_root())
    drop_artifacts()
    if native and not paths.native_solc().exists():
        try:
            install_native_solc()
        except Exception as error:  # noqa: BLE001 -- whatever stops the download, npm has a solc
            say(f"No native solc ({type(error).__name__}): taking the slower one from npm")
    if not paths.native_solc().exists():
        install_npm_solc()
    paths.activate()


def drop_artifacts() -> None:
    """Remove OpenZeppelin's compiled artifacts, of which nothing here makes use.

    ape copies the library to contracts/.cache and looks at the first 500 files in contracts/. With
    the artifacts there are more than that, and it may miss contracts of ours.
    """
    artifacts = paths.node_modules() / "@openzeppelin" / "contracts" / "build"
    shutil.rmtree(artifacts, ignore_errors=True)


def install_native_solc() -> None:
    """Download the compiler for this machine to py-solc-x's own folder."""
    import requests
    import solcx

    # Asked first because py-solc-x waits without a limit.
    requests.head(SOLC_DOWNLOADS, timeout=REACH_SECONDS)
    solcx.install_solc(paths.SOLC_VERSION, solcx_binary_path=paths.native_solc().parent)
    try:
        _answer(paths.native_solc())
    except ToolchainError:
        paths.native_solc().unlink(missing_ok=True)
        raise


def install_npm_solc() -> None:
    """Copy this environment's ``solc`` script to the place where py-solc-x looks for compilers."""
    script = Path(sysconfig.get_path("scripts"), "solc")
    paths.npm_solc().parent.mkdir(exist_ok=True)
    shutil.copy(script, paths.npm_solc())


def solc_version() -> str:
    """Return what the compiler says of its version, once it is the pinned one.

    Raises:
        ToolchainError: it is missing, does not run, or has another version.
    """
    native = paths.native_solc()
    compiler = native if native.exists() else paths.npm_solc()
    if not compiler.exists():
        raise ToolchainError(f"solc {paths.SOLC_VERSION} is not installed: run `make setup`")
    return _expect(paths.SOLC_VERSION, _answer(compiler)[-1])


def anvil_version() -> str:
    """Return what anvil says of its version, once it is the pinned one.

    Raises:
        ToolchainError: it is missing, does not run, or has another version.
    """
    anvil = shutil.which("anvil")
    if anvil is None:
        raise ToolchainError(
            f"npm has no {paths.anvil_build()} here. Install Foundry {paths.ANVIL_VERSION} and put "
            "anvil on PATH. Without it contracts compile and most tests run, but not the demo"
        )
    return _expect(paths.ANVIL_VERSION, _answer(Path(anvil))[0])


def _expect(version: str, actual: str) -> str:
    if version not in actual:
        raise ToolchainError(f"Expected version {version}, was {actual}")
    return actual


def _answer(tool: Path) -> list[str]:
    """Return the lines a tool prints about its version."""
    try:
        answer = subprocess.run(  # noqa: S603 -- a path of ours and a fixed argument
            [tool, "--version"],
            capture_output=True,
            text=True,
            check=True,
            timeout=VERSION_SECONDS,
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise ToolchainError(f"{tool} does not run on this machine: {error}") from error
    return answer.stdout.strip().splitlines()
