"""`@package_sources` and `@package_suffixes`: what else is kept with the code of a run."""

import pytest

FLOW = """
    @{}
    class F(FlowSpec):
        @step
        def start(self):
            self.next(self.end)

        @step
        def end(self):
            pass
"""


@pytest.fixture
def around(project):
    """Give the flow a folder of its own, with others beside it."""
    for path in ("shared/a.py", "shared/deep/b.R", "shared/c.json", "one.txt", "flows/d.yaml"):
        file = project.folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(path, encoding="utf-8")
    project.path = project.folder / "flows" / "flow.py"
    return project


def files(around, decorator):
    text = "from falaj import *\n" + FLOW.format(decorator).replace("\n    ", "\n")
    around.path.write_text(text + '\nif __name__ == "__main__":\n    F()\n', encoding="utf-8")
    return around.command("run").run.code.files


@pytest.mark.parametrize(
    ("decorator", "expected"),
    [
        ("package_sources('../shared')", ["shared/a.py", "shared/deep/b.R"]),
        ("package_sources('../one.txt', arcname='x/y.txt')", ["x/y.txt"]),
        (
            "package_sources(['../one.txt', ('../shared', 'lib')], suffixes='json,PY')",
            ["lib/a.py", "lib/c.json", "one.txt"],
        ),
        ("package_suffixes(['.yaml'])", ["d.yaml"]),
    ],
)
def test_files_are_kept_with_the_code(around, decorator, expected):
    assert files(around, decorator) == sorted(["flow.py", *expected])


@pytest.mark.parametrize(
    ("decorator", "told"),
    [
        ("package_sources(['a', 'b'], arcname='c')", "takes `arcname` for a single source"),
        ("package_sources(7)", "7"),
        ("package_sources([7])", "takes paths, or pairs of a path and a name, not 7"),
    ],
)
def test_mistakes_are_told(around, decorator, told):
    text = "from falaj import *\n" + FLOW.format(decorator).replace("\n    ", "\n")
    around.path.write_text(text + '\nif __name__ == "__main__":\n    F()\n', encoding="utf-8")
    done = around.command("run", code=None)
    assert done.code != 0
    assert told in done.err
