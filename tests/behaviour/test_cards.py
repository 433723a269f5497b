"""@card and current.card, as a user's flows have them, and reading the cards back."""

import json
import signal
from pathlib import Path
from typing import Any

import pytest
from pagetext import text_on

from falaj import Task, get_namespace, namespace
from falaj.cards import MetaflowCard, get_cards
from falaj.cards.container import SANDBOX
from falaj.errors import CardError

HEAD = """
from falaj import *
from falaj.cards import Markdown, MetaflowCard, MetaflowCardComponent
"""
CLASSES = """
class Part(MetaflowCardComponent):
    def __init__(self, made):
        self.made = made
    def render(self):
        return self.made() if callable(self.made) else self.made

def bad():
    raise ValueError("not today")

def forever():
    while True:
        pass
"""
FOOT = '\nif __name__ == "__main__":\n    F()\n'


def flow(body: str, above: str = "@card", classes: str = "") -> str:
    """Return a flow of two steps, the first with cards."""
    lines = "\n".join("        " + line for line in body.splitlines())
    decorators = "\n".join("    " + line for line in above.splitlines())
    return (
        f"{HEAD}{CLASSES}{classes}\nclass F(FlowSpec):\n{decorators}\n    @step\n"
        f"    def start(self):\n{lines}\n        self.next(self.end)\n"
        f"    @step\n    def end(self):\n        pass\n{FOOT}"
    )


def start_of(done: Any) -> Task:
    return next(iter(done.run["start"]))


def test_a_step_leaves_a_card_with_what_it_put_there(project):
    body = (
        'current.card.append(Markdown("# Hello"))\ncurrent.card.extend([Markdown("<b>& more</b>")])'
    )
    done = project.run(flow(body))
    task = start_of(done)
    cards = get_cards(task)
    assert [(card.type, card.id) for card in cards] == [("default", None)]
    page = cards[0].get()
    assert "Hello" in text_on(page)
    # Once as the component, once in the step's code.
    assert text_on(page).count("<b>& more</b>") == 2
    assert "<b>& more" not in page
    assert cards[0].record.state == "rendered"
    assert len(cards[0].hash) == 64
    assert Path(cards[0].path).read_text() == page
    assert cards[0].get_data() is None
    assert cards[0]._repr_html_().startswith(f'<iframe sandbox="{SANDBOX}"')
    assert "<script" not in cards[0]._repr_html_()
    assert repr(cards) == f"<1 card of {task.pathspec}>"
    assert list(get_cards(next(iter(done.run["end"])))) == []


def test_a_path_is_read_in_any_namespace_and_leaves_it_alone(project):
    done = project.run(flow("pass"))
    path = start_of(done).pathspec
    namespace("user:nobody")
    assert len(get_cards(path)) == 1
    assert get_namespace() == "user:nobody"


def test_cards_stand_in_the_order_of_their_decorators_and_are_found_by_id_and_type(project):
    above = (
        "@card(type='default_json')\n@card(type='blank', id='a')\n"
        "@card(type='blank', id='b', customize=True)"
    )
    body = (
        'current.card["a"].append(Markdown("in a"))\ncurrent.card.append(Markdown("in b"))\n'
        "print(len(current.card.get('blank')), 'a' in current.card, len(current.card['a']))"
    )
    done = project.run(flow(body, above))
    cards = get_cards(start_of(done))
    assert [(card.type, card.id) for card in cards] == [
        ("default_json", None),
        ("blank", "a"),
        ("blank", "b"),
    ]
    # The code of the step, which the first one shows, is no component.
    assert json.loads(cards[0].get())["components"][0]["type"] == "section"
    assert ["in a" in text_on(card.get()) for card in cards[1:]] == [True, False]
    assert ["in b" in text_on(card.get()) for card in cards[1:]] == [False, True]
    assert [card.id for card in get_cards(start_of(done), id="a")] == ["a"]
    assert len(get_cards(start_of(done), type="blank")) == 2
    assert "2 True 1" in done.out


@pytest.mark.parametrize(
    "more", ["", "\n@card(type='blank', id='c', customize=True)\n@card(id='d', customize=True)"]
)
def test_the_only_card_without_an_id_is_the_default_card(project, more):
    above = "@card(type='blank', id='a')\n@card(type='blank')" + more
    done = project.run(flow('current.card.append(Markdown("here"))', above))
    for card in get_cards(start_of(done)):
        assert ("<p>here</p>" in card.get()) == (card.id is None)


def test_without_a_default_card_there_is_a_warning_and_no_more(project):
    body = 'current.card.append(Markdown("lost"))\ncurrent.card.append(Markdown("lost"))'
    done = project.run(flow(body, "@card(type='blank', id='a')\n@card(type='blank', id='b')"))
    assert done.out.count("does not say which one") == 1
    assert all("lost" not in text_on(card.get()) for card in get_cards(start_of(done)))


def test_nothing_that_is_done_to_cards_fails_a_step(project):
    body = """
current.card["nowhere"].append(Markdown("x"))
current.card["nowhere"].refresh({"a": 1})
current.card.append("text")
current.card.append(None)
current.card.extend(5)
current.card.append(Markdown("same"), id="one")
current.card.append(Markdown("again"), id="one")
current.card.append(Markdown("odd"), id=7)
current.card.components["missing"].update(1, b=2)
current.card.components["one"].update("changed")
current.card.components["gone"] = Markdown("y")
current.card.components["one"] = "no component"
current.card.refresh(object())
current.card.refresh({"ok": [1, 2]}, force=True)
print("ids", list(current.card.components), "one" in current.card.components, len(current.card))
"""
    done = project.run(flow(body))
    assert "ids ['one'] True 3" in done.out
    (card,) = get_cards(start_of(done))
    for shown in ("changed", "again", "odd"):
        assert shown in card.get()
    for warned in (
        "no card with the id 'nowhere'",
        "a str is no component",
        "a NoneType is no component",
        "not a int",
        "the id 'one' of a component is taken",
        "no component with the id 'missing'",
    ):
        assert warned in done.out, warned


def test_clear_takes_everything_off(project):
    body = 'current.card.append(Markdown("gone"))\ncurrent.card.clear()\ncurrent.card["x"] = []'
    done = project.run(flow(body, "@card(id='x', type='blank')"))
    (card,) = get_cards(start_of(done))
    assert "gone" not in text_on(card.get())


@pytest.mark.parametrize(
    ("made", "shown"),
    [
        ("bad", "not today"),
        ("lambda: 5", "returned int, not HTML"),
        ("lambda: {'type': 'x', 'v': {1, 2}}", "There is no component of type 'x'"),
        ("lambda: {'type': 'x', 'v': 'y' * (9 << 20)}", "8 MB are the most"),
    ],
    ids=["raises", "number", "set", "large"],
)
def test_a_component_that_fails_leaves_its_error_and_the_others(project, made, shown):
    body = f'current.card.extend([Markdown("before"), Part({made}), Markdown("after")])'
    done = project.run(flow(body, "@card(type='blank')"))
    (card,) = get_cards(start_of(done))
    assert done.run.successful
    page = text_on(card.get())
    assert "before" in page
    assert "after" in page
    assert shown in page


def test_components_that_hang_are_left_out(project):
    body = "current.card.append(Part(forever))"
    done = project.run(flow(body, "@card(timeout=1)"))
    (card,) = get_cards(start_of(done))
    assert done.run.successful
    assert "took longer than 1 seconds" in card.get()


def test_components_that_hang_do_not_cost_a_step_its_timeout(project):
    body = "for page in current.card.get():\n    page.append(Part(forever))"
    above = "@card\n@card(type='blank')\n@timeout(seconds=1)\n@retry(times=0)"
    done = project.run(flow(body, above))
    assert all("Components left out" in card.get() for card in get_cards(start_of(done)))


def test_a_step_is_told_that_its_time_is_up_while_it_refreshes(project):
    body = "current.card.append(Part(forever))\ncurrent.card.refresh()"
    done = project.fail(flow(body, "@card\n@timeout(seconds=1)\n@retry(times=0)"))
    assert "Step start ran longer than its @timeout of 1 seconds" in done.out + done.err
    assert "did not react" not in done.out + done.err


def test_the_data_of_a_refresh_is_what_it_was_then(project):
    body = (
        'data = {"n": 1}\ncurrent.card.refresh(data)\ndata["n"] = object()\n'
        'current.card.append(Markdown("kept"))'
    )
    done = project.run(flow(body, "@card(type='blank')"))
    (card,) = get_cards(start_of(done))
    assert "kept" in text_on(card.get())
    assert card.get_data()["data"]["user"] == {"n": 1}


def test_what_a_thread_still_renders_at_the_end_is_not_the_last_word(project):
    body = """
import threading
from falaj.runtime import cards, cardpage

def end():
    # As at the end of the body, while another thread renders for a refresh.
    if threading.current_thread() is late:
        leaving = threading.Thread(target=cards.leave_cards, args=(order, True))
        leaving.start()
        leaving.join()
        return "rendered before"
    return "rendered last"

told = []
cardpage.tell = lambda kind, value: told.append(value["live"])
current.card.append(Part(end))
order = next(iter(cards._kept.values())).order
late = threading.Thread(target=current.card.refresh)
late.start()
late.join()
print("told", told)
"""
    done = project.run(flow(body, "@card(type='blank')"))
    assert "told [False]" in done.out


def test_a_component_may_be_html_of_its_own(project):
    done = project.run(flow("current.card.append(Part('<i>mine</i>'))", "@card(type='blank')"))
    (card,) = get_cards(start_of(done))
    assert "mine" in card.get()


@pytest.mark.parametrize("keeps", [True, False])
def test_a_step_that_fails_leaves_its_card_if_it_may(project, keeps):
    body = 'current.card.append(Markdown("so far"))\n1 / 0'
    done = project.fail(flow(body, f"@card(type='blank', save_errors={keeps})"))
    cards = get_cards(start_of(done))
    assert len(cards) == keeps
    assert all("so far" in text_on(card.get()) for card in cards)
    assert done.run.state == "failed"


def test_each_try_has_its_card(project):
    body = 'current.card.append(Markdown(f"try {current.retry_count}"))\n1 / (current.retry_count)'
    done = project.run(flow(body, "@card\n@retry(times=1, seconds_between_retries=0)"))
    path = start_of(done).pathspec
    assert "try 1" in get_cards(path)[0].get()
    assert "try 0" in get_cards(Task(path, attempt=0))[0].get()


MINE = """
class Mine(MetaflowCard):
    type = "mine"
    ALLOW_USER_COMPONENTS = True
    def render(self, task):
        facts = task.pathspec, task.data.x, self.options, self.flow.__name__, sorted(self.graph)
        return f"<p>{facts} {[one for one in self.components]}"
"""


def test_a_card_of_ones_own(project):
    body = 'self.x = 5\ncurrent.card.append(Part("<i>own</i>"))'
    done = project.run(flow(body, "@card(type='mine', options={'a': [1]})", MINE))
    (card,) = get_cards(start_of(done))
    path = start_of(done).pathspec
    assert card.get() == f"<p>({path!r}, 5, {{'a': [1]}}, 'F', ['end', 'start']) ['<i>own</i>']"


def test_a_card_of_an_imported_module_that_takes_no_components(project):
    source = HEAD + MINE.replace("ALLOW_USER_COMPONENTS = True", "ALLOW_USER_COMPONENTS = False")
    project.write(source, "pages.py")
    body = 'self.x = 1\ncurrent.card.append(Markdown("dropped"))'
    done = project.run(flow(body, "@card(type='mine')", "import pages\n"))
    (card,) = get_cards(start_of(done))
    assert card.get().endswith("[]")
    assert "no card of step start takes components" in done.out


BROKEN = """
import os
class Raises(MetaflowCard):
    type = "raises"
    ALLOW_USER_COMPONENTS = True
    def render(self, task):
        raise ValueError("page broken")
class Hangs(MetaflowCard):
    type = "hangs"
    def render(self, task):
        forever()
class Dies(MetaflowCard):
    type = "dies"
    def render(self, task):
        os._exit(3)
class Crashes(MetaflowCard):
    type = "crashes"
    def render(self, task):
        os.abort()
class Eats(MetaflowCard):
    type = "eats"
    def render(self, task):
        import mmap
        # Memory that is asked for and never written to takes nothing of the machine.
        return f"ate {len([mmap.mmap(-1, 1 << 28) for _ in range(64)])}"
class Wrong(MetaflowCard):
    type = "wrong"
    def render(self, task):
        return b"bytes"
"""
REASONS = {
    "raises": "page broken",
    "hangs": "timeout of 1 seconds",
    "dies": "exit status 3",
    "crashes": "SIGABRT",
    "eats": "more memory than a card may take",
    "wrong": "returned a bytes",
    "absent": "There is no card of type 'absent'",
}


def test_a_broken_card_leaves_its_error_and_the_run_alone(project):
    above = "\n".join(f"@card(type='{kind}', timeout=1)" for kind in REASONS)
    done = project.run(flow('current.card.append(Markdown("kept"))', above, BROKEN))
    assert done.run.state == "succeeded"
    cards = {card.type: card for card in get_cards(start_of(done))}
    assert sorted(cards) == sorted(REASONS)
    for kind, reason in REASONS.items():
        assert reason in text_on(cards[kind].get()), kind
        assert cards[kind].record.state == "failed"
    assert "kept" in text_on(cards["raises"].get())
    assert "was not rendered: ValueError: page broken" in done.out + done.err


def test_a_broken_card_that_is_to_leave_no_error_leaves_nothing(project):
    above = "@card(type='raises', save_errors=False)\n@card(type='dies', save_errors=False)"
    done = project.run(flow("pass", above, BROKEN))
    assert done.run.successful
    assert list(get_cards(start_of(done))) == []


def test_steps_do_not_wait_for_cards(project):
    # The card of start is rendered only once end has run, with one worker for both.
    source = """
    import os, time
    from falaj import *
    from falaj.cards import MetaflowCard

    class Waits(MetaflowCard):
        type = "waits"
        def render(self, task):
            while not os.path.exists("ended"):
                time.sleep(0.01)
            return "rendered after the end"

    class F(FlowSpec):
        @card(type="waits")
        @step
        def start(self):
            self.next(self.end)
        @step
        def end(self):
            open("ended", "w").close()

    if __name__ == "__main__":
        F()
    """
    done = project.run(source, "--max-workers", 1)
    (card,) = get_cards(start_of(done))
    assert card.get() == "rendered after the end"


@pytest.mark.parametrize("isolation", ["fork", "spawn"])
def test_every_task_of_a_fan_leaves_a_card(project, isolation):
    width = 20 if isolation == "fork" else 3
    source = f"""
    from falaj import *
    from falaj.cards import Markdown

    class F(FlowSpec):
        @step
        def start(self):
            self.xs = list(range({width}))
            self.next(self.body, foreach="xs")
        @card
        @step
        def body(self):
            current.card.append(Markdown(f"value {{self.input}}."))
            self.next(self.join)
        @step
        def join(self, inputs):
            self.next(self.end)
        @step
        def end(self):
            pass

    if __name__ == "__main__":
        F()
    """
    done = project.run(source, "--isolation", isolation)
    for task in done.run["body"]:
        (card,) = get_cards(task)
        assert card.record.state == "rendered"
        assert f"value {task.index}." in text_on(card.get())


REFRESHING = """
import time, os
class Live(MetaflowCard):
    type = "live"
    ALLOW_USER_COMPONENTS = True
    RUNTIME_UPDATABLE = True
    RELOAD_POLICY = MetaflowCard.RELOAD_POLICY_ALWAYS
    def render(self, task):
        return "final " + repr(self.components)
    def render_runtime(self, task, data):
        return f"runtime {data['user']} {sorted(data['components'])}"
def wait_for(name):
    while not os.path.exists(name):
        time.sleep(0.01)
"""


def test_a_card_is_shown_while_the_step_runs(project, until):
    body = """
current.card["d"].append(Markdown("half way"), id="bar")
current.card["d"].refresh({"done": 5})
current.card["l"].append(Markdown("x"), id="bar")
current.card["l"].refresh({"done": 5})
current.card["l"].refresh({"done": 6})
wait_for("go")
current.card["d"].components["bar"].update("all done")
"""
    project.write(flow(body, "@card(type='blank', id='d')\n@card(type='live', id='l')", REFRESHING))
    process = project.start("run")

    def live() -> Any:
        try:
            cards = {card.id: card for card in get_cards("F/1/start/1")}
            return cards if len(cards) == 2 and cards["l"].path else None
        except Exception:
            return None

    cards = until(live)
    assert "half way" in text_on(cards["d"].get())
    assert cards["d"].is_live
    assert cards["d"].get_data()
    assert cards["l"].get() == "runtime {'done': 5} ['bar']"
    before = cards["d"].hash
    (project.folder / "go").touch()
    assert process.wait(60) == 0
    after = {card.id: card for card in get_cards("F/1/start/1")}
    assert "all done" in text_on(after["d"].get())
    assert after["d"].hash != before
    assert not after["d"].is_live
    assert after["l"].get().startswith("final")


def test_a_card_that_is_never_loaded_again_keeps_its_first_page(project, until):
    body = """
current.card.refresh({"n": 1})
wait_for("first")
current.card.refresh({"n": 2}, force=True)
wait_for("go")
"""
    classes = REFRESHING.replace("RELOAD_POLICY_ALWAYS", "RELOAD_POLICY_NEVER")
    project.write(flow(body, "@card(type='live')", classes))
    process = project.start("run")

    def page_of(user: int) -> Any:
        try:
            (card,) = get_cards("F/1/start/1")
            return card.get() if (card.get_data() or {}).get("user") == {"n": user} else None
        except Exception:
            return None

    first = until(lambda: page_of(1))
    (project.folder / "first").touch()
    assert until(lambda: page_of(2)) == first == "runtime {'n': 1} []"
    (project.folder / "go").touch()
    assert process.wait(60) == 0


def test_refreshes_are_limited_and_can_be_forced(project):
    body = """
from falaj.runtime import notes, cardpage
told = []
cardpage.tell = lambda kind, value: told.append(value)
for number in range(50):
    current.card.refresh({"n": number})
first = len(told)
current.card.refresh({"n": "forced"}, force=True)
current.card.refresh({"n": "forced"}, force=True)
print("told", first, len(told))
"""
    done = project.run(flow(body, "@card(refresh_interval=3600)"))
    assert "told 1 2" in done.out


def test_a_reused_task_shows_the_cards_of_its_origin(project):
    source = flow('current.card.append(Markdown("origin"))').replace(
        "    def end(self):\n        pass",
        "    def end(self):\n        import os; os.stat('there')",
    )
    project.fail(source)
    (project.folder / "there").touch()
    done = project.resume()
    task = start_of(done)
    assert task.state == "reused"
    (card,) = get_cards(task)
    assert "origin" in text_on(card.get())
    assert card.pathspec.startswith("F/1/")
    assert list(get_cards(task, follow_resumed=False)) == []


def test_with_card_puts_one_on_every_step_that_lacks_it(project):
    done = project.run(flow("pass", "@card\n@card(type='blank')"), "--with", "card")
    counts = {step.id: len(get_cards(next(iter(step)))) for step in done.run}
    assert counts == {"start": 2, "end": 1}


def test_a_step_without_cards_is_told_how_to_have_one(project):
    body = "print('card' in current, hasattr(current, 'card'))\ncurrent.card"
    done = project.fail(flow(body, "@retry(times=0)"))
    assert "False False" in done.out
    assert "run with --with card" in done.out + done.err


def test_a_person_may_stop_waiting_for_cards_and_loses_neither(project, until):
    source = flow("pass", "@card(type='blank')\n@card(type='hangs', timeout=600)", BROKEN)
    source = source.replace("        forever()", "        open('hanging', 'w').close(); forever()")
    source = source.replace("def end(self):\n        pass", "def end(self):\n        print('end!')")
    project.write(source)
    process = project.start("run")
    until(lambda: (project.folder / "hanging").exists())
    run = until(lambda: Task("F/1/start/1") if _ended("F/1/end/2") else None).parent.parent
    process.send_signal(signal.SIGINT)
    assert process.wait(60) == 0
    assert run.state == "succeeded"
    cards = {card.type: card for card in get_cards("F/1/start/1")}
    assert "F / 1 / start / 1" in text_on(cards["blank"].get())
    assert cards["hangs"].record.state == "open"
    with pytest.raises(CardError, match=r"card create 1/start/1 --type hangs\n"):
        cards["hangs"].get()

    # Whoever has the class reads the card all the same.
    class Hangs(MetaflowCard):
        type = "hangs"

        def render(self, task):
            return f"read from {task.pathspec}"

    assert Hangs in MetaflowCard.__subclasses__()
    assert cards["hangs"].get() == "read from F/1/start/1"


def _ended(path: str) -> bool:
    try:
        return Task(path).finished
    except Exception:
        return False


def test_a_forked_child_of_a_step_leaves_no_card_of_its_own(project):
    body = """
import os
current.card.append(Markdown("parent"))
if os.fork() == 0:
    current.card.append(Markdown("child"))
else:
    os.wait()
"""
    done = project.run(flow(body, "@card(type='blank')"))
    (card,) = get_cards(start_of(done))
    assert "parent" in text_on(card.get())
    assert "child" not in text_on(card.get())


def test_threads_may_put_things_on_a_card(project):
    body = """
import threading
def add(number):
    for _ in range(20):
        current.card.append(Markdown(f"n{number}"))
        current.card.refresh(force=True)
threads = [threading.Thread(target=add, args=(n,)) for n in range(4)]
[one.start() for one in threads]
[one.join() for one in threads]
print("parts", len(current.card))
"""
    done = project.run(flow(body, "@card(type='blank')"))
    (card,) = get_cards(start_of(done))
    assert "parts 80" in done.out
    assert text_on(card.get()).count("n3") == 20


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ("type=5", "`type` takes the type of a card"),
        ("id='a b'", "`id` takes a name of letters"),
        ("options=[1]", "`options` takes a dict of JSON values"),
        ("options={'a': {1}}", "`options` takes a dict of JSON values"),
        ("timeout=0", "`timeout` takes a number of seconds above 0"),
        ("save_errors=1", "`save_errors` takes True or False"),
        ("refresh_interval=-1", "`refresh_interval` takes a number that is not negative"),
        ("kind='x'", "has no argument `kind`"),
    ],
)
def test_arguments_are_checked_where_they_stand(project, written, told):
    project.write(flow("pass", f"@card({written})"))
    done = project.command("check", code=1)
    assert told in done.out + done.err
    assert f"flow.py:{project.line_of('@card(')}" in done.out + done.err


def test_an_id_stands_once(project):
    project.write(flow("pass", "@card(id='a')\n@card(type='blank', id='a')"))
    done = project.command("check", code=1)
    assert "two of @card with the id 'a'" in done.out + done.err


def test_the_data_of_a_refresh_stays_json(project):
    done = project.run(flow('current.card.refresh({"a": [1, "ü"]})'))
    (card,) = get_cards(start_of(done))
    assert json.dumps(card.get_data())
