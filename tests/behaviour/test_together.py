"""Features side by side in one flow: each does what it does alone."""

import json

import pytest

from falaj import Run, Task
from falaj.cards import get_cards
from falaj_control.cli.main import run_tool

HEAD = """
    import json, os, sys, time
    from falaj.cards import Markdown

    def fails(name):
        return name in os.environ.get("FAIL", "").split()

    def hook(run):
        print("hook:", run.id, run.successful, sorted(run.metrics))

    @user_step_decorator
    def noted(step_name, flow, inputs=None, attributes=None):
        flow.order = ["before"]
        yield
        flow.order = [*flow.order, "after"]
"""

GANG = (
    HEAD
    + """
    @exit_hook(on_success=[hook], on_error=[hook])
    class F(FlowSpec):
        settings = Config("settings", default_value='{"tries": 2, "size": 2}')

        @step
        def start(self):
            self.items = ["a", "b"]
            self.next(self.open, foreach="items")

        @step
        def open(self):
            self.letter = self.input
            self.next(self.member, num_parallel=self.settings.size)

        @retry(times=settings.tries, minutes_between_retries=0)
        @timeout(seconds=50)
        @card(type="blank")
        @noted
        @parallel
        @step
        def member(self):
            me = current.parallel
            current.log_metric("seen", me.node_index + 10 * current.retry_count)
            current.log_param("size", me.num_nodes)
            current.card.append(Markdown("node %d of %s" % (me.node_index, self.letter)))
            if me.node_index == 1 and current.retry_count == 0 and self.letter == "a":
                raise ValueError("the first try of a fails")
            if me.node_index == 0 and fails("member"):
                raise ValueError("as asked")
            self.mine = "%s%d" % (self.letter, me.node_index)
            self.next(self.together)

        @step
        def together(self, inputs):
            self.parts = [one.mine for one in inputs]
            self.orders = [one.order for one in inputs]
            self.next(self.join)

        @step
        def join(self, inputs):
            self.all = [one.parts for one in inputs]
            self.orders = [one.orders for one in inputs]
            self.next(self.end)

        @catch(var="trouble")
        @step
        def end(self):
            if fails("end"):
                raise LookupError("caught")
"""
)


def page(task: Task) -> str:
    (card,) = get_cards(task)
    return card.get()


def test_a_gang_in_a_foreach_with_retry_card_metrics_config_and_decorators(project):
    done = project.run(GANG, "--max-workers", 4)
    run = done.run
    assert run.data.all == [["a0", "a1"], ["b0", "b1"]]
    assert run.data.orders == [[["before", "after"]] * 2] * 2
    assert set(run.metrics["seen"].values) == {10, 11, 0, 1}
    # Which of the two gangs is planned first is a matter of which branch is quicker.
    members = sorted(run["member"], key=lambda task: task.data.mine)
    assert [task.current_attempt for task in members] == [1, 1, 0, 0]
    assert [
        f"node {n} of {letter}" in page(task)
        for task, (letter, n) in zip(members, [("a", 0), ("a", 1), ("b", 0), ("b", 1)], strict=True)
    ] == [True] * 4
    assert run.logged_params == {"size": 2}
    assert "hook: 1 True" in done.out + done.err


def test_a_gang_that_fails_for_good_is_resumed_with_what_is_whole(project):
    project.fail(GANG, "--max-workers", 4, env={"FAIL": "member"})
    failed = Run("F/1")
    assert not failed.successful
    assert "hook: 1 False" in (project.home / "logs" / "1" / "exit_hooks.log").read_text()
    done = project.resume("--max-workers", 4, env={"FAIL": "end"})
    assert done.run.data.all == [["a0", "a1"], ["b0", "b1"]]
    assert "LookupError" in str(done.run.data.trouble)
    assert "hook: 2 True" in (project.home / "logs" / "2" / "exit_hooks.log").read_text()
    assert run_tool(["doctor", "--deep"]) == 0


def test_config_of_the_command_line_holds_for_resume_and_spin(project):
    project.write(GANG)
    values = ("--config-value", "settings", '{"tries": 1, "size": 3}')
    project.command(*values, "run", "--max-workers", 6, env={"FAIL": "member"}, code=1)
    done = project.resume("--max-workers", 6)
    assert done.run.data.all == [["a0", "a1", "a2"], ["b0", "b1", "b2"]]
    spun = project.command("spin", "together", "--persist")
    assert "together" in spun.out + spun.err


def test_with_adds_retry_and_card_to_loops_and_switches(project):
    done = project.run(
        """
        import os
        from falaj.cards import Markdown

        class F(FlowSpec):
            @step
            def start(self):
                self.round = 0
                self.next(self.around)

            @step
            def around(self):
                self.round += 1
                current.log_metric("round", self.round, step=self.round)
                current.card.append(Markdown("round %d" % self.round))
                if self.round == 2 and current.retry_count == 0:
                    os.kill(os.getpid(), 9)
                self.kind = "more" if self.round < 3 else "left"
                self.next(
                    {"more": self.around, "left": self.left, "right": self.right}, condition="kind"
                )

            @step
            def left(self):
                self.side = "left"
                self.next(self.end)

            @step
            def right(self):
                self.side = "right"
                self.next(self.end)

            @step
            def end(self):
                self.rounds = self.round
        """,
        "--with",
        "retry:times=1,minutes_between_retries=0",
        "--with",
        "card:type=blank",
    )
    run = done.run
    assert (run.data.side, run.data.rounds) == ("left", 3)
    tasks = sorted(run["around"], key=lambda task: int(task.id))
    assert [task.current_attempt for task in tasks] == [0, 1, 0]
    assert [f"round {n}" in page(task) for n, task in enumerate(tasks, 1)] == [True] * 3
    # The round that was killed had logged its value.
    assert run.metrics["round"].steps in ([1, 2, 3], [1, 2, 2, 3])
    assert run_tool(["doctor", "--deep"]) == 0


@pytest.mark.parametrize("isolation", ["fork", "spawn"])
def test_catch_timeout_card_and_user_decorator_on_one_step(project, isolation):
    done = project.run(
        HEAD
        + """
    class F(FlowSpec):
        @step
        def start(self):
            self.next(self.slow)

        @catch(var="why")
        @timeout(seconds=1)
        @card(type="blank")
        @noted
        @step
        def slow(self):
            current.card.append(Markdown("was slow"))
            current.log_params({"kept": [1, 2]})
            try:
                time.sleep(600)
            finally:
                print("cleaned up")
            self.next(self.end)

        @step
        def end(self):
            self.got = type(self.why).__name__, self.order
    """,
        "--isolation",
        isolation,
    )
    run = done.run
    assert run.successful
    assert "TimeoutException" in str(run["slow"].task["why"].data)
    assert run.data.order == ["before"]
    assert "cleaned up" in run["slow"].task.stdout
    assert "was slow" in page(run["slow"].task)
    assert run.logged_params == {"kept": [1, 2]}


def test_what_a_run_with_everything_left_is_read_by_every_command(project, capfd):
    project.run(GANG, "--max-workers", 4)
    for command in (
        ["show", "1"],
        ["runs", "--json"],
        ["metrics", "1"],
        ["logs", "1/member"],
        ["diff", "1", "1"],
        ["card", "list", "1/member"],
        ["dump", "1/join"],
        ["doctor", "--deep"],
        ["gc", "--json"],
    ):
        assert run_tool(command) == 0, (command, capfd.readouterr())
        told = capfd.readouterr()
        assert "Traceback" not in told.out + told.err, command
    json.loads(told.out)
