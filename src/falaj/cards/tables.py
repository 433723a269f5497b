"""The component for tables, whose cells may hold other components."""

from __future__ import annotations

from itertools import islice
from typing import Any, Dict, List, Optional, Sequence, Tuple

from falaj.cards.component import MetaflowCardComponent, describe
from falaj.cards.plain import scalar, text_of

MOST_ROWS = 1_000
MOST_COLUMNS = 200
_FIRST_ROWS = 10
_CELL = 2_000


class Table(MetaflowCardComponent):
    """Rows of text, numbers and components; the first 1,000 rows and 200 columns are shown."""

    type = "table"

    def __init__(
        self,
        data: Optional[Sequence[Sequence[Any]]] = None,
        headers: Optional[Sequence[Any]] = None,
        disable_updates: bool = False,
    ) -> None:
        """Show `data`, a list of rows, below `headers`.

        `disable_updates` is there for Metaflow's sake: a table is never updated as a whole, the
        components in it are.
        """
        # An array or a frame answers no truth question.
        self._data: Sequence[Any] = [] if data is None else data
        self._headers: Sequence[Any] = [] if headers is None else headers
        self._rows: Optional[int] = None
        self.REALTIME_UPDATABLE = not disable_updates

    @classmethod
    def from_dataframe(cls, dataframe: Any = None, truncate: bool = True) -> Table:
        """Return the table of a frame of pandas, Polars or PyArrow; `truncate` shows 10 rows."""
        found = _frame(dataframe, _FIRST_ROWS if truncate else MOST_ROWS)
        if found is None:
            words = "A table can't be made of {}".format(type(dataframe).__name__)
            return cls(headers=[words], disable_updates=True)
        headers, rows, count = found
        made = cls(rows, headers, disable_updates=True)
        made._rows = count
        return made

    def render(self) -> Dict[str, Any]:
        """Return the component as JSON values."""
        rows = [_as_row(row) for row in islice(self._data, MOST_ROWS)]
        count = self._rows if self._rows is not None else _length(self._data, len(rows))
        widest = max([len(self._headers), *(_length(row, 0) for row in rows)])
        return self._described(
            columns=[text_of(header) for header in islice(self._headers, MOST_COLUMNS)],
            data=[[_cell(cell) for cell in islice(row, MOST_COLUMNS)] for row in rows],
            rows=count if count > len(rows) else None,
            left_out=widest - MOST_COLUMNS if widest > MOST_COLUMNS else None,
        )


def _length(value: Any, otherwise: int) -> int:
    try:
        return len(value)
    except TypeError:
        return otherwise


def _as_row(row: Any) -> Any:
    is_one = isinstance(row, (str, MetaflowCardComponent)) or not hasattr(row, "__iter__")
    return [row] if is_one else row


def _cell(cell: Any) -> Any:
    if isinstance(cell, MetaflowCardComponent):
        return describe(cell)
    shown = scalar(cell)
    if isinstance(shown, str) and len(shown) > _CELL:
        return shown[:_CELL] + "…"
    return shown


def _frame(frame: Any, most: int) -> Optional[Tuple[List[Any], List[Any], int]]:
    """Return headers, rows and the number of all rows; None for what is no frame."""
    library = type(frame).__module__.partition(".")[0]
    if hasattr(frame, "to_frame") and library in ("pandas", "polars"):
        frame = frame.to_frame() if len(frame.shape) == 1 else frame
    if library == "pandas" and hasattr(frame, "itertuples"):
        first = frame.head(most)
        names = [text_of(name) if name is not None else "" for name in first.index.names]
        rows = [
            [*(row[0] if len(names) > 1 else row[:1]), *row[1:]]
            for row in first.itertuples(index=True, name=None)
        ]
        return [*names, *frame.columns], rows, len(frame)
    if library == "polars" and hasattr(frame, "rows"):
        return list(frame.columns), list(frame.head(most).rows()), int(frame.height)
    if library == "pyarrow" and hasattr(frame, "to_pydict"):
        columns: Dict[str, List[Any]] = frame.slice(0, most).to_pydict()
        return list(columns), list(zip(*columns.values())), int(frame.num_rows)
    return None
