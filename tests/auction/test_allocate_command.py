"""`gavelbook allocate`: what a person and a program see.

gavelbook allocate
├── writes the allocation, prints a summary and the digest of the file
├── prints the same as JSON
└── on bad input exits with 2 and one line, and writes nothing
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner, Result

from gavelbook import samples
from gavelbook.cli import COMMANDS, main

if TYPE_CHECKING:
    from pathlib import Path

# keccak256 of the allocation of the sample as docs/formats.md works it out.
SAMPLE_DIGEST = "0x0459f2763a03384039b29d2294cf5fd1537fe39c76156509ac0482469758258d"
SUMMARY = f"""\
Rule          GROUP_ROUND_ROBIN, PAY_AS_BID
Supply        20 lots
Demand        40 lots in 12 bids
Sold          20 lots
Raised        23,750,000 base units
Lowest price  1,150,000 base units a lot (tick 3), of a winning bid
Margin        tick 3 by rounds: level 2, cut at bid 6
Bids          6 in full, 3 in part, 3 nothing
Written       {{output}}
Digest        {SAMPLE_DIGEST}
"""


def run(*arguments: object) -> Result:
    return CliRunner(mix_stderr=False).invoke(main, [str(argument) for argument in arguments])


def changed_terms(directory: Path, **changes: str) -> Path:
    lines = samples.TERMS.read_text().splitlines()
    for key, value in changes.items():
        lines = [f"{key}: {value}" if line.startswith(f"{key}:") else line for line in lines]
    path = directory / "terms.yaml"
    path.write_text("\n".join(lines))
    return path


def test_summary_and_digest(tmp_path: Path) -> None:
    output = tmp_path / "out.csv"

    result = run("allocate", samples.BIDS, "--terms", samples.TERMS, "--output", output)

    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout == SUMMARY.format(output=output)
    assert output.read_text().splitlines()[1] == (
        "0xb1dde20000000000000000000000000000000001,3,4,3,3450000"
    )


def test_output_is_beside_the_bids_by_default(tmp_path: Path) -> None:
    bids = tmp_path / "week.1.csv"
    shutil.copy(samples.BIDS, bids)

    result = run("allocate", bids, "--terms", samples.TERMS)

    assert f"Written       {tmp_path / 'week.1.allocation.csv'}" in result.stdout
    assert (tmp_path / "week.1.allocation.csv").exists()


def test_json_holds_amounts_as_decimal_strings(tmp_path: Path) -> None:
    output = tmp_path / "out.csv"

    result = run("allocate", samples.BIDS, "--terms", samples.TERMS, "--output", output, "--json")

    assert json.loads(result.stdout) == {
        "rule": "GROUP_ROUND_ROBIN",
        "pricing": "PAY_AS_BID",
        "failed": False,
        "supply_lots": "20",
        "demand_lots": "40",
        "sold_lots": "20",
        "raised": "23750000",
        "minimum_raise": "10000000",
        "lowest_price_tick": 3,
        "lowest_price": "1150000",
        "bids": {"total": 12, "full": 6, "partial": 3, "nothing": 3},
        "clearing": {
            "marginal_tick": 3,
            "level": "2",
            "cut": 5,
            "full_from_tick": 4,
            "margin_from_tick": 3,
            "by_rounds": True,
            "sold_lots": "20",
            "raised": "23750000",
            "price_tick": None,
            "failed": False,
        },
        "output": str(output),
        "digest": SAMPLE_DIGEST,
    }


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        (
            {"rule": "PRICE_TIME", "pricing": "UNIFORM"},
            "Lowest price  1,150,000 base units a lot (tick 3), paid by all",
        ),
        (
            {"rule": "TOP_THEN_ROUND_ROBIN"},
            "Margin        ticks 0 to 4 by rounds: level 1, cut at bid 9",
        ),
        ({"rule": "PRICE_TIME"}, "Margin        tick 3 by arrival: level 4, cut at bid 6"),
        ({"supply_lots": "100"}, "Margin        none: ticks from 0 are filled in full"),
        (
            {"minimum_raise": "23_750_001"},
            "FAILED        bids come to 23,750,000, under the minimum of 23,750,001",
        ),
        ({"minimum_raise": "23_750_001"}, "Lowest price  none: nothing is sold"),
        ({"minimum_raise": "23_750_001"}, "Bids          0 in full, 0 in part, 12 nothing"),
    ],
)
def test_summary_says_what_happened(tmp_path: Path, changes: dict[str, str], line: str) -> None:
    terms = changed_terms(tmp_path, **changes)

    result = run("allocate", samples.BIDS, "--terms", terms, "--output", tmp_path / "out.csv")

    assert line in result.stdout.splitlines()


def test_bad_bids_end_with_code_line_and_no_file(tmp_path: Path) -> None:
    bids = tmp_path / "bids.csv"
    bids.write_text(samples.BIDS.read_text() + "late,8,1\n")

    result = run("allocate", bids, "--terms", samples.TERMS)

    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr == (
        f"error: tick_out_of_range: {bids} line 14: Expected a tick from 0 to 7, was 8\n"
    )
    assert [path.name for path in tmp_path.iterdir()] == ["bids.csv"]


def test_bad_terms_end_with_code_and_line(tmp_path: Path) -> None:
    terms = changed_terms(tmp_path, supply_lots="1e3")

    result = run("allocate", samples.BIDS, "--terms", terms, "--output", tmp_path / "out.csv")

    assert result.exit_code == 2
    assert result.stderr.startswith(f"error: not_an_integer: {terms} line 7: Expected supply_lots")
    assert not (tmp_path / "out.csv").exists()


@pytest.mark.parametrize("output", ["bids.csv", "sub/../bids.csv", "sub/link.csv"])
def test_inputs_are_never_written_over(tmp_path: Path, output: str) -> None:
    bids = tmp_path / "bids.csv"
    shutil.copy(samples.BIDS, bids)
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "link.csv").symlink_to(bids)

    result = run("allocate", bids, "--terms", samples.TERMS, "--output", tmp_path / output)

    assert result.exit_code == 2
    assert result.stderr.startswith("error: output_is_input: ")
    assert bids.read_bytes() == samples.BIDS.read_bytes()


def test_missing_file(tmp_path: Path) -> None:
    result = run("allocate", tmp_path / "absent.csv", "--terms", samples.TERMS)

    assert result.exit_code == 2
    assert result.stderr.startswith("error: file_unreadable: ")


def test_overview_lists_every_command() -> None:
    result = run("--help")

    assert result.exit_code == 0
    for name, entry in COMMANDS.items():
        assert f"{name}" in result.stdout
        assert entry.help in result.stdout


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_command_loads(name: str) -> None:
    assert run(name, "--help").exit_code == 0


def test_unknown_command() -> None:
    result = run("alocate")

    assert result.exit_code == 2
    assert "No such command 'alocate'" in result.stderr


def test_overview_imports_no_command() -> None:
    code = "import sys, gavelbook.cli as c; c.main(['--help'], standalone_mode=False);"
    code += "sys.exit('numpy' in sys.modules or 'web3' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
