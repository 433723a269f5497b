"""The table of a flow's runs: columns, clashes, order, choice, damage."""

import json
import math
import os
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace

import pandas
import pytest

from falaj import DataArtifact, Flow, namespace
from falaj.client.profiles import Profile, shown_bytes
from falaj.errors import FalajException, FalajNotFound


def metric(records, run, name, last, task=1, attempt=0, **more):
    row = {"points": 2, "last_at": 5.0, "least": 0.0, "most": 9.0, **more}
    records.insert(
        "metric_summaries", run=run, task=task, attempt=attempt, name=name, last=last, **row
    )


def param(records, run, name, value, task=1, at=1.0):
    text = json.dumps(value)
    records.insert("logged_params", run=run, task=task, attempt=0, name=name, value=text, at=at)


def new_run(records, parameters=None, artifacts=None, **values):
    given = parameters or {}
    manifest = records.manifest(**given) if given else None
    run = records.run(parameters=tuple(given), **values)
    records.connection.execute("UPDATE runs SET parameters = ? WHERE id = ?", [manifest, run])
    records.task(run, 1, "start")
    records.task(run, 2, "end", artifacts=artifacts or {})
    return run


def test_a_row_has_all_that_is_known_of_a_run(records):
    run = new_run(records, {"alpha": 0.5}, {"score": 3}, tags=("b", "a"))
    metric(records, run, "auc", 0.75)
    param(records, run, "kind", [1])
    table = Flow("Stats").table(artifacts=["score", "none"])
    assert list(table) == [
        {
            "id": 1,
            "state": "succeeded",
            "created_at": datetime.fromtimestamp(1_700_000_000),
            "duration": 60.0,
            "user": "ada",
            "tags": ["a", "b"],
            "alpha": 0.5,
            "kind": [1],
            "auc": 0.75,
            "score": 3,
            "none": None,
        }
    ]
    assert repr(table) == "<RunTable of Stats: 1 run, 11 columns>"
    assert [run.id for run in table.runs] == ["1"]
    assert Flow("Stats").table(metrics="min")[0]["auc"] == 0.0
    assert Flow("Stats").table(metrics="max")[0]["auc"] == 9.0
    with pytest.raises(FalajException, match="'last', 'min' or 'max'"):
        Flow("Stats").table(metrics="mean")


def test_names_that_clash_get_their_kind_before_them(records):
    run = new_run(records, {"id": 5, "depth": 1}, {"depth": 4, "auc": 9})
    param(records, run, "depth", 2)
    for name, value in (("depth", 3.0), ("auc", 0.5), ("metric.depth", 7.0), ("user", 1.0)):
        metric(records, run, name, value)
    table = Flow("Stats").table(artifacts=["depth", "auc"])
    row = table[0]
    shown = {name: row[name] for name in table.columns[6:]}
    assert shown == {
        "parameter.id": 5,
        "depth": 1,
        "logged.depth": 2,
        "auc": 0.5,
        "metric.depth": 3.0,
        "metric.metric.depth": 7.0,
        "metric.user": 1.0,
        "artifact.depth": 4,
        "artifact.auc": 9,
    }
    assert table.best("metric.auc").id == table.best("parameter.depth").id == "1"


def test_order_and_choice_leave_out_what_has_no_value(records):
    for value in (2.0, None, 5.0, math.nan, -1.0, math.inf):
        run = new_run(records)
        if value is not None:
            metric(records, run, "auc", None if math.isnan(value) else value)
    table = Flow("Stats").table()
    assert [row["id"] for row in table.sort("auc")] == [5, 1, 3, 6, 4, 2]
    assert [row["id"] for row in table.sort("auc", descending=True)] == [6, 3, 1, 5, 4, 2]
    assert table.best("auc").id == "6"
    assert table.best("auc", lowest=True).id == "5"
    with pytest.raises(FalajNotFound, match="Did you mean 'auc'"):
        table.best("acu")
    with pytest.raises(FalajNotFound, match="No run of this table"):
        Flow("Stats").table(limit=0).best("id")


def test_values_of_several_types_have_an_order(records):
    for value in ("b", 2, None, "a", 1.5, [3], True):
        new_run(records, {"alpha": value})
    values = [row["alpha"] for row in Flow("Stats").table().sort("alpha")]
    assert values == [True, 1.5, 2, "a", "b", [3], None]


def test_a_table_is_a_frame(records):
    for number in range(3):
        metric(records, new_run(records, {"alpha": number}), "auc", number / 2)
    table = Flow("Stats").table()
    frame = pandas.DataFrame(table)
    assert list(frame.columns) == table.columns == list(table.to_pandas().columns)
    assert list(frame["auc"]) == list(table.to_pandas()["auc"]) == [1.0, 0.5, 0.0]
    assert list(Flow("Stats").table(limit=0).to_pandas().columns) == table.columns[:6]


def test_a_notebook_shows_no_tag_of_html_that_a_value_holds(records):
    new_run(records, {"alpha": "<script>"}, tags=("<b>",))
    shown = Flow("Stats").table()._repr_html_()
    assert "&lt;script&gt;" in shown
    assert "<script" not in shown
    assert "<b>" not in shown


def test_the_namespace_tags_states_and_limits_choose_the_runs(records):
    new_run(records, tags=("x",))
    new_run(records, user="eve", tags=("x",))
    new_run(records, state="failed")
    gone = json.dumps({"host": "h", "boot": "b", "pid": 1, "start": 1})
    new_run(records, state="running", lease=gone)

    def ids(*tags, **options):
        return [row["id"] for row in Flow("Stats").table(*tags, **options)]

    assert ids() == [4, 3, 1]
    assert ids("x") == [1]
    assert ids(state="failed") == [3]
    assert ids(state="lost") == [4]
    assert ids(state="running") == []
    assert ids(limit=1) == [4]
    assert ids(limit=1, state="succeeded") == [1]
    namespace(None)
    assert ids("x") == [2, 1]
    with pytest.raises(FalajException, match="no state 'done'"):
        ids(state="done")


def test_one_damaged_run_hides_no_other_and_large_values_are_not_loaded(records):
    large = "x" * 100_000
    new_run(records, {"alpha": 1, "big": large}, {"score": 1, "big": large})
    damaged = new_run(records, {"alpha": 2, "big": 2}, {"score": 2, "big": 2})
    digest = records.connection.execute(
        "SELECT parameters FROM runs WHERE id = ?", [damaged]
    ).fetchone()[0]
    Path(records.store.path(digest)).unlink()
    (task,) = records.connection.execute(
        "SELECT manifest FROM tasks WHERE run = ? AND step = 'end'", [damaged]
    ).fetchone()
    os.chmod(records.store.path(task), 0o600)
    Path(records.store.path(task)).write_bytes(b"torn")
    rows = list(Flow("Stats").table(artifacts=["score", "big"]))
    assert [row["alpha"] for row in rows] == ["<unreadable>", 1]
    assert rows[1]["big"] == "<str>"
    assert [row["score"] for row in rows] == ["<unreadable>", 1]
    kept = rows[1]["artifact.big"]
    assert isinstance(kept, DataArtifact)
    assert kept.data == large


def test_only_the_last_attempt_of_a_task_counts_and_the_latest_task(records):
    run = new_run(records)
    records.connection.execute("UPDATE tasks SET attempt = 1 WHERE run = ? AND id = 1", [run])
    metric(records, run, "auc", 1.0, attempt=0, last_at=99.0)
    metric(records, run, "auc", 2.0, attempt=1, last_at=7.0, least=-3.0, most=4.0)
    metric(records, run, "auc", 3.0, task=2, last_at=6.0, least=-1.0, most=8.0)
    assert Flow("Stats").table()[0]["auc"] == 2.0
    assert Flow("Stats").table(metrics="min")[0]["auc"] == -3.0
    assert Flow("Stats").table(metrics="max")[0]["auc"] == 8.0


def test_records_of_an_older_release_have_no_metrics(records):
    run = new_run(records, {"alpha": 1})
    records.step(run, "start")
    records.attempt(run, 1, usage='{"wall": 2.0}')
    for table in ("metrics", "metric_summaries", "logged_params"):
        records.connection.execute(f"DROP TABLE {table}")
    records.connection.execute("ALTER TABLE attempts DROP COLUMN profile")
    records.connection.execute("PRAGMA user_version = 2")
    found = Flow("Stats")[run]
    assert dict(found.metrics) == found.logged_params == {}
    assert Flow("Stats").table()[0]["alpha"] == 1
    assert found["start"].task.profile.wall == 2.0


def test_a_profile_takes_the_most_of_what_was_told_and_seen():
    sampled = {"cpu": 3.0, "memory": 5000, "read": 0, "written": 7, "series": [[0.1, 1, 2, None]]}
    used = SimpleNamespace(
        seconds=9.0, usage={"wall": 2.0, "cpu": 1.0, "memory": 100.0, "read": 3.0}, sampled=sampled
    )
    profile = Profile(used)
    told = (profile.wall, profile.cpu, profile.peak_memory, profile.read_bytes)
    assert told == (2.0, 3.0, 5000, 3)
    assert profile.written_bytes == 7
    assert profile.peak_gpu_memory is None
    assert list(profile.to_pandas()["memory"]) == [2]
    assert repr(profile) == (
        "<Profile: 2.00 s, 3.00 s of CPU, 5.0 kB at most, read 3 B, wrote 7 B>"
    )
    assert "5.0 kB" in profile._repr_html_()
    empty = Profile(SimpleNamespace(seconds=9.0, usage={}, sampled={}))
    assert (empty.wall, empty.cpu, empty.peak_memory, empty.series) == (9.0, 0.0, 0, [])
    assert shown_bytes(5e15) == "5000.0 TB"
