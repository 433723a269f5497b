import json
import os

import pytest

from falaj.runtime import notes


@pytest.fixture
def pipe():
    read, write = os.pipe()
    notes.open_notes(write)
    yield read
    notes.open_notes(-1)
    for file in (read, write):
        os.close(file)


def test_a_note_is_one_line_of_json_that_is_there_at_once(pipe):
    assert notes.tell("metric", {"name": "loss\n", "value": 0.5})
    assert notes.tell("card", None)
    lines = os.read(pipe, 10_000).split(b"\n")
    assert [json.loads(line) for line in lines[:2]] == [
        ["metric", {"name": "loss\n", "value": 0.5}],
        ["card", None],
    ]
    assert lines[2:] == [b""]


def test_outside_of_a_task_nobody_hears_notes():
    assert notes.tell("metric", 1) is False


def test_a_note_that_could_be_torn_is_refused(pipe):
    with pytest.raises(ValueError, match="longer than 4096"):
        notes.tell("card", "x" * notes.LONGEST)


def test_a_pipe_that_the_step_closed_does_not_fail_it():
    read, write = os.pipe()
    notes.open_notes(write)
    os.close(read)
    os.close(write)
    assert notes.tell("metric", 1) is False
    notes.open_notes(-1)
