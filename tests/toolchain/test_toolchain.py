"""solc and anvil are installed, are the pinned ones, and are missed with a useful message."""

import json
import subprocess
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner

from ape_gavelbook import npm, paths, toolchain
from ape_gavelbook.cli import cli

ROOT = Path(__file__).parents[2]
SOLC = ROOT / ".venv" / "bin" / "solc"


@pytest.fixture
def tools(tmp_path, monkeypatch):
    """Have places for tools in an empty folder, and no anvil on PATH."""
    monkeypatch.setattr(paths, "native_solc", lambda: tmp_path / "native" / "solc")
    monkeypatch.setattr(paths, "npm_solc", lambda: tmp_path / "npm" / "solc")
    monkeypatch.setattr(paths, "anvil_folder", lambda: tmp_path / "anvil")
    monkeypatch.setattr(npm, "run", lambda *_, **__: None)
    monkeypatch.setenv("PATH", str(tmp_path))
    return tmp_path


def script(path, answer):
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"#!/bin/sh\necho '{answer}'\n")
    path.chmod(0o755)


def refuse(*_, **__):
    raise ConnectionError


def test_all_files_pin_the_same_versions():
    packages = json.loads((ROOT / "package.json").read_text())
    config = yaml.safe_load((ROOT / "ape-config.yaml").read_text())
    (library,) = config["dependencies"]
    tools = packages["devDependencies"]

    assert tools["solc"] == config["solidity"]["version"] == paths.SOLC_VERSION
    assert tools["@foundry-rs/anvil"] == paths.ANVIL_VERSION
    assert packages["dependencies"]["@openzeppelin/contracts"] == library["version"]


def test_ape_sees_every_contract_beside_the_libraries_it_unpacks(project):
    ours = {path for path in (ROOT / "contracts").rglob("*.sol") if ".cache" not in path.parts}
    files = sum(path.is_file() for path in (ROOT / "contracts").rglob("*.*"))

    assert set(project.sources.paths) == ours
    assert files < 400, "ape looks at 500 files in contracts/, in no order"


def test_installed_tools_are_the_pinned_ones():
    assert paths.SOLC_VERSION in toolchain.solc_version()


@pytest.mark.anvil
def test_installed_anvil_is_the_pinned_one():
    assert paths.ANVIL_VERSION in toolchain.anvil_version()


def test_solc_is_told_missing(tools):
    with pytest.raises(toolchain.ToolchainError, match="not installed: run `make setup`"):
        toolchain.solc_version()


def test_anvil_is_told_missing_with_what_to_do(tools):
    with pytest.raises(toolchain.ToolchainError, match="Install Foundry"):
        toolchain.anvil_version()


def test_other_version_is_refused(tools):
    script(tools / "npm" / "solc", "Version: 0.8.1")

    with pytest.raises(
        toolchain.ToolchainError, match=r"Expected version .*, was Version: 0\.8\.1"
    ):
        toolchain.solc_version()


def test_tool_that_does_not_run_is_refused(tools):
    script(tools / "npm" / "solc", "never mind")
    (tools / "npm" / "solc").chmod(0o644)

    with pytest.raises(toolchain.ToolchainError, match="does not run on this machine"):
        toolchain.solc_version()


def test_npm_compiler_is_installed_where_the_native_one_cannot_be_had(tools, monkeypatch):
    monkeypatch.setattr(toolchain, "install_native_solc", refuse)
    said = []

    toolchain.install(said.append)

    assert (tools / "npm" / "solc").exists()
    assert said == ["No native solc (ConnectionError): taking the slower one from npm"]


def test_npm_compiler_is_not_needed_beside_the_native_one(tools):
    script(tools / "native" / "solc", "Version: of no interest here")

    toolchain.install(print)

    assert not (tools / "npm" / "solc").exists()


def test_missing_anvil_does_not_stop_the_installation(tools):
    script(tools / "native" / "solc", f"Version: {paths.SOLC_VERSION}")

    result = CliRunner().invoke(cli, ["install"])

    assert result.exit_code == 0
    assert "Warning: no anvil." in result.output


def test_missing_tool_fails_the_check(tools):
    result = CliRunner().invoke(cli, ["verify"])

    assert result.exit_code == 1
    assert "run `make setup`" in result.output


def test_failing_npm_ends_the_installation(tmp_path):
    with pytest.raises(npm.NpmError, match="npm ci failed"):
        npm.run("ci", folder=tmp_path)


def test_ape_has_the_command():
    answer = subprocess.run(
        [SOLC.with_name("ape"), "toolchain", "--help"], capture_output=True, text=True, check=True
    )

    assert "install" in answer.stdout
    assert "verify" in answer.stdout


def test_solc_launcher_compiles_standard_json_from_any_folder(tmp_path):
    (tmp_path / "library").mkdir()
    (tmp_path / "library" / "Base.sol").write_text("contract Base {}")
    source = 'import "Base.sol"; contract Made is Base { uint256 public answer = 42; }'
    request = {
        "language": "Solidity",
        "sources": {"Made.sol": {"content": source}},
        "settings": {"outputSelection": {"*": {"*": ["abi"]}}},
    }

    answer = subprocess.run(
        [SOLC, "--standard-json", "--base-path", "library"],
        input=json.dumps(request),
        capture_output=True,
        text=True,
        check=True,
        cwd=tmp_path,
    )

    (getter,) = json.loads(answer.stdout)["contracts"]["Made.sol"]["Made"]["abi"]
    assert getter["name"] == "answer"


def test_solc_launcher_refuses_what_the_npm_compiler_cannot():
    answer = subprocess.run(
        [SOLC, "--combined-json", "abi"], capture_output=True, text=True, check=False
    )

    assert answer.returncode == 1
    assert "expected --version or --standard-json" in answer.stderr
