"""Previews of arrays: NumPy's with statistics of a bounded sample, others by shape and dtype.

Nothing is imported: whoever holds such a value has its library loaded.
"""

from __future__ import annotations

import sys
from typing import Any, Dict, List, Optional

from falaj.store.sketch import BREADTH, Sketcher, number

SAMPLE = 100_000
BINS = 20


def show_array(array: Any, shown: Dict[str, Any], sketcher: Sketcher) -> None:
    """Add shape, dtype, first elements, statistics and a histogram of a NumPy array."""
    numpy: Any = sys.modules["numpy"]
    # The plain view has no methods of a subclass; a mask is lost with it.
    plain = array.view(numpy.ndarray)
    shape = [int(length) for length in plain.shape]
    shown["shape"], shown["dtype"] = shape, str(plain.dtype)[:200]
    shown["len"] = shape[0] if shape else 1
    shown["size"] = int(plain.nbytes)
    shown["repr"] = "array of shape {}, {}".format(tuple(shape), shown["dtype"])
    first = plain.flat[:BREADTH].tolist()
    shown["elements"] = sketcher.elements(first, int(plain.size), 1)
    if plain.dtype.kind in "biuf" and plain.size:
        with numpy.errstate(all="ignore"):
            _add_statistics(numpy, _sample(plain), shown, int(plain.size))


def show_tensor(tensor: Any, shown: Dict[str, Any]) -> None:
    """Add shape and dtype of another library's array, where it has them."""
    shape = getattr(tensor, "shape", None)
    dtype = getattr(tensor, "dtype", None)
    if shape is not None and dtype is not None:
        shown["shape"] = [int(length) for length in shape]
        shown["dtype"] = str(dtype)[:200]


def _sample(array: Any) -> Any:
    """Return at most about SAMPLE elements, evenly spread, without copying the array."""
    step = max(1, -(-array.size // SAMPLE))
    if array.flags.c_contiguous:
        return array.reshape(-1)[::step]
    if array.flags.f_contiguous:
        return array.T.reshape(-1)[::step]
    return array.flat[::step]


def _add_statistics(numpy: Any, sample: Any, shown: Dict[str, Any], size: int) -> None:
    statistics: Dict[str, Any] = {}
    shown["statistics"] = statistics
    if int(sample.size) < size:
        shown["sampled"] = int(sample.size)
    if sample.dtype.kind == "f":
        sample = sample.astype(numpy.float64)
        missing = numpy.isnan(sample)
        statistics["nan"] = int(missing.sum())
        sample = sample[~missing]
    if not sample.size:
        return
    statistics["min"] = number(sample.min().item())
    statistics["max"] = number(sample.max().item())
    statistics["mean"] = number(float(sample.mean(dtype=numpy.float64)))
    bins = histogram(numpy, sample.astype(numpy.float64))
    if bins is not None:
        shown["histogram"] = bins


def histogram(numpy: Any, values: Any) -> Optional[Dict[str, Any]]:
    """Return the ends and counts of bins for an array of floats; None where there can be none."""
    finite = values[numpy.isfinite(values)]
    if not finite.size:
        return None
    low, high = float(finite.min()), float(finite.max())
    # Equal ends, or ends further apart than a float can tell, make no bins.
    if not (low < high and high - low < sys.float_info.max):
        return None
    counts: List[int] = numpy.histogram(finite, bins=BINS, range=(low, high))[0].tolist()
    return {"low": low, "high": high, "counts": counts}
