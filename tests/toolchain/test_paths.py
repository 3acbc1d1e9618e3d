"""ape finds the pinned tools, and what the user has set stays."""

import os
import platform
import sys
from pathlib import Path

import pytest

from ape_gavelbook import paths


@pytest.fixture
def checkout(tmp_path, monkeypatch):
    """Be in an empty checkout, with an empty home and a short PATH."""
    root = tmp_path / "checkout"
    root.mkdir()
    for name in ("ape-config.yaml", "package-lock.json"):
        (root / name).touch()
    monkeypatch.chdir(root)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("PATH", "/usr/bin")
    monkeypatch.delenv("SOLCX_BINARY_PATH", raising=False)
    return root


def place(tool):
    tool.parent.mkdir(parents=True)
    tool.touch()


def test_root_is_found_from_a_folder_inside(checkout, monkeypatch):
    inside = checkout / "contracts" / "tokens"
    inside.mkdir(parents=True)
    monkeypatch.chdir(inside)

    assert paths.project_root() == checkout


def test_root_is_this_checkout_from_a_folder_outside(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    assert paths.project_root() == Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("system", "machine", "build"),
    [
        ("linux", "x86_64", "linux-amd64"),
        ("linux", "aarch64", "linux-arm64"),
        ("darwin", "arm64", "darwin-arm64"),
        ("win32", "AMD64", "win32-amd64"),
        ("freebsd14", "riscv64", "freebsd14-riscv64"),
    ],
)
def test_anvil_build_has_the_name_npm_gives_it(monkeypatch, system, machine, build):
    monkeypatch.setattr(sys, "platform", system)
    monkeypatch.setattr(platform, "machine", lambda: machine)

    assert paths.anvil_build() == f"@foundry-rs/anvil-{build}"


def test_nothing_installed_changes_nothing(checkout):
    paths.activate()

    assert os.environ["PATH"] == "/usr/bin"
    assert "SOLCX_BINARY_PATH" not in os.environ


def test_pinned_anvil_comes_first_and_once(checkout):
    place(paths.anvil_folder() / "anvil")

    paths.activate()
    paths.activate()

    assert os.environ["PATH"] == f"{paths.anvil_folder()}{os.pathsep}/usr/bin"


def test_npm_compiler_is_used_where_there_is_no_native_one(checkout):
    place(paths.npm_solc())

    paths.activate()

    assert os.environ["SOLCX_BINARY_PATH"] == str(checkout / ".solcx")


def test_native_compiler_wins(checkout):
    place(paths.npm_solc())
    place(paths.native_solc())

    paths.activate()

    assert "SOLCX_BINARY_PATH" not in os.environ


def test_folder_chosen_by_the_user_wins(checkout, monkeypatch):
    place(paths.npm_solc())
    monkeypatch.setenv("SOLCX_BINARY_PATH", "/chosen")

    paths.activate()

    assert os.environ["SOLCX_BINARY_PATH"] == "/chosen"
