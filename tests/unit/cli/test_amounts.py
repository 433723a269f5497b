"""Amounts on the command line: what Python calls a number need not be one."""

import pytest

from falaj_control.cli.main import run_tool


@pytest.mark.parametrize("value", ["nan", "inf", "-inf", "1e999", "-1", "x"])
def test_what_can_not_be_counted_to_is_no_amount(
    home: object, capsys: pytest.CaptureFixture[str], value: str
) -> None:
    assert run_tool(["env", "gc", "--dry-run", "--days", value]) == 2
    assert "Invalid value for '--days'" in capsys.readouterr().err
