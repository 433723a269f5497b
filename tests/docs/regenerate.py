"""Writes docs/reference/commands.md anew from the commands themselves."""

from pathlib import Path

from falaj_control.cli.reference import command_reference

FILE = Path(__file__).resolve().parents[2] / "docs" / "reference" / "commands.md"

if __name__ == "__main__":
    FILE.write_text(command_reference(), encoding="utf-8")
