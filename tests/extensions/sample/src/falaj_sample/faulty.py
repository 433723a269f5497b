"""Executors with a fault each, which the public checks have to find."""

from falaj_control.ports.executing import Ended, Printed
from falaj_sample.executors import CountingExecutor


class Deaf(CountingExecutor):
    """Drops what tasks print."""

    def poll(self, seconds):
        return [one for one in super().poll(seconds) if not isinstance(one, Printed)]


class Doubling(CountingExecutor):
    """Tells each end twice."""

    def poll(self, seconds):
        events = super().poll(seconds)
        return events + [one for one in events if isinstance(one, Ended)]


class Leaving(CountingExecutor):
    """Leaves what runs alone when it is closed, for a while."""

    def close(self, status):
        raise OSError("not today")
