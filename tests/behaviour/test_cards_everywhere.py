"""Cards of tasks that are not plain ones: in environments, gangs, loops, branches, foreaches."""

import pytest
from pagetext import text_on
from wheels import make_wheel

from falaj import Task
from falaj.cards import get_cards

HEAD = """
import os
from falaj import *
from falaj.cards import Markdown, MetaflowCard

class Tool(MetaflowCard):
    type = "tool"
    ALLOW_USER_COMPONENTS = True
    def render(self, task):
        import tool
        if os.path.exists("broken"):
            raise ValueError("broken for now")
        return f"tool {tool.version} of {task.data.seen} {len(self.components)}"
"""
FOOT = '\nif __name__ == "__main__":\n    F()\n'

INSIDE = f"""{HEAD}
class F(FlowSpec):
    @card(type="tool", id="t")
    @card(type="blank", id="b")
    @pypi(packages={{"tool": "2.0"}}, find_links=["wheels"])
    @step
    def start(self):
        import tool
        self.seen = tool.version
        current.card["b"].append(Markdown("inside " + tool.version))
        current.card["t"].append(Markdown("one"))
        self.next(self.end)

    @card
    @step
    def end(self):
        pass
{FOOT}"""


@pytest.fixture
def wheels(project, monkeypatch):
    """Give the flow a folder of wheels, all there is."""
    monkeypatch.setenv("UV_NO_INDEX", "1")
    make_wheel(project.folder / "wheels", "tool", "2.0")


def test_a_step_in_an_environment_has_its_cards_rendered_there(project, wheels):
    done = project.run(INSIDE)
    own, blank = get_cards(done.run["start"].task)
    assert own.get() == "tool 2.0 of 2.0 1"
    assert "inside 2.0" in text_on(blank.get())
    (default,) = get_cards(done.run["end"].task)
    assert default.record.state == "rendered"


def test_create_renders_in_the_environment_of_the_step(project, wheels):
    (project.folder / "broken").touch()
    done = project.run(INSIDE)
    assert "broken for now" in text_on(get_cards(done.run["start"].task)[0].get())
    (project.folder / "broken").unlink()
    project.command("card", "create", "start", "--type", "tool", "--id", "t")
    assert get_cards(done.run["start"].task)[0].get() == "tool 2.0 of 2.0 1"
    # A step without an environment is rendered where the flow is launched: there is no tool.
    refused = project.command("card", "create", "end", "--type", "tool", code=1).err
    assert "No module named 'tool'" in refused


def test_create_says_why_there_is_no_environment(project, wheels):
    (project.folder / "broken").touch()
    project.run(INSIDE)
    project.write(INSIDE.replace('"2.0"}', '"9.0"}'))
    arguments = ("card", "create", "start", "--type", "tool", "--id", "t")
    refused = project.command(*arguments, code=1).err
    assert "step start" in refused
    assert "tool==9.0" in refused
    assert "Traceback" not in refused


def test_every_member_of_a_gang_has_its_card(project):
    done = project.run("""
class F(FlowSpec):
    @step
    def start(self):
        self.next(self.train, num_parallel=3)

    @card(type="blank")
    @parallel
    @step
    def train(self):
        from falaj.cards import Markdown
        current.card.append(Markdown(f"node {current.parallel.node_index}"))
        current.card.refresh(force=True)
        self.next(self.join)

    @step
    def join(self, inputs):
        self.next(self.end)

    @step
    def end(self):
        pass
""")
    shown = sorted(
        text_on(get_cards(task)[0].get()).split("node ")[1][0] for task in done.run["train"]
    )
    assert shown == ["0", "1", "2"]


def test_every_turn_of_a_loop_and_the_way_taken_have_cards(project):
    done = project.run("""
class F(FlowSpec):
    @step
    def start(self):
        self.turns = 0
        self.next(self.again)

    @card
    @step
    def again(self):
        from falaj.cards import Markdown
        self.turns += 1
        self.more = "yes" if self.turns < 3 else "no"
        current.card.append(Markdown(f"turn number {self.turns}"))
        self.next({"yes": self.again, "no": self.way}, condition="more")

    @card
    @step
    def way(self):
        self.next(self.end)

    @card
    @step
    def end(self):
        pass
""")
    tasks = sorted(done.run["again"], key=lambda task: int(task.id))
    assert len(tasks) == 3
    for turn, task in enumerate(tasks, 1):
        (card,) = get_cards(task)
        assert card.record.state == "rendered"
        assert f"turn number {turn} " in text_on(card.get())
    (card,) = get_cards(done.run["way"].task)
    assert "way succeeded" in text_on(card.get())


def test_a_retried_task_shows_each_try_as_it_was(project):
    done = project.run("""
class F(FlowSpec):
    @card
    @retry(times=2, seconds_between_retries=0)
    @step
    def start(self):
        from falaj.cards import Markdown
        current.card.append(Markdown(f"this is try {current.retry_count}."))
        current.log_metric("loss", current.retry_count)
        print("printed in", current.retry_count)
        self.tried = current.retry_count
        if current.retry_count < 2:
            raise ValueError(f"no luck with {current.retry_count}")
        self.next(self.end)

    @step
    def end(self):
        pass
""")
    path = done.run["start"].task.pathspec
    for attempt, state in enumerate(("failed", "failed", "succeeded")):
        (card,) = get_cards(Task(path, attempt=attempt))
        page = text_on(card.get())
        assert f"start {state}" in page
        assert f"this is try {attempt}." in page
        assert f"printed in {attempt}" in page
        assert ("no luck with" in page.split("Code")[0]) == (state == "failed")
        if state == "failed":
            assert f"ValueError: no luck with {attempt}" in page
    assert "this is try 2." in text_on(get_cards(path)[0].get())
