"""Objects that have their methods, and leave, fail or hang in them."""

import os
import sys
import time

from falaj.errors import StoreUnavailable


class Provider:
    """Keeps secrets behind a tool that leaves as a program does; LOCKED makes it no use here."""

    def check(self):
        if "LOCKED" in os.environ:
            raise RuntimeError("the door is locked")

    def fetch(self, source):
        sys.exit("no tool for " + source.id)


class Environments:
    """Leaves while it resolves; with the option `hang`, never comes to an end of installing."""

    def resolve(self, asked, work):
        if not asked.options.get("hang"):
            sys.exit("no tool for environments")
        return {}

    def install(self, locked, asked, prefix, work):
        work.tell("installing without end")
        time.sleep(3600)


class Store:
    """Leaves at each upload, or, called `once`, fails the first one of each blob."""

    def __init__(self, target):
        self._once = target == "once"
        self._seen = set()

    def upload(self, digest, path):
        if not self._once:
            sys.exit("no tool for uploads")
        if digest not in self._seen:
            self._seen.add(digest)
            raise StoreUnavailable("the line is down")

    def download(self, digest, path):
        return False

    def exists(self, digest):
        return False


def executor(context):
    """Leave instead of making one."""
    sys.exit("no tool for tasks")


class Stumbling:
    """Runs orders here, and falls over at the first task."""

    def __init__(self, context):
        here = context.local()
        self.signal, self.poll, self.warm = here.signal, here.poll, here.warm
        self.wake, self.close = here.wake, here.close
        self._start = here.start

    def start(self, number, order, placement):
        if order.kind == "task":
            raise ValueError("no room for tasks")
        self._start(number, order, placement)
