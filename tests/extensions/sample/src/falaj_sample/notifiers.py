"""A notifier that writes a line for each run."""

import time


class Diary:
    """Appends to the file `target`; `hang` and `fail` do what they say."""

    def __init__(self, target):
        self.target = target

    def notify(self, event):
        if self.target == "hang":
            time.sleep(3600)
        if self.target == "fail":
            raise ValueError("the diary is full")
        with open(self.target, "a", encoding="utf-8") as file:
            file.write(f"{event.flow} {event.state} {event.failed_task} {event.error}\n")
