"""Cards of real tasks: what each type shows of them, and how it copes with what is missing."""

import json
import shutil

import pytest

from falaj import Task
from falaj.cards import DefaultCard, MetaflowCard
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
