"""Parameters: what may be declared, what may be typed, and the values that steps see."""

import json
import re

import pytest

from falaj import IncludeFile, JSONType, Parameter
from falaj.authoring.conversion import convert
from falaj.authoring.parameters import ParameterContext, evaluate_default
from falaj.errors import ParameterError
from falaj.hashing import blob_digest

CONTEXT = ParameterContext("F", "ann", "", print, "local", None)


@pytest.mark.parametrize(
    ("parameter", "kind", "default"),
    [
        (Parameter("p"), "str", None),
        (Parameter("p", default="x"), "str", "x"),
        (Parameter("p", default=1), "int", 1),
        (Parameter("p", default=0.5), "float", 0.5),
        (Parameter("p", default=False), "bool", False),
        (Parameter("p", default={"a": (1,)}), "json", {"a": [1]}),
        (Parameter("p", default=[1]), "json", [1]),
        (Parameter("p", type=JSONType, default='{"a": [1, null]}'), "json", {"a": [1, None]}),
        (Parameter("p", type=JSONType, default=3), "json", 3),
        (Parameter("p", type=int), "int", None),
        (Parameter("p", type=int, default="3"), "int", 3),
        (Parameter("p", type=float, default=1), "float", 1.0),
        (Parameter("p", type=bool, default=1), "bool", True),
        (Parameter("p", type=bool, default="no"), "bool", False),
        (Parameter("p", type=str, default=5), "str", "5"),
        (Parameter("p", default="a,b", separator=","), "str", ["a", "b"]),
        (Parameter("p", default="a,b", separator=""), "str", "a,b"),
        (Parameter("p", default=lambda context: 1), "str", None),
        (Parameter("p", type=int, default=lambda context: 1), "int", None),
        (IncludeFile("p"), "file", None),
        (IncludeFile("p", default="a.csv"), "file", "a.csv"),
    ],
)
def test_type_and_default(parameter, kind, default):
    spec = parameter.spec("attribute")
    assert (spec.name, spec.attribute, spec.type) == ("p", "attribute", kind)
    assert spec.default == default
    assert type(spec.default) is type(default)
    assert spec.computed_default == callable(parameter.default)
    assert json.loads(json.dumps(spec._asdict())) == spec._asdict()


def test_the_other_fields():
    plain = Parameter("p").spec("a")
    assert (plain.required, plain.help, plain.show_default) == (False, "", True)
    assert Parameter("p", required=True).spec("a").required
    # A default makes a parameter optional, whatever else is said.
    assert not Parameter("p", required=True, default=1).spec("a").required
    assert not Parameter("p", show_default=False).spec("a").show_default
    assert Parameter("p", help="Rate.", hidden=True).spec("a").help == "Rate."
    file = IncludeFile("p", is_text=False, encoding="latin-1").spec("a")
    assert (file.is_text, file.encoding) == (False, "latin-1")
    assert plain.line < file.line


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda: Parameter("tag"), "Parameter name `tag` is reserved: `--tag` is an option of"),
        (lambda: Parameter("run_id"), "Parameter name `run_id` is reserved"),
        (lambda: Parameter("a b"), "Parameter name 'a b' can't be an option; use letters"),
        (lambda: Parameter("1a"), "Parameter name '1a' can't be an option"),
        (lambda: Parameter(""), "Parameter name '' can't be an option"),
        (lambda: Parameter(3), "A parameter's name is a text, not 3."),
        (
            lambda: Parameter("p", defualt=3),
            "Parameter `p` has no argument `defualt` (did you mean `default`?); it takes `default`",
        ),
        (lambda: Parameter("p", multiple=True), "Parameter `p` has no argument `multiple`"),
        (
            lambda: Parameter("p", separator=len),
            "Parameter `p`: `separator` can't be a function; only `default` can.",
        ),
        (lambda: Parameter("p", required=len), "Parameter `p`: `required` can't be a function"),
        (lambda: Parameter("p", separator=3), "Parameter `p`: `separator` is a text, such as ','."),
        (
            lambda: Parameter("p", default=1, separator=","),
            "`separator` is for text, and parameter `p` is of type int; take `separator` away or",
        ),
        (
            lambda: Parameter("p", type=int, default=lambda context: 1, separator=","),
            "`separator` is for text, and parameter `p` is of type int",
        ),
        (
            lambda: Parameter("p", type=int, default="many"),
            "In the default: Parameter `p` takes a whole number, such as 5 (int), not 'many'.",
        ),
        (
            lambda: Parameter("p", type=int, default=1.5),
            "In the default: Parameter `p` takes a whole number, such as 5 (int), not 1.5 (float).",
        ),
        (lambda: Parameter("p", type=int, default=True), "In the default: Parameter `p` takes a"),
        (lambda: Parameter("p", type=str, default=[1]), "In the default: Parameter `p` takes a"),
        (
            lambda: Parameter("p", type=JSONType, default="{a: 1}"),
            "In the default: Parameter `p` takes JSON, such as '[1, 2]' or '{\"rate\": 0.1}' (json)"
            ", not '{a: 1}'.",
        ),
        (
            lambda: Parameter("p", default={"a": {1}}),
            "In the default: Parameter `p` takes JSON, and this dict can't be written as JSON",
        ),
        (lambda: Parameter("p", default=1j), "Parameter `p`: a default can't be a complex; use"),
        (lambda: Parameter("p", type=list), "Parameter `p`: type=list is not supported; use str"),
        (
            lambda: IncludeFile("p", default="s3://bucket/a.csv"),
            "In the default: Parameter `p` takes the path of a local file, not the address "
            "'s3://bucket/a.csv'",
        ),
        (
            lambda: IncludeFile("p", default=3),
            "IncludeFile `p`: the default is the path of a file, not 3.",
        ),
        (
            lambda: IncludeFile("p", encoding="utf-9"),
            "IncludeFile `p`: there is no encoding 'utf-9'.",
        ),
        (lambda: IncludeFile("p", parser=3), "IncludeFile `p`: `parser` is a function or a dotted"),
        (
            lambda: IncludeFile("p", type=int),
            "Parameter `p` has no argument `type`",
        ),
    ],
)
def test_wrong_declaration_is_told_with_its_line(make, told):
    with pytest.raises(ParameterError) as caught:
        make().spec("attribute")
    place, _, message = str(caught.value).partition(": ")
    assert message.startswith(told)
    line = int(place.rpartition(":")[2])
    assert place.rpartition(":")[0].endswith("test_parameters.py")
    first = make.__code__.co_firstlineno
    assert caught.value.line_no == line
    assert first <= line <= first + 1


@pytest.mark.parametrize(
    ("parameter", "text", "value"),
    [
        (Parameter("p"), " x ", " x "),
        (Parameter("p"), "", ""),
        (Parameter("p", type=int), "-12", -12),
        (Parameter("p", type=float), "1e3", 1000.0),
        (Parameter("p", type=bool), "TRUE", True),
        (Parameter("p", type=bool), " yes ", True),
        (Parameter("p", type=bool), "0", False),
        (Parameter("p", type=bool), "off", False),
        (Parameter("p", type=JSONType), '{"a": [1]}', {"a": [1]}),
        (Parameter("p", type=JSONType), "null", None),
        (Parameter("p", separator=","), "a,b", ["a", "b"]),
        (IncludeFile("p"), "a/b.csv", "a/b.csv"),
    ],
)
def test_typed_value(parameter, text, value):
    converted = convert(parameter.spec("p"), text)
    assert converted == value
    assert type(converted) is type(value)


@pytest.mark.parametrize(
    ("parameter", "text", "told"),
    [
        (
            Parameter("p", type=int),
            "3.5",
            "Parameter `p` takes a whole number, such as 5 (int), not '3.5'.",
        ),
        (Parameter("p", type=int), "9" * 5000, "Parameter `p` takes a whole number, such as 5"),
        (
            Parameter("p", type=float),
            "x",
            "Parameter `p` takes a number, such as 0.5 (float), not 'x'.",
        ),
        (Parameter("p", type=bool), "2", "Parameter `p` takes true or false (bool), not '2'."),
        (Parameter("p", type=JSONType), "{", "Parameter `p` takes JSON, such as"),
        (Parameter("p", type=JSONType), "[" * 100000, "Parameter `p` takes JSON, such as"),
        (IncludeFile("p"), "", "Parameter `p` takes the path of a local file (file), not ''."),
        (IncludeFile("p"), "s3://b/k", "Parameter `p` takes the path of a local file, not the add"),
    ],
)
def test_wrong_typed_value(parameter, text, told):
    with pytest.raises(ParameterError) as caught:
        convert(parameter.spec("p"), text)
    assert str(caught.value).startswith(told)


def test_home_of_a_path_is_expanded(monkeypatch):
    monkeypatch.setenv("HOME", "/home/ann")
    assert convert(IncludeFile("p").spec("p"), "~/a.csv") == "/home/ann/a.csv"


def test_computed_default_gets_the_context():
    seen = []

    def default(context):
        seen.append(context)
        return context.user_name

    assert evaluate_default(Parameter("p", default=default), CONTEXT) == "ann"
    assert seen == [CONTEXT._replace(parameter_name="p")]


@pytest.mark.parametrize(
    ("kind", "returned", "value"),
    [
        (None, "x", "x"),
        (int, 3, 3),
        (float, 3, 3.0),
        (bool, True, True),
        (JSONType, '{"a": 1}', {"a": 1}),
        (JSONType, {"a": (1,)}, {"a": [1]}),
    ],
)
def test_computed_default_of_each_type(kind, returned, value):
    parameter = Parameter("p", type=kind, default=lambda context: returned)
    assert evaluate_default(parameter, CONTEXT) == value


def test_computed_default_with_a_separator_and_with_deploy_time():
    listed = Parameter("p", separator=",", default=lambda context: "a,b")
    assert evaluate_default(listed, CONTEXT) == ["a", "b"]
    asked = Parameter("p", type=bool, default=lambda context, deploy_time: deploy_time)
    assert evaluate_default(asked, CONTEXT) is False
    path = IncludeFile("p", default=lambda context: "a.csv")
    assert evaluate_default(path, CONTEXT) == "a.csv"


@pytest.mark.parametrize(
    ("kind", "returned", "told"),
    [
        (None, 3, "returned 3 (int); str was expected."),
        (None, None, "returned None (NoneType); str was expected."),
        (int, "3", "returned '3' (str); int was expected."),
        (int, 3.5, "returned 3.5 (float); int was expected."),
        (int, True, "returned True (bool); int was expected."),
        (bool, 1, "returned 1 (int); bool was expected."),
        (JSONType, "{", "returned '{' (str). Parameter `p` takes JSON, such as"),
        (JSONType, {1j}, "returned {1j} (set). Parameter `p` takes JSON, and this set can't"),
    ],
)
def test_computed_default_of_a_wrong_type(kind, returned, told):
    def default(context):
        return returned

    with pytest.raises(ParameterError) as caught:
        evaluate_default(Parameter("p", type=kind, default=default), CONTEXT)
    line = default.__code__.co_firstlineno
    expected = f"test_parameters.py:{line}: The default function of parameter `p` {told}"
    assert expected in str(caught.value)


def test_failing_default_names_the_users_line():
    def default(context):
        values = {}
        return json.loads("{")[values]

    with pytest.raises(ParameterError) as caught:
        evaluate_default(Parameter("p", default=default), CONTEXT)
    line = default.__code__.co_firstlineno + 2
    expected = f"test_parameters.py:{line}: The default function of parameter `p` failed with JSON"
    assert expected in str(caught.value)
    assert isinstance(caught.value.__cause__, json.JSONDecodeError)


def test_default_function_without_source():
    with pytest.raises(ParameterError, match=r"test_parameters.py:\d+: The default function"):
        evaluate_default(Parameter("p", type=int, default=int), CONTEXT)


def test_included_file(tmp_path):
    path = tmp_path / "a.txt"
    path.write_bytes("é\r\n".encode("latin-1"))
    assert IncludeFile("p", encoding="latin-1").read(str(path)) == "é\r\n"
    assert IncludeFile("p", is_text=False).read(str(path)) == b"\xe9\r\n"
    with pytest.raises(ParameterError, match=r"is not utf-8 text \(byte 0\)\. Give the right enc"):
        IncludeFile("p").read(str(path))
    with pytest.raises(ParameterError, match=r"'nowhere' can't be read \(No such file"):
        IncludeFile("p").read("nowhere")


def test_parser_of_an_included_file():
    assert IncludeFile("p").parse("1") == "1"
    assert IncludeFile("p", parser=json.loads).parse("[1]") == [1]
    assert IncludeFile("p", parser="json.loads").parse("[1]") == [1]
    assert IncludeFile("p", parser=".hashing.blob_digest").parse(b"") == blob_digest(b"")
    with pytest.raises(ParameterError, match=r"The parser 'json.load5' can't be imported"):
        IncludeFile("p", parser="json.load5").parse("1")

    def parser(text):
        return int(text)

    with pytest.raises(ParameterError) as caught:
        IncludeFile("p", parser=parser).parse("x")
    line = parser.__code__.co_firstlineno + 1
    told = rf"test_parameters\.py:{line}: The parser of `p` failed with ValueError: invalid"
    assert re.search(told, str(caught.value))
