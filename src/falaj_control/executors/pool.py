"""The hosts of one run: one for each environment and set of variables, started when needed."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterator

from falaj_control.executors.hosts import HostLink, Interpreter, start_host
from falaj_control.ports.executing import HostPlace, Placement

# Variables and environment: orders that agree in both share a host.
HostKey = tuple[tuple[tuple[str, str], ...], HostPlace | None]


class HostPool:
    """Starts hosts, knows them by what they are for, and forgets those that have gone."""

    def __init__(
        self,
        launcher: HostLink,
        interpreter: Interpreter,
        falaj_root: str,
        watch: Callable[[HostLink], None],
    ) -> None:
        """Begin with the launcher; further hosts are like it by `interpreter`, else of a place.

        `watch` is told of each host that is started.
        """
        self._interpreter = interpreter
        self._falaj_root = falaj_root
        self._watch = watch
        self._hosts: dict[HostKey, HostLink] = {((), None): launcher}
        self._unsafe: set[HostKey] = set()
        self._cold: deque[HostKey] = deque()
        self._at_once = os.cpu_count() or 1

    def __iter__(self) -> Iterator[HostLink]:
        """Yield the hosts that fork."""
        return iter(self._hosts.values())

    def link_for(self, placement: Placement) -> HostLink:
        """Return a host for an order; raises OSError where none can be started."""
        key = (placement.variables, placement.place)
        if placement.fresh or key in self._unsafe:
            return self.start(key, once=True)
        link = self._hosts.get(key)
        if link is None:
            link = self._hosts[key] = self.start(key, once=False)
        return link

    def warm(self, placement: Placement) -> None:
        """Have a host started before its first order, after those that were asked for before."""
        if not placement.fresh:
            self._cold.append((placement.variables, placement.place))
            self.warm_next()

    def warm_next(self) -> None:
        """Start as many of those as there are processors; the others would slow them down."""
        while self._cold and sum(not link.ready for link in self) < self._at_once:
            key = self._cold.popleft()
            if key not in self._hosts and key not in self._unsafe:
                try:
                    self._hosts[key] = self.start(key, once=False)
                except OSError:
                    # Its first order tries again, and tells.
                    return

    def start(self, key: HostKey, once: bool) -> HostLink:
        """Start a host that forks, or one that becomes the task of a single order."""
        variables, place = key
        link = start_host(self._interpreter, dict(variables), self._falaj_root, place, once)
        self._watch(link)
        return link

    def retire(self, link: HostLink) -> HostKey | None:
        """Have each order of what this host is for start an interpreter of its own from now on."""
        key = self._key_of(link)
        if key is not None:
            self._unsafe.add(key)
            del self._hosts[key]
        return key

    def forget(self, link: HostLink) -> None:
        """Take note that a host has gone; the next order for it starts another one."""
        key = self._key_of(link)
        if key is not None and link.pid is not None:
            del self._hosts[key]

    def _key_of(self, link: HostLink) -> HostKey | None:
        return next((key for key, other in self._hosts.items() if other is link), None)
