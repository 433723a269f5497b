"""Tags of a run, and what they may be."""

import threading

import pytest

from falaj.client import Flow, Run
from falaj.client.tagging import TaggingError
from falaj.errors import FalajNotFound


@pytest.fixture
def run(records) -> Run:
    return Run(f"Stats/{records.run(tags=('a', 'b'))}")


def test_tags_are_added_removed_and_replaced(run):
    run.add_tag("c")
    run.add_tags(["d", b"e", "d"])
    assert run.user_tags == {"a", "b", "c", "d", "e"}
    run.remove_tag("a")
    run.remove_tags(["b", "never there"])
    assert run.user_tags == {"c", "d", "e"}
    run.replace_tag("c", "f")
    run.replace_tags(["d", "e"], ["g", "d"])
    assert run.user_tags == {"f", "g", "d"}
    assert Flow("Stats").latest_run.user_tags == run.user_tags


def test_a_system_tag_is_neither_added_nor_removed(run):
    run.add_tag("user:ada")
    assert run.user_tags == {"a", "b"}
    with pytest.raises(TaggingError, match="System tags can't be removed: user:ada"):
        run.remove_tags(["a", "user:ada"])
    assert run.user_tags == {"a", "b"}


def test_nothing_to_change_is_an_error(run):
    with pytest.raises(TaggingError, match="at least one"):
        run.add_tags([])


@pytest.mark.parametrize("tag", ["", "x" * 501, b"\xff", "\ud800", 7, None])
def test_a_bad_tag_is_refused(run, tag):
    with pytest.raises(TaggingError):
        run.add_tags([tag])
    assert run.user_tags == {"a", "b"}


def test_the_longest_tag_is_taken(run):
    run.add_tag("é" * 500)
    assert "é" * 500 in run.user_tags


def test_a_run_has_fifty_tags_at_most(run):
    run.add_tags([f"t{index}" for index in range(48)])
    with pytest.raises(TaggingError, match="at most 50"):
        run.add_tag("one more")
    run.replace_tag("a", "one more")
    assert len(run.user_tags) == 50


def test_many_hands_lose_no_tag(run):
    threads = [threading.Thread(target=run.add_tag, args=(f"by {index}",)) for index in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(run.user_tags) == 10


def test_a_run_that_is_gone(run, records):
    records.connection.execute("DELETE FROM run_tags")
    records.connection.execute("DELETE FROM runs")
    with pytest.raises(FalajNotFound):
        run.add_tag("x")
