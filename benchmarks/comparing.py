"""What runs log, and how long it takes to compare a thousand of them."""

from __future__ import annotations

import json

from measuring import ControlWatch, Failed, asked, interleave, spread, timed
from places import Side, Sides
from table import Row, seconds

from falaj.home import Home
from falaj.liveness import process_lease
from falaj.store.artifacts import save
from falaj.store.blobs import BlobStore
from falaj.store.manifests import save_manifest
from falaj_control.records.database import open_records

RUNS = 1000
METRICS = 10
TABLE_SECONDS = 1.0
POINTS = 100_000
POINTS_A_SECOND = 20_000


def table(sides: Sides, quick: bool) -> list[Row]:
    """Compare a thousand runs that differ in parameters, metrics and an artifact."""
    falaj = sides.falaj
    variables = falaj.variables("table")
    _thousand_runs(Home(variables["FALAJ_HOME"]))

    def read() -> float:
        told = asked([falaj.python, str(falaj.flows / "read_table.py")], variables)
        if (told["rows"], told["best"]) != (RUNS, str(RUNS)):
            raise Failed(f"the table is not that of {RUNS} runs: {told}")
        return float(told["seconds"])

    (took,) = interleave(3 if quick else 9, read)
    falaj.clear("table")
    mine = spread(took)
    return [
        Row(
            "Flow.table() of 1,000 runs, an artifact of each included",
            seconds(mine.median),
            "",
            f"({seconds(mine.least)} to {seconds(mine.most)})",
            f"{TABLE_SECONDS:.0f} s",
            mine.median <= TABLE_SECONDS,
        )
    ]


def metrics(sides: Sides, quick: bool) -> list[Row]:
    """Log many points one by one."""
    falaj = sides.falaj
    watch = ControlWatch()
    took = _log(falaj, POINTS, watch)
    rate = POINTS / took
    return [
        Row(
            "100,000 points of a metric, logged one by one, whole process",
            f"{rate:,.0f} points/s",
            "",
            f"control {watch.peak_bytes / 1e6:.0f} MB",
            f"{POINTS_A_SECOND:,} points/s",
            rate >= POINTS_A_SECOND,
        )
    ]


def _log(falaj: Side, points: int, watch: ControlWatch) -> float:
    variables = falaj.variables("metrics", BENCH_POINTS=str(points))
    command = [falaj.python, str(falaj.flows / "log_points.py"), "run", "--quiet"]
    took = timed(command, variables, meanwhile=watch)
    falaj.clear("metrics")
    return took


def _thousand_runs(home: Home) -> None:
    """Write the records of runs as a sweep leaves them; running them would take minutes."""
    connection = open_records(home)
    store = BlobStore(home.store)
    graph = {
        "start": "start",
        "end": "end",
        "steps": [{"name": "start", "targets": ["end"]}, {"name": "end", "targets": []}],
        "parameters": [{"attribute": name} for name in ("rate", "depth", "name")],
    }
    connection.execute("BEGIN")
    for run in range(1, RUNS + 1):
        given = _manifest(store, {"rate": run / RUNS, "depth": run % 7, "name": f"run {run}"})
        left = _manifest(store, {"score": run})
        connection.execute(
            "INSERT INTO runs (id, flow, state, user, script, created_at, finished_at, parameters, "
            "graph, options, lease, heard_at) "
            "VALUES (?, 'SweepFlow', 'succeeded', 'bench', '', ?, ?, ?, ?, '{}', ?, ?)",
            (run, run, run + 60, given, json.dumps(graph), json.dumps(process_lease()), run),
        )
        for task, step in ((1, "start"), (2, "end")):
            connection.execute(
                "INSERT INTO tasks (run, id, step, indices, state, reason, parents, manifest, "
                "created_at, finished_at) VALUES (?, ?, ?, '[]', 'succeeded', '', '', ?, ?, ?)",
                (run, task, step, left, run, run + 30),
            )
        connection.executemany(
            "INSERT INTO metric_summaries VALUES (?, 1, 0, ?, 100, ?, ?, 0, ?)",
            [(run, name, run, run, run) for name in ("auc", *map(str, range(1, METRICS)))],
        )
    connection.execute("COMMIT")
    connection.close()


def _manifest(store: BlobStore, values: dict[str, object]) -> str:
    def refuse(name: str, value: object, error: Exception) -> Exception:
        return error

    return save_manifest(store, None, {}, save(store, values, lambda *_: None, refuse), ())
