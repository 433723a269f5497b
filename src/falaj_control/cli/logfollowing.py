"""Printing the logs of tasks from their files, and finding what has come since."""

from __future__ import annotations

from falaj.client.logs import read_from
from falaj.client.taskfacts import TaskFacts
from falaj.model import states
from falaj.model.loglines import LogLine
from falaj_control.cli.pathspecs import Selection
from falaj_control.cli.terminal import Output
from falaj_control.cli.wording import moment


class LogPrinter:
    """Writes log lines of one or more tasks; pieces of one line stay on one line."""

    def __init__(self, output: Output, streams: str, timestamps: bool) -> None:
        """Write lines of `streams` (the letters of log lines) to `output`."""
        self._output = output
        self._streams = streams
        self._timestamps = timestamps
        self._open: tuple[str, str] | None = None

    def write(self, prefix: str, line: LogLine) -> None:
        """Write a line, or a piece of one, behind `prefix`."""
        if line.stream not in self._streams:
            return
        source = (prefix, line.stream)
        text = self._output.shown(line.text.decode("utf-8", "backslashreplace"))
        if self._open == source:
            self._output.write(text)
        else:
            self.end_line()
            at = f"{moment(line.at)} " if self._timestamps else ""
            self._output.write(f"{at}{prefix}{text}")
        self._open = source
        if line.whole:
            self.end_line()

    def end_line(self) -> None:
        """End the line that is open, if one is."""
        if self._open is not None:
            self._output.write("\n")
            self._open = None

    def flush(self) -> None:
        """Show all that was written."""
        self._output.flush()

    def close(self) -> None:
        """Leave a terminal at the start of a line."""
        if self._output.is_terminal:
            self.end_line()
        self._output.flush()


class LogFollower:
    """Prints what has been logged by the tasks of a selection since it last did.

    A task that is tried again goes on with the log of its next attempt.
    """

    def __init__(
        self,
        chosen: Selection,
        printer: LogPrinter,
        prefixed: bool = False,
        headings: Output | None = None,
    ) -> None:
        """Print the logs of `chosen`, each line behind its task's name where `prefixed`.

        `headings` is told of each task before its log.
        """
        self._chosen = chosen
        self._printer = printer
        self._prefixed = prefixed
        self._headings = headings
        self._finished: set[int] = set()
        # By task: the attempt that is being read and how far.
        self._read: dict[int, tuple[int, int]] = {}

    @staticmethod
    def is_over(task: TaskFacts) -> bool:
        """Say whether a task prints no more."""
        return task.record.state in states.TASK_FINAL

    def run_once(self) -> bool:
        """Print what is new; return whether nothing more can come."""
        # Asked first: what is printed between the question and the reading must not be missed.
        over = self._all_over()
        for task in self._chosen.tasks():
            if task.record.id not in self._finished:
                ended = self.is_over(task)
                self._print_new(task)
                if ended:
                    self._finished.add(task.record.id)
        self._printer.flush()
        return over

    def _all_over(self) -> bool:
        run, name, task, _ = self._chosen
        if task is not None:
            return self.is_over(task)
        if run.record.state in states.RUN_FINAL:
            return True
        if name is None:
            return False
        steps = run.access.reader.steps(run.id)
        return any(one.name == name and one.state in states.TASK_FINAL for one in steps)

    def _print_new(self, task: TaskFacts) -> None:
        source = task.source
        latest = source.attempt if task.attempt is None else task.attempt
        if task.record.id not in self._read and self._headings is not None:
            self._printer.end_line()
            self._printer.flush()
            run, step, number = task.parts[1:]
            self._headings.line(f"Dumping logs of run_id={run} step={step} task_id={number}")
        number, offset = self._read.get(task.record.id, (latest, 0))
        prefix = self._prefix(task)
        while True:
            path = task.access.home.log(source.run, source.id, number)
            part = read_from(path, offset)
            while part.offset > offset:
                for line in part.lines:
                    self._printer.write(prefix, line)
                offset = part.offset
                part = read_from(path, offset)
            if number >= latest:
                break
            number, offset = number + 1, 0
        self._read[task.record.id] = (number, offset)

    def _prefix(self, task: TaskFacts) -> str:
        if not self._prefixed:
            return ""
        record = task.record
        label = f" {record.label}" if record.label else ""
        return f"[{record.step}/{record.id}{label}] "
