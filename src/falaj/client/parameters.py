"""The parameters of a run, which are there even where no step finished."""

from __future__ import annotations

from typing import Any, Dict, Iterator, List

from falaj.client.access import RunFacts
from falaj.client.lookup import ArtifactAttributeMissing, absent


class RunParameters:
    """A run's parameters as attributes; `dict(run.parameters)` gives names and values."""

    def __init__(self, run: RunFacts) -> None:
        """Give the parameters of `run`."""
        self.__run = run
        declared = run.record.graph.get("parameters", ())
        self.__names: List[str] = [parameter["attribute"] for parameter in declared]

    def __getstate__(self) -> RunFacts:
        return self.__run

    def __setstate__(self, state: RunFacts) -> None:
        self.__init__(state)

    def keys(self) -> List[str]:
        """Return the names of the attributes that hold parameters."""
        return list(self.__names)

    def __getattr__(self, name: str) -> Any:
        # Protocols such as copying ask for dunder names before the fields are there.
        if name.startswith(("__", "_RunParameters__")):
            raise AttributeError(name)
        run = self.__run
        path = "/".join(run.parts)
        manifest = run.access.manifest(run.record.parameters) if name in self.__names else None
        entry = None if manifest is None else manifest.entry(name)
        if entry is None:
            raise ArtifactAttributeMissing(
                absent(
                    "parameter",
                    name,
                    self.__names,
                    "The parameters of {} are".format(path),
                    "{} has none.".format(path),
                )
            )
        return run.access.load(entry, name, run.record, path)

    def __getitem__(self, name: str) -> Any:
        if name not in self.__names:
            raise KeyError(name)
        return getattr(self, name)

    def __contains__(self, name: object) -> bool:
        return name in self.__names

    def __iter__(self) -> Iterator[str]:
        return iter(self.__names)

    def __len__(self) -> int:
        return len(self.__names)

    def __dir__(self) -> List[str]:
        return [*self.__names, *object.__dir__(self)]

    def __repr__(self) -> str:
        values: Dict[str, Any] = {name: self[name] for name in self.__names}
        return "<Parameters of {}: {}>".format("/".join(self.__run.parts), values)
