"""Previews of tables and columns of pandas, Polars and PyArrow: schema, first rows, statistics.

Nothing is imported: whoever holds such a value has its library loaded.
"""

from __future__ import annotations

import sys
import time
import warnings
from typing import Any, Callable, Dict, List, Optional, Tuple

from falaj.store.preview_arrays import histogram
from falaj.store.sketch import (
    Sketcher,
    kind_of,
    module_of,
    name_of,
    number,
    plain_scalar,
    shortened,
)

ROWS = 10
COLUMNS = 50
NAMED_COLUMNS = 200
SAMPLE = 100_000
# Enough for the shape of a distribution.
SPREAD = 10_000
DISTINCT_UP_TO = 10_000
SECONDS = 0.4
_CELL = 60


class Table:
    """One library's way of asking; a table of one column for a series."""

    def __init__(self, table: Any) -> None:
        """Look at `table`."""
        self.table = table

    def shape(self) -> Tuple[int, int]:
        """Return how many rows and columns there are."""
        return tuple(self.table.shape)

    def size(self) -> int:
        """Return how many bytes the table takes in memory."""
        return int(self.table.nbytes)

    def schema(self, count: int) -> List[Tuple[Any, Any]]:
        """Return the first columns as name and dtype."""
        return list(zip(self.table.schema.names[:count], self.table.schema.types[:count]))

    def sample(self, rows: int) -> Any:
        """Return a table of about SAMPLE of the `rows` rows at most."""
        return self.table.slice(0, SAMPLE)

    def column(self, table: Any, position: int) -> Any:
        """Return a column of `table`, which is the table or a sample."""
        return table.column(position)

    def cells(self, position: int) -> List[Any]:
        """Return the first values of a column."""
        return list(self.column(self.table, position).slice(0, ROWS).to_pylist())

    def nulls(self, column: Any) -> int:
        """Return how many values are missing."""
        return int(column.null_count)

    def spread(self, column: Any, step: int) -> Any:
        """Return every `step`th value of a column that has no missing ones."""
        return column.drop_null().to_numpy(zero_copy_only=False)[::step]

    def measures(self, column: Any) -> Dict[str, Callable[[], Any]]:
        """Return functions for min, max, mean and distinct, as far as there are any."""
        compute: Any = sys.modules.get("pyarrow.compute")
        if compute is None:
            return {}
        return {
            "min": lambda: compute.min_max(column)["min"].as_py(),
            "max": lambda: compute.min_max(column)["max"].as_py(),
            "mean": lambda: compute.mean(column).as_py(),
            "distinct": lambda: compute.count_distinct(column).as_py(),
        }


class _PandasTable(Table):
    def __init__(self, table: Any) -> None:
        super().__init__(table.to_frame() if len(table.shape) == 1 else table)

    def size(self) -> int:
        return int(self.table.memory_usage(index=True).sum())

    def schema(self, count: int) -> List[Tuple[Any, Any]]:
        return list(zip(self.table.columns[:count], self.table.dtypes.iloc[:count]))

    def sample(self, rows: int) -> Any:
        step = max(1, -(-rows // SAMPLE))
        return self.table.iloc[::step] if step > 1 else self.table

    def column(self, table: Any, position: int) -> Any:
        return table.iloc[:, position]

    def cells(self, position: int) -> List[Any]:
        return list(self.column(self.table, position).iloc[:ROWS])

    def nulls(self, column: Any) -> int:
        return int(column.isna().sum())

    def spread(self, column: Any, step: int) -> Any:
        return column.iloc[::step].dropna().to_numpy(dtype="float64")

    def measures(self, column: Any) -> Dict[str, Callable[[], Any]]:
        kept = column.dropna()
        found: Dict[str, Callable[[], Any]] = {"min": kept.min, "max": kept.max}
        if getattr(column.dtype, "kind", "O") in "biuf":
            found["mean"] = kept.mean
        return dict(found, distinct=kept.nunique)


class _PolarsTable(Table):
    def __init__(self, table: Any) -> None:
        super().__init__(table.to_frame() if len(table.shape) == 1 else table)

    def size(self) -> int:
        return int(self.table.estimated_size())

    def schema(self, count: int) -> List[Tuple[Any, Any]]:
        return list(zip(self.table.columns[:count], self.table.dtypes[:count]))

    def sample(self, rows: int) -> Any:
        step = max(1, -(-rows // SAMPLE))
        return self.table.gather_every(step) if step > 1 else self.table

    def column(self, table: Any, position: int) -> Any:
        return table.to_series(position)

    def cells(self, position: int) -> List[Any]:
        return list(self.column(self.table, position).head(ROWS).to_list())

    def nulls(self, column: Any) -> int:
        return int(column.null_count())

    def spread(self, column: Any, step: int) -> Any:
        return column.gather_every(step).drop_nulls().to_numpy()

    def measures(self, column: Any) -> Dict[str, Callable[[], Any]]:
        found: Dict[str, Callable[[], Any]] = {"min": column.min, "max": column.max}
        if column.dtype.is_numeric():
            found["mean"] = column.mean
        return dict(found, distinct=column.drop_nulls().n_unique)


_KINDS: Dict[Tuple[str, str], Callable[[Any], Table]] = {
    ("pandas", "DataFrame"): _PandasTable,
    ("pandas", "Series"): _PandasTable,
    ("polars", "DataFrame"): _PolarsTable,
    ("polars", "Series"): _PolarsTable,
    ("pyarrow", "Table"): Table,
    ("pyarrow", "RecordBatch"): Table,
}
_LIBRARIES = tuple(sorted({library for library, _ in _KINDS}))


def table_kind(kind: type) -> Optional[Callable[[Any], Table]]:
    """Return how to look at values of a type, or None where it is no table."""
    if not any(library in sys.modules for library in _LIBRARIES):
        return None
    for base in type.mro(kind):
        found = _KINDS.get((module_of(base).partition(".")[0], name_of(base)))
        if found is not None:
            return found
    return None


def show_table(
    look: Callable[[Any], Table], value: Any, shown: Dict[str, Any], sketcher: Sketcher
) -> None:
    """Add shape, schema, first rows and statistics of a table, as far as time allows."""
    ends = time.perf_counter() + SECONDS
    with warnings.catch_warnings():
        # A library's advice on calls of ours would puzzle the user.
        warnings.simplefilter("ignore")
        table = look(value)
        rows, columns = (int(length) for length in table.shape())
        shown["shape"], shown["len"] = [rows, columns], rows
        shown["repr"] = "{}, {}".format(_count(rows, "row"), _count(columns, "column"))
        shown["size"] = table.size()
        names = [
            (_name(name, sketcher), shortened(str(dtype), 100))
            for name, dtype in table.schema(NAMED_COLUMNS)
        ]
        shown["schema"] = [{"name": name, "dtype": dtype} for name, dtype in names]
        cells = [
            [_cell(cell, sketcher) for cell in table.cells(position)]
            for position in range(min(columns, COLUMNS))
        ]
        shown["rows"] = [list(row) for row in zip(*cells)]
        if columns > COLUMNS:
            shown["columns_left_out"] = columns - COLUMNS
        sample = table.sample(rows)
        sampled = len(sample)
        if sampled < rows:
            shown["sampled"] = sampled
        statistics: List[Dict[str, Any]] = []
        shown["statistics"] = statistics
        for position in range(min(columns, COLUMNS)):
            if time.perf_counter() > ends:
                shown["out_of_time"] = True
                break
            column = table.column(sample, position)
            statistics.append(_statistics(table, column, names[position][0], sampled, sketcher))


def _statistics(
    table: Table, column: Any, name: str, rows: int, sketcher: Sketcher
) -> Dict[str, Any]:
    nulls = table.nulls(column)
    found: Dict[str, Any] = {"name": name, "count": rows - nulls, "nulls": nulls}
    if nulls == rows:
        return found
    for measure, compute in table.measures(column).items():
        if measure == "distinct" and rows > DISTINCT_UP_TO:
            continue
        try:
            # Values of a user's own class are compared and hashed by their own code.
            foreign = str(getattr(column, "dtype", "")) in ("object", "Object")
            result = sketcher.allowance.call(compute) if foreign else compute()
        except Exception:
            # Not every measure makes sense of every type.
            continue
        if result is not None:
            found[measure] = _cell(result, sketcher)
    if type(found.get("mean")) is float:
        _add_histogram(table, column, rows, found)
    return found


def _add_histogram(table: Table, column: Any, rows: int, found: Dict[str, Any]) -> None:
    numpy: Any = sys.modules.get("numpy")
    if numpy is None:
        return
    try:
        values = table.spread(column, max(1, -(-rows // SPREAD)))
        bins = histogram(numpy, values.astype(numpy.float64))
    except Exception:
        # Numbers that NumPy knows no type for, such as decimals.
        return
    if bins is not None:
        found["histogram"] = bins


def _count(count: int, noun: str) -> str:
    return "{:,} {}{}".format(count, noun, "" if count == 1 else "s")


def _name(name: Any, sketcher: Sketcher) -> str:
    return shortened(name, 100) if type(name) is str else shortened(sketcher.key(name), 100)


def _cell(value: Any, sketcher: Sketcher) -> Any:
    plain = plain_scalar(value)
    kind = kind_of(plain)
    if plain is None or kind is bool:
        return plain
    if kind is int or kind is float:
        return number(plain)
    if kind is str:
        return shortened(plain, _CELL)
    if module_of(kind).partition(".")[0] in ("datetime", "decimal", "uuid", "pandas"):
        return shortened(str(plain), _CELL)
    shown = sketcher.value(plain, 1)
    return shown if type(shown) in (int, float) else shortened(str(shown), _CELL)
