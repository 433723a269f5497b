"""Cards and `kill -9`: of the task that refreshes one, of control while one is rendered."""

import os
import signal

from support.processes import marked

from falaj.cards.container import cards_of_task
from falaj.client.resolve import find_run
from falaj.client.taskfacts import TaskFacts

SOURCE = """
import os, time
from falaj import *
from falaj.cards import Markdown, MetaflowCard

class Waits(MetaflowCard):
    type = "waits"
    def render(self, task):
        open("rendering", "w").write(str(os.getpid()))
        while not os.path.exists("go"):
            time.sleep(0.01)
        return "rendered"

class F(FlowSpec):
    @card(type="blank", id="first", refresh_interval=0)
    {more}
    @step
    def start(self):
        current.card["first"].append(Markdown("as far as it came"))
        {body}
        self.next(self.end)
    @step
    def end(self):
        pass

if __name__ == "__main__":
    F()
"""
REFRESHES = """for number in range(10**9):
            current.card["first"].refresh({"n": number}, force=True)
            if number == 50:
                open("pid", "w").write(str(os.getpid()))"""


def flow(more: str = "", body: str = "pass") -> str:
    return SOURCE.replace("{more}", more).replace("{body}", body)


def cards(place):
    access = place.access
    run = find_run(access, "F", "1")
    return {
        card.id: card
        for record in access.reader.tasks(run.id, "start")
        for card in cards_of_task(TaskFacts(run, record))
    }


def test_a_task_killed_while_it_refreshes_leaves_its_last_card(make_place) -> None:
    place = make_place(flow(body=REFRESHES))
    process = place.start("run")
    os.kill(int(place.wait_for("pid")), signal.SIGKILL)
    done = place.wait(process)
    assert done.status == 1
    card = cards(place)["first"]
    assert card.record.state == "rendered"
    assert "as far as it came" in card.get()
    assert card.get_data() is not None
    assert place.damaged_blobs() == []
    place.no_process_left()


def test_control_killed_while_it_renders_loses_no_card(make_place) -> None:
    place = make_place(flow('@card(type="waits", id="second")'))
    process = place.start("run")
    place.wait_for("rendering")
    (control,) = [
        pid for pid, line in marked(place.mark).items() if "falaj_control.process" in line
    ]
    os.kill(control, signal.SIGKILL)
    place.wait(process)
    place.no_process_left()
    found = cards(place)
    assert found["second"].record.state == "open"
    assert "as far as it came" in found["first"].get()
    (place.folder / "go").touch()
    place.run("card", "create", "start", "--type", "waits", "--id", "second")
    assert cards(place)["second"].get() == "rendered"


def test_the_launcher_killed_while_a_card_is_rendered_leaves_no_process(make_place) -> None:
    place = make_place(flow('@card(type="waits", id="second")'))
    process = place.start("run")
    place.wait_for("rendering")
    process.kill()
    process.wait()
    place.no_process_left()
    assert "as far as it came" in cards(place)["first"].get()


def test_a_card_process_that_is_killed_fails_its_card_alone(make_place) -> None:
    place = make_place(flow('@card(type="waits", id="second")'))
    process = place.start("run")
    os.kill(int(place.wait_for("rendering")), signal.SIGKILL)
    assert place.wait(process).status == 0
    card = cards(place)["second"]
    assert card.record.state == "failed"
    assert "SIGKILL" in card.get()
