"""Parameters: types, sources of a value and their order, files, wrong values."""

import json

import pytest

ALL = """
class F(FlowSpec):
    text = Parameter("text", default="abc")
    count = Parameter("count", default=3)
    ratio = Parameter("ratio", default=0.5)
    flag = Parameter("flag", default=False)
    config = Parameter("config", type=JSONType, default='{"a": [1, 2]}')
    words = Parameter("words", separator=",", default="x,y")
    nothing = Parameter("nothing")
    typed = Parameter("typed", type=int)
    renamed = Parameter("with-dash", default=1)

    @step
    def start(self):
        self.seen = (self.text, self.count, self.ratio, self.flag, self.config, self.words,
            self.nothing, self.typed, self.renamed)
        self.next(self.end)

    @step
    def end(self):
        self.later = (self.text, self.count, self.config)
"""


def test_defaults_of_every_type(project):
    data = project.run(ALL).data
    seen = ("abc", 3, 0.5, False, {"a": [1, 2]}, ["x", "y"], None, None, 1)
    assert data.seen == seen
    assert [type(value) for value in data.seen] == [type(value) for value in seen]
    assert data.later == ("abc", 3, {"a": [1, 2]})


def test_values_of_every_type_from_the_command_line(project):
    result = project.run(
        ALL,
        *("--text", "Größe 🐫"),
        *("--count", "-7"),
        *("--ratio", "1e3"),
        *("--flag", "True"),
        *("--config", '[null, {"b": "é"}]'),
        *("--words", "one,,three "),
        *("--nothing", ""),
        *("--typed", "5"),
        *("--with-dash", "9"),
    )
    assert result.data.seen == (
        "Größe 🐫",
        -7,
        1000.0,
        True,
        [None, {"b": "é"}],
        ["one", "", "three "],
        "",
        5,
        9,
    )
    assert result.run.parameters.count == -7
    assert result.run.parameters.renamed == 9


@pytest.mark.parametrize("word", ["true", "True", "1", "yes", "on", "t"])
def test_words_for_true(project, word):
    assert project.run(ALL, "--flag", word).data.seen[3] is True


def test_the_command_line_wins_over_the_environment_and_this_over_the_default(project):
    env = {
        "FALAJ_RUN_COUNT": "10",
        "FALAJ_RUN_TEXT": "from the environment",
        "FALAJ_RUN_FLAG": "yes",
        "FALAJ_RUN_WORDS": "e,n,v",
        "FALAJ_RUN_CONFIG": '{"from": "env"}',
        "FALAJ_RUN_WITH_DASH": "4",
    }
    data = project.run(ALL, "--count", "20", env=env).data
    assert data.seen == (
        "from the environment",
        20,
        0.5,
        True,
        {"from": "env"},
        ["e", "n", "v"],
        None,
        None,
        4,
    )


@pytest.mark.parametrize(
    ("option", "value", "says"),
    [
        ("--count", "many", "whole number"),
        ("--count", "1.5", "whole number"),
        ("--ratio", "half", "number"),
        ("--flag", "perhaps", "true or false"),
        ("--config", "{not json", "JSON"),
        ("--typed", "", "whole number"),
    ],
)
def test_a_wrong_value_gives_a_sentence_and_no_run(project, option, value, says):
    result = project.run(ALL, option, value, code=2)
    assert says in result.err
    assert option.lstrip("-") in result.err
    assert "Traceback" not in result.err
    assert not (project.home / "records.db").exists() or not list_runs(project)


def list_runs(project):
    from falaj import Falaj

    return [run for flow in Falaj() for run in flow]


def test_a_wrong_value_in_the_environment_names_it(project):
    result = project.run(ALL, env={"FALAJ_RUN_COUNT": "many"}, code=2)
    assert "count" in result.err.lower()
    assert "many" in result.err
    assert "Traceback" not in result.err


def test_an_unknown_option_suggests_the_near_miss(project):
    result = project.run(ALL, "--conut", "3", code=2)
    assert "--count" in result.err


REQUIRED = """
class F(FlowSpec):
    alpha = Parameter("alpha", required=True, help="the very first letter", type=float)

    @step
    def only(self):
        self.seen = self.alpha
"""


def test_a_required_parameter(project):
    result = project.run(REQUIRED, code=2)
    assert "alpha" in result.err
    assert "Traceback" not in result.err
    assert project.command("run", "--alpha", "2").data.seen == 2.0
    assert project.command("run", env={"FALAJ_RUN_ALPHA": "3"}).data.seen == 3.0
    assert "the very first letter" in project.command("run", "--help").out


COMPUTED = """
def count(context):
    with open("calls", "a") as file:
        file.write("called\\n")
    assert context.flow_name == "F"
    assert context.parameter_name == "stamp"
    return 41 + 1

class F(FlowSpec):
    stamp = Parameter("stamp", type=int, default=count)
    user = Parameter("user", default=lambda context: context.user_name)

    @step
    def start(self):
        self.items = range(4)
        self.next(self.body, foreach="items")

    @step
    def body(self):
        self.seen = self.stamp
        self.next(self.join)

    @step
    def join(self, inputs):
        self.all = [one.seen for one in inputs]
        self.next(self.end)

    @step
    def end(self):
        pass
"""


def test_a_deploy_time_function_is_called_exactly_once(project):
    data = project.run(COMPUTED, env={"FALAJ_USER": "ada"}).data
    assert data.all == [42] * 4
    assert data.user == "ada"
    assert (project.folder / "calls").read_text() == "called\n"


TALKING = """
def talks(context):
    context.logger("told by the logger")
    print("printed,", end=" ")
    print("without an end", end="")
    return "x"

def read(text):
    print("parsing")
    return text

class F(FlowSpec):
    value = Parameter("value", default=talks)
    file = IncludeFile("file", default=__file__, parser=read)

    @step
    def start(self):
        pass
"""


@pytest.mark.parametrize("isolation", ["fork", "spawn"])
def test_what_default_functions_and_parsers_print_is_shown(project, isolation):
    out = project.run(TALKING, "--isolation", isolation).out
    lines = [line.partition(" ")[2].partition(" ")[2] for line in out.splitlines()]
    said = lines[: next(i for i, line in enumerate(lines) if "Task is starting" in line)]
    assert "told by the logger" in said
    assert "printed, without an endparsing" in said
    assert "told by" not in project.command("--quiet", "run").out


def test_a_deploy_time_function_is_not_called_for_a_value_that_is_given(project):
    assert project.run(COMPUTED, "--stamp", "7").data.all == [7] * 4
    assert not (project.folder / "calls").exists()


def test_a_deploy_time_function_is_called_by_no_other_command(project):
    project.write(COMPUTED)
    for command in ("show", "check"):
        project.command(command)
    project.command("run", "--help")
    assert not (project.folder / "calls").exists()


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ("1 / 0", "division by zero"),
        ("exit('/ done')", "failed with SystemExit: / done"),
        ("'text'", "int was expected"),
        ("None", "int was expected"),
    ],
)
def test_a_deploy_time_function_that_fails(project, body, says):
    result = project.run(
        f"""
        def compute(context):
            return {body}

        class F(FlowSpec):
            stamp = Parameter("stamp", type=int, default=compute)

            @step
            def only(self):
                pass
        """,
        code=1,
    )
    assert says in result.err
    assert "stamp" in result.err
    assert "/falaj/" not in result.err
    assert f"flow.py:{project.line_of('return' if '/' in body else 'def compute')}" in result.err
    assert result.run.state == "failed"


FILE = """
class F(FlowSpec):
    source = IncludeFile("source", {options})

    @step
    def start(self):
        self.next(self.end)

    @step
    def end(self):
        self.seen = self.source
"""


@pytest.mark.parametrize(
    ("options", "content", "seen"),
    [
        ("", "größe 🐫\r\n".encode(), "größe 🐫\r\n"),
        ("is_text=True", b"", ""),
        ("is_text=False", b"\x00\xff\x80", b"\x00\xff\x80"),
        ("encoding='latin-1'", b"gr\xf6\xdfe", "größe"),
        ("encoding='utf-16'", "ab".encode("utf-16"), "ab"),
        ("parser='json.loads'", b'{"a": 1}', {"a": 1}),
        ("parser=str.split", b"a b", ["a", "b"]),
        ("is_text=False, parser=len", b"\x00\x01", 2),
        ("parser=lambda text: {'lines': text.splitlines()}", b"a\nb", {"lines": ["a", "b"]}),
    ],
)
def test_an_included_file(project, options, content, seen):
    path = project.folder / "input.dat"
    path.write_bytes(content)
    result = project.run(FILE.replace("{options}", options), "--source", path)
    assert result.data.seen == seen
    # The run keeps the content, not the path.
    path.unlink()
    assert result.data.source == seen


def test_an_included_file_in_the_home_folder_by_default_and_by_environment(project):
    (project.folder / "input.txt").write_text("at home")
    (project.folder / "other.txt").write_text("another")
    source = FILE.replace("{options}", "default='~/input.txt'")
    env = {"HOME": str(project.folder)}
    assert project.run(source, env=env).data.seen == "at home"
    assert project.run(source, "--source", "~/other.txt", env=env).data.seen == "another"
    env["FALAJ_RUN_SOURCE"] = "other.txt"
    assert project.run(source, env=env).data.seen == "another"


def test_no_file_where_none_is_required(project):
    assert project.run(FILE.replace("{options}", "")).data.seen is None


@pytest.mark.parametrize(
    ("options", "given", "code", "says"),
    [
        ("required=True", None, 2, "source"),
        ("", "absent.txt", 2, "absent.txt"),
        ("", ".", 2, "folder"),
        ("", "s3://bucket/key", 2, "local file"),
        ("default='absent.txt'", None, 1, "absent.txt"),
        ("", "binary.dat", 1, "utf-8"),
        ("parser='json.loads'", "text.txt", 1, "parser"),
        ("parser='nowhere.at_all'", "text.txt", 1, "nowhere.at_all"),
        ("parser=exit", "text.txt", 1, "failed with SystemExit"),
    ],
)
def test_a_file_that_cannot_be_had(project, options, given, code, says):
    (project.folder / "binary.dat").write_bytes(b"\xff\xfe\x00")
    (project.folder / "text.txt").write_text("no json")
    arguments = () if given is None else ("--source", given)
    result = project.run(FILE.replace("{options}", options), *arguments, code=code)
    assert says in result.err
    assert "source" in result.err or "flow.py:3:" in result.err
    assert "/falaj/" not in result.err


BIG = """
class F(FlowSpec):
    text = Parameter("text", default="")
    config = Parameter("config", type=JSONType, default="{}")
    file = IncludeFile("file")

    @step
    def start(self):
        self.items = [1, 2]
        self.next(self.body, foreach="items")

    @step
    def body(self):
        self.sizes = (len(self.text), len(self.config.get("big", "")), len(self.file or ""))
        self.next(self.join)

    @step
    def join(self, inputs):
        self.merge_artifacts(inputs)
        self.next(self.end)

    @step
    def end(self):
        pass
"""
SIZE = 2 * 1024 * 1024


def test_a_file_of_two_megabytes(project):
    path = project.folder / "big.txt"
    path.write_text("x" * SIZE)
    result = project.run(BIG, "--file", path)
    assert result.data.sizes == (0, 0, SIZE)
    assert len(result.data.file) == SIZE


def test_as_much_text_as_the_system_lets_through(project):
    # Linux takes at most 128 KB for one argument or variable.
    text = "y" * 120_000
    config = json.dumps({"big": "z" * 120_000})
    data = project.run(BIG, "--text", text, "--config", config).data
    assert data.sizes == (120_000, 120_000, 0)
    env = {"FALAJ_RUN_TEXT": text, "FALAJ_RUN_CONFIG": config}
    assert project.run(BIG, env=env).data.sizes == (120_000, 120_000, 0)


@pytest.mark.parametrize("isolation", ["fork", "spawn"])
def test_two_megabytes_in_several_parameters(project, isolation):
    names = [f"p{number}" for number in range(12)]
    declared = "\n".join(f"    {name} = Parameter('{name}', default='')" for name in names)
    source = f"""
class F(FlowSpec):
{declared}

    @step
    def start(self):
        self.sizes = [len(getattr(self, name)) for name in {names}]
        self.next(self.end)

    @step
    def end(self):
        pass
"""
    value = "w" * 118_000
    arguments = [part for name in names[:6] for part in (f"--{name}", value)]
    env = {f"FALAJ_RUN_{name.upper()}": value for name in names[6:]}
    data = project.run(source, *arguments, "--isolation", isolation, env=env).data
    assert data.sizes == [118_000] * 12


@pytest.mark.parametrize(
    ("declared", "says"),
    [
        ('Parameter("tag", default=1)', "tag"),
        ('Parameter("run-id", default=1)', "run-id"),
        ('Parameter("max_workers", default=1)', "max_workers"),
        ('Parameter("x", default="a", type=int)', "x"),
    ],
)
def test_a_wrong_declaration_is_refused_with_its_line(project, declared, says):
    result = project.run(
        f"""
        class F(FlowSpec):
            attribute = {declared}

            @step
            def start(self):
                self.next(self.end)

            @step
            def end(self):
                pass
        """,
        code=None,
    )
    assert result.code == 1
    assert says in result.err
    assert f"flow.py:{project.line_of('attribute =')}" in result.err


def test_two_parameters_of_one_name(project):
    result = project.fail(
        """
        class F(FlowSpec):
            one = Parameter("same", default=1)
            two = Parameter("SAME", default=2)

            @step
            def only(self):
                pass
        """
    )
    assert "same" in result.err.lower()
