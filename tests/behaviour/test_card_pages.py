"""Cards of real tasks: what each type shows of them, and how it copes with what is missing."""

import contextlib
import json
import shutil
import sqlite3

import pytest
from pagetext import text_on

from falaj import Task
from falaj.cards import DefaultCard, MetaflowCard, get_cards
from falaj.cards.registry import card_types, find_card, register_card

FLOW = """
    class F(FlowSpec):
        "Words about the flow."
        alpha = Parameter("alpha", default=0.5, help="How much.")

        @step
        def start(self):
            "Begins."
            self.words = ["<b>one</b>", "two"]
            self.losses = [3.0, 2.0, 1.5, 1.2]
            self.parts = ["left", "right"]
            print("<i>printed</i>")
            self.next(self.part, foreach="parts")

        @retry(times=1, minutes_between_retries=0)
        @step
        def part(self):
            if self.input == "right" and current.retry_count == 0:
                raise ValueError("not <yet>")
            self.next(self.join)

        @step
        def join(self, inputs):
            self.next(self.end)

        @step
        def end(self):
            raise KeyError("gone <wrong>")
"""

MARKDOWN = {"type": "markdown", "id": "m", "source": "**mine**"}


@pytest.fixture
def run(project):
    return project.fail(FLOW, "--tag", "nightly").run


def rendered(name, task, components=(), **options):
    found = find_card(name)
    assert found is not None
    return found(options, list(components), None, None).render(task)


def test_the_default_card_tells_all_of_a_task(run, tasks_of):
    page = rendered("default", tasks_of(run, "start")[0], [MARKDOWN])
    for words in (
        "<strong>mine</strong>", "is-succeeded", "nightly", "alpha", "How much.", "losses",
        "&lt;b&gt;one&lt;/b&gt;", "plot spark", 'svg class="graph"', "foreach parts",
        "&lt;i&gt;printed&lt;/i&gt;", "CPU time", "Python", "Begins.",
    ):  # fmt: skip
        assert words in page, words
    # The step's own code, and none of the others'.
    assert "retry_count" not in page
    # A parameter is no artifact of the step's.
    assert page.count(">alpha<") == 1
    assert "show_parameters" not in rendered("default", tasks_of(run, "start")[0])
    without = rendered("default", tasks_of(run, "start")[0], show_parameters=False)
    assert "How much." not in without


def test_attempts_and_foreach_are_told(run, tasks_of):
    page = rendered("default", tasks_of(run, "part")[1])
    assert "1 · parts=right" in page
    assert page.count('<td class="number">0</td>') + page.count('<td class="number">1</td>') >= 2
    assert "current" in page


def test_a_failed_task_shows_why(run, tasks_of):
    page = rendered("default", tasks_of(run, "end")[0])
    assert "is-failed" in page
    assert "The task failed" in page
    assert "gone &lt;wrong&gt;" in page


def test_types(run, tasks_of):
    task = tasks_of(run, "start")[0]
    blank = rendered("blank", task, [MARKDOWN], title="My <title>")
    assert "<h1>My &lt;title&gt;</h1>" in blank
    assert "<strong>mine</strong>" in blank
    assert "losses" not in blank
    described = json.loads(rendered("default_json", task, [MARKDOWN]))
    assert described["components"][0] == MARKDOWN
    assert "losses" in json.dumps(described)
    error = rendered("error", task, [MARKDOWN], error_stack_trace="Trace\nValueError: <x>")
    assert "ValueError: &lt;x&gt;" in error
    assert "<strong>mine</strong>" in error
    assert rendered("taskspec_card", task) == task.pathspec
    assert set(card_types()) >= {"default", "blank", "default_json", "error", "taskspec_card"}
    assert find_card("unheard of") is None


def test_a_running_card_is_told_from_a_finished_one(run, tasks_of):
    task = tasks_of(run, "start")[0]
    card = DefaultCard({}, [MARKDOWN], None, None)
    assert card.render_runtime(task, {}) == card.render(task)
    assert card.refresh(task, {"x": 1}) == {"components": [MARKDOWN], "data": {"x": 1}}
    assert card.reload_content_token(task, {}) == "final"

    class Runs:
        finished = False

    one = card.reload_content_token(Runs(), {})
    other = DefaultCard({}, [], None, None).reload_content_token(Runs(), {})
    assert one.startswith("runtime-")
    assert one != other


def test_the_card_of_a_task_whose_files_are_gone(run, tasks_of):
    task = tasks_of(run, "start")[0]
    shutil.rmtree(task._access.home.store)
    page = rendered("default", Task(task.pathspec), [MARKDOWN])
    assert "<strong>mine</strong>" in page
    assert "is-succeeded" in page


def test_a_class_of_a_users_own(run, tasks_of):
    class Mine(MetaflowCard):
        type = "test_mine"

        def render(self, task):
            return f"<p>{self.options['x']} {task.id}</p>"

    register_card(Mine)
    task = tasks_of(run, "start")[0]
    assert rendered("test_mine", task, x=3) == f"<p>3 {task.id}</p>"
    with pytest.raises(NotImplementedError, match=r"MetaflowCard has no render\(task\)"):
        MetaflowCard().render(task)

    class Nameless(MetaflowCard):
        pass

    with pytest.raises(ValueError, match="Nameless has no type"):
        register_card(Nameless)


MEASURED = """
    class F(FlowSpec):
        @step
        def start(self):
            for number in range(1000):
                current.log_metric("loss", 10 - number / 100, step=number)
            current.log_metrics({"<b>gap": float("nan")})
            current.log_metrics({"<b>gap": 2.5})
            for value in (float("nan"), float("inf")):
                current.log_metric("none at all", value)
            current.log_metric("final", 0.93)
            current.log_params({"rate": 0.1, "layers": [64, 32], "text": "<i>"})
            self.next(self.end)

        @step
        def end(self):
            pass
"""


@pytest.fixture
def measured(project):
    """A task that logged figures, with a profile of three looks."""
    task = project.run(MEASURED).run["start"].task
    profile = {
        "cpu": 3.0, "memory": 5 << 20, "read": 3 << 20, "written": 4096,
        "series": [[0.1, 0.5, 1 << 20, None], [2.0, 1.5, 5 << 20, 9 << 20], [4.0, 0, 2 << 20, 1]],
    }  # fmt: skip
    with contextlib.closing(sqlite3.connect(task._access.home.records)) as connection, connection:
        changed = connection.execute(
            "UPDATE attempts SET profile = ? WHERE task = ?", (json.dumps(profile), int(task.id))
        )
        assert changed.rowcount == 1
    return task


def test_metrics_are_plotted_and_listed(measured):
    page = rendered("default", measured)
    words = text_on(page)
    assert "loss: 0.01 step 0 step 999" in words
    assert "loss 1000 0.01 0.01 10" in words
    assert "<b>gap: 2.5" in words
    assert "none at all: no number" in words
    assert "final 1 0.93 0.93 0.93" in words
    assert "rate 0.1" in words
    assert "layers [64, 32]" in words
    assert "text <i>" in words
    assert page.count('class="plot trend"') == 1
    # A plot has no more points than can be seen.
    assert (
        len(page.split('class="plot trend"')[1].split('points="')[1].split('"')[0].split()) == 400
    )


def test_what_a_task_used_is_drawn(measured):
    words = text_on(rendered("default", measured))
    assert "CPU, at most 1.5 cores 100 ms 4.0 s" in words
    assert "Memory, at most 5.0 MiB 100 ms 4.0 s" in words
    assert "GPU memory, at most 9.0 MiB 2.0 s 4.0 s" in words
    assert "CPU time 3.0 s" in words
    assert "read from disk 3.0 MiB" in words
    assert "most GPU memory 9.0 MiB" in words
    # One attempt needs no table of attempts.
    assert "exit code" not in words


def test_a_parameter_that_is_a_whole_file_is_cut(project):
    done = project.run("""
        class F(FlowSpec):
            text = Parameter("text", default="x" * 5000)

            @step
            def start(self):
                self.next(self.end)

            @step
            def end(self):
                pass
    """)
    words = text_on(rendered("default", done.run["start"].task))
    assert "x" * 200 + "…" in words
    assert "x" * 201 not in words


def test_what_makes_pages_is_imported_once_for_all_cards(project):
    done = project.run("""
        import sys
        from falaj.cards import DefaultCard, MetaflowCard

        class Spy(MetaflowCard):
            type = "spy"

            def render(self, task):
                before = set(sys.modules)
                page = DefaultCard({}, [], None, None).render(task)
                late = sorted(set(sys.modules) - before)
                return "late: %s, made: %s" % (late, "two" in page)

        class F(FlowSpec):
            @card(type="spy")
            @step
            def start(self):
                self.words = ["one", "two"]
                self.next(self.end)

            @step
            def end(self):
                pass
    """)
    (page,) = get_cards(done.run["start"].task)
    assert page.get() == "late: [], made: True"
