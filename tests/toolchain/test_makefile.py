"""make explains itself, and says what it misses."""

import re
import shutil
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[2]


def make(*arguments, folder=ROOT):
    return subprocess.run(
        ["make", *arguments], capture_output=True, text=True, check=False, cwd=folder
    )


def test_help_is_the_default_and_lists_every_target():
    (phony,) = re.findall(r"^\.PHONY: (.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)

    listed = make().stdout

    for target in phony.split():
        assert re.search(rf"^  {target} +\w", listed, re.MULTILINE), target


def test_machine_without_a_fitting_python_is_told_which_one_it_needs(tmp_path):
    shutil.copy(ROOT / "Makefile", tmp_path)
    (tmp_path / "app" / "requirements").mkdir(parents=True)
    for name in ("app/requirements/main.lock", "package-lock.json", "pyproject.toml"):
        (tmp_path / name).touch()

    answer = make("setup", "PYTHON=", folder=tmp_path)

    assert answer.returncode
    assert "needs Python 3.11, 3.12 or 3.13" in answer.stdout
