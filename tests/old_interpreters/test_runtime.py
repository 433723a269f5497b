"""A flow on any interpreter: described, its orders executed, frames and failures as data."""

import json
import os
import shutil
import socket
import sys
import tempfile
import unittest

from falaj.authoring.collect import describe
from falaj.errors import ParameterError
from falaj.model.graph import FlowDescription
from falaj.model.orders import FALLBACK, INIT, TASK, InputRef, Order, Report
from falaj.runtime import wire
from falaj.runtime.execute import execute
from falaj.runtime.failure import describe_exception
from falaj.runtime.flowfile import load_flow
from falaj.runtime.introduction import introduce
from falaj.store.artifacts import load_artifact
from falaj.store.blobs import BlobStore
from falaj.store.manifests import load_manifest

SOURCE = '''
from falaj import FlowSpec, Parameter, catch, retry, step


class OldFlow(FlowSpec):
    """What it is for."""

    constant = 7
    alpha = Parameter("alpha", type=int, default=3, help="a number")
    needed = Parameter("needed", required=True)

    @step
    def start(self):
        self.xs = ["a", "b", self.needed]
        self.large = u"\\u00fc" * 20000
        self.next(self.body, foreach="xs")

    @catch(var="problem", print_exception=False)
    @retry(times=2, minutes_between_retries=0)
    @step
    def body(self):
        if self.input == "b":
            raise ValueError("not b")
        self.y = self.input * self.alpha
        self.next(self.join)

    @step
    def join(self, inputs):
        self.ys = [getattr(one, "y", None) for one in inputs]
        self.merge_artifacts(inputs, include=["large"])
        self.next(self.end)

    @step
    def end(self):
        assert self.constant == 7


if __name__ == "__main__":
    OldFlow()
'''


class FlowCase(unittest.TestCase):
    """A flow that was imported from a file, and a store."""

    def setUp(self):
        folder = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, folder)
        self.path = os.path.join(folder, "flow.py")
        with open(self.path, "wb") as file:
            file.write(SOURCE.encode("utf-8"))
        main = sys.modules["__main__"]
        self.addCleanup(sys.modules.__setitem__, "__main__", main)
        _, self.flow = load_flow(self.path, SOURCE.encode("utf-8"), None, "OldFlow")
        self.store = BlobStore(os.path.join(folder, "store"))


class Descriptions(FlowCase):
    """The graph and parameters as plain values."""

    def test_a_flow_is_described_from_its_source(self):
        found = describe(self.flow)
        self.assertEqual((found.name, found.doc), ("OldFlow", "What it is for."))
        self.assertEqual(
            [(step.name, step.kind, step.targets, step.foreach) for step in found.steps],
            [
                ("start", "foreach", ("body",), "xs"),
                ("body", "linear", ("join",), None),
                ("join", "linear", ("end",), None),
                ("end", "end", (), None),
            ],
        )
        self.assertEqual(
            sorted(decorator.name for decorator in found.step("body").decorators),
            ["catch", "retry"],
        )
        self.assertEqual([one.name for one in found.parameters], ["alpha", "needed"])
        self.assertEqual(found.parameters[0].type, "int")
        again = FlowDescription.from_wire(json.loads(json.dumps(found.to_wire())))
        self.assertEqual(again, found)


class Orders(FlowCase):
    """A run in this very process, order by order."""

    def setUp(self):
        super(Orders, self).setUp()
        self.description, hello = introduce(self.flow, {})
        self.assertEqual(hello["problems"], [])
        self.constants = hello["constants"]

    def execute(self, kind, step="", task=0, inputs=(), frames=(), parameters=None, **more):
        context = {
            "store": self.store.root,
            "user": "ada",
            "namespace": None,
            "default_namespace": None,
            "origin": None,
            "tags": [],
            "constants": self.constants,
            "parameters": more.pop("given", {}),
            "died": "killed",
        }
        options = more.pop("options", {})
        order = Order(
            kind, "OldFlow", 1, step, task, 0, inputs, frames, parameters, options, context
        )
        order = Order.from_wire(json.loads(json.dumps(order.to_wire())))
        report = execute(self.flow, self.description, order)
        return Report.from_wire(json.loads(json.dumps(report.to_wire())))

    def value(self, report, name):
        entry = load_manifest(self.store, report.manifest).entry(name)
        self.assertIsNotNone(entry)
        return load_artifact(self.store, entry, name)

    def test_parameters_are_settled(self):
        report = self.execute(INIT, given={"needed": "c"})
        self.assertEqual(report.outcome, "succeeded")
        self.assertEqual(
            [self.value(report, n) for n in ("alpha", "needed", "constant")], [3, "c", 7]
        )

    def test_a_parameter_that_is_missing_is_told(self):
        report = self.execute(INIT)
        self.assertEqual((report.outcome, report.error.type), ("failed", ParameterError.__name__))
        self.assertIn("--needed", report.error.message)

    def test_tasks_run_from_the_first_to_the_join(self):
        settled = self.execute(INIT, given={"needed": "c"}).manifest
        start = self.execute(TASK, "start", 1, parameters=settled)
        self.assertEqual(start.outcome, "succeeded", start.error)
        going = start.transition
        self.assertEqual((going.targets, going.foreach, going.width), (("body",), "xs", 3))
        refs = []
        for index, outcome in enumerate(["succeeded", "caught", "succeeded"]):
            body = self.execute(
                TASK,
                "body",
                2 + index,
                inputs=(InputRef("start", 1, start.manifest),),
                frames=(("start", "xs", index, 3, going.values),),
                parameters=settled,
                options={
                    "catch": {"var": "problem", "print_exception": False},
                    "last_attempt": True,
                },
            )
            self.assertEqual(body.outcome, outcome, body.error)
            refs.append(InputRef("body", 2 + index, body.manifest))
            if outcome == "caught":
                self.assertEqual(body.error.type, "ValueError")
                self.assertIn("not b", str(self.value(body, "problem")))
            else:
                self.assertEqual(body.label, "xs=" + "abc"[index])
        join = self.execute(TASK, "join", 5, inputs=tuple(refs), parameters=settled)
        self.assertEqual(join.outcome, "succeeded", join.error)
        self.assertEqual(self.value(join, "ys"), ["aaa", None, "ccc"])
        self.assertEqual(len(self.value(join, "large")), 20000)
        self.assertGreaterEqual(join.usage["wall"], 0)

    def test_a_failure_is_a_report_with_the_users_frames(self):
        settled = self.execute(INIT, given={"needed": "c"}).manifest
        start = self.execute(TASK, "start", 1, parameters=settled)
        body = self.execute(
            TASK,
            "body",
            2,
            inputs=(InputRef("start", 1, start.manifest),),
            frames=(("start", "xs", 1, 3, start.transition.values),),
            parameters=settled,
        )
        self.assertEqual((body.outcome, body.error.message), ("failed", "not b"))
        self.assertIn('raise ValueError("not b")', body.error.traceback)
        self.assertNotIn("execute.py", body.error.traceback)
        self.assertTrue(body.error.location.startswith(self.path))

    def test_a_fallback_applies_the_catch_without_the_body(self):
        settled = self.execute(INIT, given={"needed": "c"}).manifest
        catch = {"catch": {"var": "problem", "print_exception": False}, "last_attempt": True}
        start = self.execute(TASK, "start", 1, parameters=settled)
        report = self.execute(
            FALLBACK,
            "body",
            2,
            inputs=(InputRef("start", 1, start.manifest),),
            frames=(("start", "xs", 0, 3, start.transition.values),),
            parameters=settled,
            options=catch,
        )
        self.assertEqual(report.outcome, "caught")
        self.assertIn("killed", str(self.value(report, "problem")))


class Frames(unittest.TestCase):
    """Frames and files through a socket."""

    def test_frames_cut_at_every_byte_are_put_together(self):
        frames = [(wire.ORDER, 5, {"a": [1, "\u00fc"]}), (wire.EXIT, 0, 3)]
        data = b"".join(wire.pack(*frame) for frame in frames)
        for cut in range(1, len(data)):
            ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
            receiver, found = wire.Receiver(theirs), []
            for piece in (data[:cut], data[cut:]):
                ours.sendall(piece)
                receiver.receive()
                found.extend((one.kind, one.number, one.json()) for one in receiver.messages())
            self.assertEqual(found, frames)
            ours.close()
            theirs.close()

    def test_files_travel_beside_a_frame(self):
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        read, write = os.pipe()
        wire.send_with_files(ours, wire.pack(wire.ORDER, 1), [write])
        os.close(write)
        receiver = wire.Receiver(theirs)
        self.assertEqual(receiver.wait().number, 1)
        (file,) = receiver.take_files(1)
        os.write(file, b"through")
        os.close(file)
        self.assertEqual(os.read(read, 99), b"through")
        os.close(read)
        ours.close()
        theirs.close()


class Unshowable(Exception):
    """An error whose text fails."""

    def __str__(self):
        raise ZeroDivisionError


class Failures(unittest.TestCase):
    """Exceptions as data."""

    def describe(self, error):
        try:
            raise error
        except Exception as caught:
            info = describe_exception(caught)
        json.dumps(info).encode("utf-8")
        return info

    def test_any_exception_can_be_described(self):
        self.assertEqual(self.describe(ValueError("bad")).message, "bad")
        self.assertEqual(self.describe(ValueError("\udcff")).message, "\\udcff")
        self.assertIn("ZeroDivisionError", self.describe(Unshowable()).message)
        self.assertTrue(self.describe(ParameterError("x")).tells_all)

    def test_a_chain_is_shown_whole(self):
        try:
            try:
                raise KeyError("first")
            except KeyError as error:
                raise ValueError("second") from error
        except ValueError as caught:
            shown = describe_exception(caught).traceback
        self.assertLess(shown.index("first"), shown.index("second"))

    def test_a_chain_that_closes_on_itself_comes_to_an_end(self):
        first, second = ValueError("one"), ValueError("two")
        first.__cause__, second.__cause__ = second, first
        self.assertIn("one", self.describe(first).traceback)


if __name__ == "__main__":
    unittest.main()
