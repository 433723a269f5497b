"""The tutorial works as written: its files, its commands, its sessions and what they show."""

import re

FOR_PEOPLE = ("text", "mermaid")


def test_the_tutorial_works_as_written(follow, docs):
    follow(docs / "tutorial.md")


def test_the_tutorial_leaves_nothing_untested(blocks, docs):
    untested = [one.line for one in blocks(docs / "tutorial.md") if one.language in FOR_PEOPLE]
    assert not untested


def test_every_command_of_the_tutorial_stands_in_a_block_that_is_run(docs):
    text = re.sub(r"^```.*?^```", "", (docs / "tutorial.md").read_text(), flags=re.M | re.S)
    assert not re.findall(r"^\s*\$ .*", text, flags=re.M)
