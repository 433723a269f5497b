"""Configs: where their values are from, where they can be used, and what is said of mistakes."""

import json
import signal

import pytest

CPU = """
class F(FlowSpec):
    cfg = Config("cfg", default="cfg.json", help="Everything that can be set.")
    alpha = Parameter("alpha", default=cfg.alpha, help=cfg["about"])

    @environment(vars={"ONE": cfg.sub.one, "TWO": config_expr("cfg.alpha * 2")})
    @resources(**cfg.resources)
    @step
    def start(self):
        import os
        self.seen = [os.environ["ONE"], os.environ["TWO"], self.cfg.sub.one, self.cfg["alpha"]]
        self.next(self.end)

    @step
    def end(self):
        self.kept = dict(self.cfg)
"""
CONTENT = {"alpha": 4, "about": "How many.", "sub": {"one": "x"}, "resources": {"cpu": 1}}

SHOWN = """
class F(FlowSpec):
    cfg = Config("cfg"{arguments})

    @step
    def start(self):
        self.value = self.cfg if self.cfg is None else {expression}
        self.next(self.end)

    @step
    def end(self):
        pass
"""


def shown(arguments: str = "", expression: str = "self.cfg.to_dict()") -> str:
    """Return a flow whose config is declared with `arguments`."""
    return SHOWN.format(arguments=arguments, expression=expression)


def test_a_config_is_used_in_decorators_and_parameters(project):
    (project.folder / "cfg.json").write_text(json.dumps(CONTENT))
    data = project.run(CPU).data
    assert data.seen == ["x", "8", "x", 4]
    assert data.kept == CONTENT
    assert data.alpha == 4


def test_the_artifact_is_a_plain_dict(project):
    (project.folder / "cfg.json").write_text(json.dumps(CONTENT))
    run = project.run(CPU).run
    for step in run:
        assert type(step.task.data.cfg) is dict
        assert step.task.data.cfg == CONTENT


def test_help_and_show_tell_of_configs(project):
    (project.folder / "cfg.json").write_text(json.dumps(CONTENT))
    project.write(CPU)
    helped = project.command("run", "--help").out
    assert "cfg: Everything that can be set.  [default: cfg.json]" in helped
    assert "How many.  [default: 4]" in helped
    told = project.command("show").out
    assert '"alpha": 4' in told
    assert "(from cfg.json)" in told
    assert "@resources(cpu=1)" in told


@pytest.mark.parametrize(
    ("top", "variables", "expected"),
    [
        ((), {}, "default"),
        (("--config", "cfg", "other.json"), {}, "file"),
        (("--config-value", "cfg", '{"from": "typed"}'), {}, "typed"),
        ((), {"FALAJ_FLOW_CONFIG": '{"cfg": "other.json"}'}, "file"),
        ((), {"FALAJ_FLOW_CONFIG_VALUE": '{"cfg": {"from": "variable"}}'}, "variable"),
        (
            ("--config-value", "cfg", '{"from": "typed"}'),
            {"FALAJ_FLOW_CONFIG_VALUE": '{"cfg": {"from": "variable"}}'},
            "typed",
        ),
        (
            ("--config", "cfg", "other.json"),
            {"FALAJ_FLOW_CONFIG_VALUE": '{"cfg": {"from": "variable"}}'},
            "file",
        ),
    ],
)
def test_what_is_given_comes_before_the_default(project, top, variables, expected):
    (project.folder / "other.json").write_text('{"from": "file"}')
    project.write(shown(', default_value={"from": "default"}'))
    assert project.command(*top, "run", env=variables).data.value == {"from": expected}


def test_without_a_value_a_config_is_none(project):
    assert project.run(shown()).data.value is None


def test_both_for_one_name_is_a_usage_error(project):
    project.write(shown())
    refused = project.command(
        "--config", "cfg", "a.json", "--config-value", "cfg", "{}", "run", code=2
    )
    assert "Config `cfg` is given both as a file and as a value" in refused.err
    both = {"FALAJ_FLOW_CONFIG": '{"cfg": "a.json"}', "FALAJ_FLOW_CONFIG_VALUE": '{"cfg": {}}'}
    refused = project.command("run", code=2, env=both)
    assert "Config `cfg` is given both as a file and as a value" in refused.err
    project.command("--config-value", "cfg", '{"from": "typed"}', "run", env=both)


def test_a_name_that_no_config_has(project):
    project.write(shown())
    refused = project.command("--config-value", "cgf", "{}", "run", code=2)
    assert "--config-value cgf: F has no such Config (did you mean `cfg`?)" in refused.err


def test_a_flow_without_configs_refuses_them(project):
    project.write("class F(FlowSpec):\n    @step\n    def start(self):\n        pass\n")
    refused = project.command("--config-value", "cfg", "{}", "run", code=2)
    assert "F has no Config" in refused.err


def test_a_variable_that_is_no_json(project):
    project.write(shown())
    refused = project.command("run", code=2, env={"FALAJ_FLOW_CONFIG_VALUE": "{"})
    assert "FALAJ_FLOW_CONFIG_VALUE is no valid JSON" in refused.err


@pytest.mark.parametrize(
    ("arguments", "content", "message"),
    [
        (', default="a.json"', None, "flow.py:3: The file a.json of config `cfg` can't be read"),
        (', default="a.json"', '{\n"a": 1,,\n}', "a.json:2: Config `cfg` is no valid JSON"),
        (', default="a.json"', "[1]", "a.json: Config `cfg` is a list and no mapping"),
        (', default="a.json"', b"\xff", "a.json of config `cfg` can't be read: it is no UTF-8"),
        (', default="a.json", parser=toml_parser', "a =", "a.json: Config `cfg` is refused by its"),
        (', default="a.json", parser="no.such"', "a", "The parser 'no.such' of config `cfg`"),
        (', default="a.json", parser=lambda t: 1 / 0', "a", "ZeroDivisionError"),
        (', default="a", default_value="b"', None, "has both `default`, a file, and"),
        (", required=True", None, "Config `cfg` is required: give it before the command"),
        (", requird=True", None, "has no argument `requird` (did you mean `required`?)"),
        (
            ", default_value=lambda c: c.nothing",
            None,
            "The default function of config `cfg` failed",
        ),
        (", plain=True, default_value=lambda c: (lambda: 1)", None, "can't be pickled"),
        (', default="a.json", parser="broken.parse"', "a", "can't be imported: SyntaxError"),
        (", default_value='', parser=lambda t, d={}: d.setdefault(1, d)", None, "or holds itself"),
    ],
)
def test_what_is_wrong_with_a_config_is_told_with_its_place(project, arguments, content, message):
    if content is not None:
        data = content if isinstance(content, bytes) else content.encode()
        (project.folder / "a.json").write_bytes(data)
    project.write("def parse(", "broken.py")
    refused = project.fail(shown(arguments))
    assert refused.err.startswith("Config error:")
    assert message in refused.err
    assert "Traceback" not in refused.err
    assert "falaj/" not in refused.err


@pytest.mark.parametrize(
    ("arguments", "text", "expected"),
    [
        ("", '{"a": [1, {"b": 2}]}', {"a": [1, {"b": 2}]}),
        (", parser=toml_parser", "[a]\nb = 1\n", {"a": {"b": 1}}),
        (', parser=".authoring.parsers.toml_parser"', "b = 2", {"b": 2}),
        (", parser=lambda text: {'text': text}", "as it is", {"text": "as it is"}),
        (", parser=requirements_txt_parser", "x==1\n", {"packages": {"x": "1"}, "python": None}),
    ],
)
def test_parsers(project, arguments, text, expected):
    project.write(shown(arguments))
    assert project.command("--config-value", "cfg", text, "run").data.value == expected


def test_dates_of_toml_reach_the_steps(project):
    (project.folder / "a.toml").write_text("day = 2026-01-02\n")
    source = shown(', default="a.toml", parser=toml_parser', "self.cfg.day.isoformat()")
    project.write(source)
    assert project.command("run", "--isolation", "spawn").data.value == "2026-01-02"


def test_a_plain_config_is_what_its_parser_gives(project):
    project.write(shown(", plain=True, parser=lambda text: text.split()", "self.cfg"))
    assert project.command("--config-value", "cfg", "a b", "run").data.value == ["a", "b"]


def test_default_functions_know_the_flow(project):
    source = shown(", default_value=lambda ctx: {'flow': ctx.flow_name, 'p': ctx.parameter_name}")
    assert project.run(source).data.value == {"flow": "F", "p": "cfg"}


def test_default_functions_of_parameters_know_the_configs(project):
    data = project.run("""
        class F(FlowSpec):
            cfg = Config("cfg", default_value={"a": {"b": 3}})
            alpha = Parameter("alpha", type=int, default=lambda ctx: ctx.configs.cfg.a.b)

            @step
            def start(self):
                pass
    """).data
    assert data.alpha == 3


def test_a_config_can_not_be_assigned_or_changed(project):
    assigned = project.fail(shown(", default_value={'a': 1}", "setattr(self, 'cfg', 1)"))
    assert "Flow level attributes and Parameters are not modifiable: self.cfg" in assigned.out
    changed = project.fail(shown(", default_value={'a': 1}", "self.cfg.update(a=2)"))
    assert "A config can't be changed" in changed.out


@pytest.mark.parametrize(
    ("use", "message"),
    [
        ("times=cfg.no", "flow.py:{line}: `cfg.no`: `cfg` has no `no`; there is `nu` and `a`"),
        ("times=cfg.a.b", "`cfg.a.b`: `cfg.a` is 1, which has no `b`"),
        ("times=config_expr('nothing')", "`nothing` can't be evaluated: NameError"),
        ("times=config_expr('1 / 0')", "`1 / 0` can't be evaluated: ZeroDivisionError"),
        ("**cfg.a", "`**cfg.a` needs a dict in the config, and there is 1"),
        ("times=cfg.nu", "@retry: `times` takes a whole number from 0 to 100, not 'many'"),
    ],
)
def test_what_can_not_be_taken_from_a_config(project, use, message):
    refused = project.fail(f"""
        class F(FlowSpec):
            cfg = Config("cfg", default_value={{"nu": "many", "a": 1}})

            @retry({use})
            @step
            def start(self):
                pass
    """)
    line = project.line_of("Config(" if "cfg.no" in use else "@retry")
    assert message.format(line=line) in refused.err


@pytest.mark.parametrize(
    "use", ["int(f'{cfg.a}')", "3 if cfg.a else 4", "cfg.a.bit_length()", "cfg.a == 1", "[*cfg.a]"]
)
def test_a_value_that_is_not_known_yet_says_so(project, use):
    refused = project.fail(f"""
        class F(FlowSpec):
            cfg = Config("cfg", default_value={{"a": 1}})
            number = {use}

            @step
            def start(self):
                pass
    """)
    assert "its value is known only when the flow is described" in refused.err


def test_resume_keeps_the_configs(project):
    project.write(shown(', default_value={"a": 1}', "1 / self.cfg.a"))
    project.command("--config-value", "cfg", '{"a": 0}', "run", code=1)
    project.write(shown(', default_value={"a": 1}', "self.cfg.a"))
    refused = project.command("--config-value", "cfg", '{"a": 3}', "resume", code=2)
    assert "resume keeps the configs of the run that it continues" in refused.err
    assert project.resume(env={"FALAJ_FLOW_CONFIG_VALUE": '{"cfg": {"a": 4}}'}).data.value == 0
    (project.folder / "new.py").write_text("")
    again = project.command("--config-value", "cfg", '{"a": 5}', "run")
    assert again.data.value == 5


def test_a_required_config_comes_from_the_resumed_run(project):
    project.write(shown(", required=True"))
    first = project.command("--config-value", "cfg", '{"a": 2}', "run").run
    assert project.resume("start").data.value == {"a": 2}
    assert project.resume("start", "--origin-run-id", first.id).data.value == {"a": 2}


@pytest.mark.parametrize("name", [5, None, "a b", ""])
def test_a_name_that_can_not_be_used(project, name):
    refused = project.fail(shown().replace('Config("cfg"', f"Config({name!r}"))
    assert f"flow.py:3: Config name {name!r} can't be used" in refused.err
    assert "Traceback" not in refused.err


def test_resume_without_the_class_of_a_value(project):
    project.write("class Made(str): pass", "made.py")
    project.write(shown(', plain=True, default_value="a", parser="made.Made"', "1 / 0"))
    project.command("run", code=1)
    project.write("", "made.py")
    refused = project.resume(code=1)
    assert "The kept value of config `cfg` can't be read here: AttributeError" in refused.err
    assert "Traceback" not in refused.err


def test_ctrl_c_while_a_config_is_read_ends_quietly(project, until):
    project.write("""
        def parse(text):
            import pathlib, signal
            pathlib.Path("parsing").touch()
            signal.pause()

        class F(FlowSpec):
            cfg = Config("cfg", default_value="", parser=parse)

            @step
            def start(self):
                pass
    """)
    process = project.start("run")
    until(lambda: (project.folder / "parsing").exists())
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=60)
    assert (process.returncode, out) == (130, "")


def test_further_hosts_do_not_read_files_again(project):
    (project.folder / "cfg.json").write_text('{"a": 1}')
    result = project.run("""
        import os

        class F(FlowSpec):
            cfg = Config("cfg", default="cfg.json")

            @step
            def start(self):
                os.remove("cfg.json")
                self.next(self.end)

            @environment(vars={"X": "y"})
            @step
            def end(self):
                self.value = self.cfg.a
    """)
    assert result.data.value == 1


def test_configs_are_inherited_and_several_are_told_apart(project):
    data = project.run("""
        class Base(FlowSpec):
            one = Config("first-one", default_value={"key": "b", "b": {"times": 1}})

            @step
            def start(self):
                self.next(self.end)

            @step
            def end(self):
                pass

        class F(Base):
            two = Config("two", default_value={"names": ["x", {"y": 1}]})
            alpha = Parameter("alpha", default=config_expr("one[one.key].times"))
            beta = Parameter("beta", default=config_expr("first_one.b.times"))
            gamma = Parameter("gamma", default=config_expr("two.names")[1].y)
            delta = Parameter("delta", default=Base.one[Base.one.key].times)

            @step
            def start(self):
                self.value = (self.one.key, self.two.names[1].y)
                self.next(self.end)
    """).data
    assert data.value == ("b", 1)
    assert (data.alpha, data.beta, data.gamma, data.delta) == (1, 1, 1, 1)


def test_a_whole_config_is_unpacked(project):
    project.write("""
        class F(FlowSpec):
            cfg = Config("cfg", default_value={"packages": {"polars": "1.0"}, "python": "3.11"})
            text = Config("text", default_value={"help": "About.", "default": 3})
            alpha = Parameter("alpha", **text)

            @pypi(**cfg)
            @resources(**{"cpu": 1, **config_expr("{'memory': 100}")})
            @step
            def start(self):
                pass
    """)
    told = project.command("show").out
    assert "@resources(cpu=1, memory=100)" in told
    assert "@pypi(packages={'polars': '1.0'}, python='3.11')" in told
    assert "About.  [default: 3]" in project.command("run", "--help").out


def test_decorators_of_flows_and_cards_take_their_arguments_from_configs(project):
    source = """
        class Base(FlowSpec):
            cfg = Config("cfg", default_value={"project": {"name": "p"}, "events": ["a", "b"],
                         "upstream": {"flow": "Up"}, "hooks": ["told"], "id": "one",
                         "kind": {"kind": "k"}, "options": {"x": 1}})

        def told():
            pass

        @project(**Base.cfg.project)
        @trigger(events=Base.cfg.events)
        @trigger_on_finish(**Base.cfg.upstream)
        @exit_hook(on_error=Base.cfg.hooks, options=Base.cfg.options)
        class F(Base):
            @card(id=Base.cfg.id)
            @card(id="two")
            @custom_environment(**Base.cfg.kind, options=Base.cfg.options)
            @step
            def start(self):
                pass
    """
    project.write(source)
    told = project.command("show").out
    assert "@project(name='p')" in told
    assert "@trigger(events=['a', 'b'])" in told
    assert "@trigger_on_finish(flow='Up')" in told
    assert "@exit_hook(on_error=['told'], options={'x': 1})" in told
    assert "@card(id='one')" in told
    assert "@custom_environment(kind='k', options={'x': 1})" in told
    project.write(source.replace('id="two"', 'id="one"'))
    refused = project.command("show", code=1)
    assert "Step `start` has two of @card with the id 'one'" in refused.err


def test_two_configs_of_one_name(project):
    refused = project.fail("""
        class F(FlowSpec):
            one = Config("a-b", default_value={})
            two = Config("A_b", default_value={})

            @step
            def start(self):
                pass
    """)
    assert "Config `A_b` is specified twice (also as `one`)" in refused.err


def test_a_large_config_reaches_the_steps(project):
    content = {f"key{number}": "x" * 100 for number in range(20_000)}
    (project.folder / "big.json").write_text(json.dumps(content))
    data = project.run(shown(', default="big.json"', "len(self.cfg)")).data
    assert data.value == 20_000


def test_help_does_without_a_required_config(project):
    project.write(shown(", required=True"))
    assert "--config NAME FILE" in project.command("--help").out
    assert "--max-workers" in project.command("run", "--help").out
