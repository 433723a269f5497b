"""What may import what, beyond the contracts of import-linter."""

import ast
import subprocess
import sys
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

SRC = Path(__file__).parents[2] / "src"
MOST_MODULES = 60


def _module_name(path: Path) -> str:
    parts = list(path.relative_to(SRC).with_suffix("").parts)
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


SOURCES = {_module_name(path): path for path in SRC.rglob("*.py")}


def _imports(module: str) -> set[str]:
    """Return all that a module imports, wherever in it: module names, each as far as known."""
    path = SOURCES[module]
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                above = package.split(".")[: len(package.split(".")) - node.level + 1]
                base = ".".join([*above, *base.split(".")] if base else above)
            for alias in node.names:
                inner = f"{base}.{alias.name}"
                found.add(inner if inner in SOURCES else base)
    return found


def test_falaj_imports_the_standard_library_alone() -> None:
    allowed = sys.stdlib_module_names | {"falaj"}
    foreign = {
        f"{module} imports {name}"
        for module in SOURCES
        if module.split(".")[0] == "falaj"
        for name in _imports(module)
        if name.split(".")[0] not in allowed
    }
    assert foreign == set()


def test_a_host_loads_nothing_that_registers_hooks_for_forks() -> None:
    # Each hook touches memory in every child (decision 7).
    script = (
        "import sys, falaj, falaj.runtime.launch, falaj.runtime.host, falaj.runtime.introduction; "
        "print(*{'threading', 'random', 'queue', 'logging', 'tempfile'} & set(sys.modules))"
    )
    command = [
        sys.executable,
        "-I",
        "-S",
        "-c",
        f"import sys; sys.path.insert(0, {str(SRC)!r}); " + script,
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


def test_what_only_some_runs_need_is_not_loaded_by_all() -> None:
    heavy = (
        "falaj.cards",
        "falaj.runner",
        "falaj.extensions",
        "falaj.authoring.decospecs",
        "falaj.authoring.secret_sources",
        "falaj.runtime.secrets",
        "falaj_control.extensions",
        "falaj_control.engine.attributes",
        "falaj_control.engine.hooks",
        "falaj_control.environments.resolving",
        "falaj_control.executors.choosing",
        "falaj_control.executors.gpus",
        "falaj_control.executors.processtable",
        "falaj_control.ports.storing",
        "falaj_control.secrets",
    )
    script = (
        f"import sys; sys.path[:0] = {[str(SRC), *sys.path]!r}; "
        "import falaj_control.process, falaj_control.cli.run, falaj_control.wiring; "
        f"print(*[name for name in sys.modules if name.startswith({heavy!r})])"
    )
    command = [sys.executable, "-I", "-S", "-c", script]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
    assert all(name in SOURCES for name in heavy)


def _cycle(graph: dict[str, set[str]]) -> str:
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return " is imported by ".join(error.args[1])
    return ""


def test_no_import_cycle() -> None:
    # Imports inside functions count too: importing late hides a cycle and does not mend it.
    graph = {module: (_imports(module) & SOURCES.keys()) - {module} for module in SOURCES}
    assert graph
    assert _cycle(graph) == ""


def test_a_cycle_would_be_found() -> None:
    assert "is imported by" in _cycle({"a": {"b"}, "b": {"c"}, "c": {"a"}})


def _modules_loaded(statement: str) -> set[str]:
    code = f"import sys; sys.path.insert(0, {str(SRC)!r}); {statement}; print(*sys.modules)"
    command = [sys.executable, "-I", "-S", "-c", code]
    return set(subprocess.run(command, check=True, capture_output=True, text=True).stdout.split())


def test_importing_falaj_loads_few_modules() -> None:
    added = _modules_loaded("import falaj") - _modules_loaded("pass")
    assert "falaj" in added
    assert len(added) < MOST_MODULES, sorted(added)


def test_a_flow_of_its_source_alone_loads_nothing_that_shapes_flows() -> None:
    script = (
        "import sys\n"
        "from falaj import FlowSpec, Parameter, retry, step\n"
        "from falaj.runtime import launch, host, shapes\n"
        "from falaj.runtime.introduction import introduce\n"
        "class F(FlowSpec):\n"
        "    alpha = Parameter('alpha', default=1)\n"
        "    @retry\n"
        "    @step\n"
        "    def start(self): pass\n"
        "assert not shapes.must_ask(F, ['run', '--alpha', '2'])\n"
        "introduce(F, {})\n"
        "print(*{'delayed', 'configs', 'custom', 'shaping', 'mutable', 'mutators'} & "
        "{name.rpartition('.')[2] for name in sys.modules if name.startswith('falaj.')})"
    )
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    assert done.stdout.split() == []
