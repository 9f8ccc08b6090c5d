"""What commands are for: building, looking around, downloading, hiding, staying, breaking."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final

from pydepgate.detect.command_lines import INTERPRETERS, POWERSHELLS, SHELLS, Command, base_name
from pydepgate.detect.texts import HOLE
from pydepgate.regex import regex

SIGNALS: Final = {
    "process.build-tool": "a compiler, a version control system or another tool of building is started",
    "process.unusual": "a command is run that builds nothing",
    "process.other-program": "a program is started that is no known tool of building, nor known for anything else",
    "process.shell-script": "a shell script is started by its path",
    "process.unknown": "which program is started is not known",
    "process.python-script": "another Python is started with a script or module",
    "process.script-elsewhere": "a script in a user's or temporary folder is started",
    "process.own-requirements": "pip is told to install the project itself or its requirements file",
    "process.pip-install": "pip is told to install a package",
    "process.pip-from-url": "pip is told to install from an address or another index",
    "process.pip-quiet": "pip is told to install without saying so",
    "process.git-clone": "a repository is cloned",
    "process.downloader": "a command-line downloader is started",
    "process.sends": "a command-line downloader sends data or what other commands print",
    "process.dns-lookup": "a name is looked up by a command",
    "process.interpreter": "another scripting host is started",
    "process.piped-to-shell": "what a command prints is run by a shell or interpreter",
    "process.local-program": "a program that no system has is started",
    "process.gui": "a small desktop program is started, as demonstrations of code execution do",
    "process.hardware-id": "a command prints a number that tells this machine from all others",
    "process.hardware": "a command lists processors, disks, buses or fonts",
    "process.lists": "a command prints files, processes or the environment",
    "process.recon": "a command prints who the user is, what the machine is, or what is on it",
    "process.trivial": "a command has no effect but to show that it ran",
    "process.background": "a command is left running in the background",
    "process.sudo": "a command is run as another user",
}

_TOOLS: Final = frozenset(
    """cc c++ gcc g++ clang clang++ cl link ld lld ar nm ranlib strip objdump objcopy install_name_tool otool lipo
    dsymutil nvcc hipcc icc icpc icx icpx gfortran flang f2py rustc cargo rustup maturin go javac java mvn gradle
    gradlew ant dotnet msbuild nasm yasm as swig cython cython3 protoc flex bison lex yacc antlr4 thrift flatc
    ccache sccache tsc make gmake nmake mingw32-make cmake cmake3 ctest ninja meson scons bazel bazelisk autoconf
    automake autoreconf aclocal libtool libtoolize glibtoolize configure autogen.sh bootstrap.sh buildconf config
    patch sed awk tar unzip gzip gunzip install m4 perl uv poetry hatch pdm flit conda mamba git hg svn bzr
    svnversion darcs pkg-config pkgconf pkg-config.exe uname sw_vers xcrun xcode-select xcodebuild lsb_release
    ldconfig ldd dpkg dpkg-architecture dpkg-query rpm which where whereis type brew getconf nvidia-smi rocm-smi
    rocminfo rocm_agent_enumerator hipconfig locale lscpu file vswhere vcvarsall.bat vcvars64.bat readelf
    patchelf auditwheel delocate-wheel tox nox pytest py.test nosetests nose2 trial sphinx-build sphinx-apidoc twine
    flake8 pylint mypy pyright ruff black isort autopep8 yapf coverage pycodestyle pydocstyle pre-commit towncrier
    bumpversion bump2version gh devpi codespell bandit npm npx yarn pnpm node bower gulp grunt webpack jlpm jupyter
    lupdate lrelease pyuic5 pyrcc5 pylupdate5 pyside2-rcc pyside6-rcc rcc msgfmt pybabel pandoc asciidoctor help2man
    doxygen mkdocs rm rmdir mkdir cp mv ln del rd move copy xcopy robocopy find du df sort head tail grep cut tr wc test
    cd pushd popd set export unset source diff cmp sleep true chmod docker dos2unix ver stty tput clear cls
    mode color title chcp""".split()
)
"""Programs that build, package, test or publish software, tell build scripts about the system, or move files."""

_CONFIG_TOOL: Final = regex(
    r"[\w.+-]*[-_]config(?:-[\d.]+)?(?:\.bat|\.py)?|[\w.]+-[\w-]*-(?:gcc|g\+\+|ld|ar|strip)"
    r"|(?:gcc|g\+\+|clang|clang\+\+|llvm-\w+)-[\d.]+"
)
_PYTHON: Final = regex(r"python[\d.]*w?|pypy[\d.]*|py|pyw")
_RECON: Final = frozenset(
    "whoami id hostname hostnamectl systeminfo net users who w last dmidecode getmac quser nltest groups dscl".split()
)
_LISTS: Final = frozenset(
    """tasklist wmic ps env printenv cat ls dir tree pwd arch reg query history scutil qwinsta ipconfig ifconfig ip
    netstat ss arp route netsh""".split()
)
_HARDWARE_LISTS: Final = frozenset("lsusb lspci lsblk ioreg system_profiler df mount uptime sysctl lshw".split())
_GUI: Final = frozenset(
    """calc calculator notepad mspaint explorer gnome-calculator kcalc xcalc galculator write wordpad xeyes xmessage
    zenity kdialog msg""".split()
)
_TRIVIAL: Final = frozenset("echo touch printf date say banner wall pause".split())
_DOWNLOADERS: Final = frozenset(
    """curl wget aria2c bitsadmin certutil fetch lwp-download axel scp sftp ftp tftp rsync""".split()
)
_HOSTS: Final = frozenset(
    """wscript cscript mshta rundll32 regsvr32 msiexec msbuild installutil forfiles regasm hh""".split()
)
_ODD: Final = frozenset(
    """attrib schtasks at crontab shutdown reboot poweroff halt taskkill pkill killall kill sc bcdedit vssadmin wevtutil
    icacls takeown cacls nc ncat netcat socat telnet ssh sshpass launchctl systemctl service useradd adduser usermod
    chpasswd passwd visudo iptables ufw chattr setfacl insmod modprobe mount umount dd mkfs shred openssl gpg base64 xxd
    xmrig minerd chisel ngrok cloudflared screen tmux xdg-open start open say espeak wmctrl xdotool powercfg""".split()
)
"""Programs of administrators and attackers that no build needs."""
_DNS: Final = frozenset("nslookup dig host ping ping6 drill resolvectl resolve-dnsname".split())
_HARDWARE: Final = regex(
    r"(?i)\bwmic\b.*\b(?:csproduct|bios|baseboard|diskdrive|cpu)\b.*\b(?:uuid|serialnumber|processorid)"
    r"|\bioplatformuuid\b|machineguid|/etc/machine-id|/var/lib/dbus/machine-id|\bdmidecode\b|\bgetmac\b"
    r"|win32_computersystemproduct|serialnumber.*\bwmic\b"
)
_RUNNABLE: Final = regex(
    r"(?i)\.(?:exe|bat|cmd|vbs|vbe|js|jse|ps1|scr|msi|jar|elf|bin|run|sh|com|hta|lnk|pif|pyw?|dll)$"
)
_PROGRAM_FILE: Final = regex(r"(?i)\.(?:exe|bat|cmd|vbs|vbe|ps1|scr|msi|hta|lnk|elf|jar)$")
_SENDS: Final = regex(
    r"(?i)\s(?:-d|--data(?:-\w+)?|-F|--form|-T|--upload-file|--post-data|--post-file|--body-data)(?:=|\s|@)|\$\(|`"
)


def signals_of(commands: Sequence[Command], /) -> Iterator[tuple[str, str]]:
    """Yield what each command of a line is for, as signals, with the command that shows it."""
    for command in commands:
        text = command.text
        for name in _kinds(command, text):
            yield name, text
        if _HARDWARE.search(text):
            yield "process.hardware-id", text
        if command.background:
            yield "process.background", text
        if not {"sudo", "doas"}.isdisjoint(command.wrappers) or command.program in ("runas", "pkexec", "gsudo"):
            yield "process.sudo", text
        if _stops(command):
            yield "damage.shutdown", text
        if command.piped and _is_shell_for_input(command):
            yield "process.piped-to-shell", text


def _stops(command: Command) -> bool:
    return command.program in ("poweroff", "reboot", "halt") or (
        command.program in ("init", "telinit") and command.arguments[:1] in (("0",), ("6",))
    )


def _is_shell_for_input(command: Command) -> bool:
    plain = command.program in SHELLS or _PYTHON.fullmatch(command.program) is not None
    if not plain and command.program not in INTERPRETERS | POWERSHELLS:
        return False
    return all(argument.startswith("-") and argument not in ("-c", "-e", "-m") for argument in command.arguments)


def _kinds(command: Command, text: str) -> Iterator[str]:
    program = command.program
    if program == HOLE:
        yield "process.unknown"
        if _PROGRAM_FILE.search(command.path):
            yield "process.local-program"
    elif _PYTHON.fullmatch(program):
        yield from _python(command)
    elif re.fullmatch(r"pip[\d.]*|pipx|easy_install", program):
        yield from _pip(command.arguments)
    elif program in ("uv", "conda", "mamba", "poetry") and "install" in command.arguments[:2]:
        yield from _pip(command.arguments[command.arguments.index("install") :])
    elif program == "git" and "clone" in command.arguments[:4]:
        yield "process.git-clone"
    elif program in _DOWNLOADERS:
        yield "process.downloader"
        yield "process.unusual"
        if program in ("curl", "wget", "scp", "ftp", "sftp", "rsync", "tftp") and _SENDS.search(f" {text} "):
            yield "process.sends"
    elif program in _DNS:
        yield "process.dns-lookup"
        yield "process.unusual"
    elif program in POWERSHELLS or program in _HOSTS or program == "osascript":
        yield "process.interpreter"
        yield "process.unusual"
    elif program in _HARDWARE_LISTS or (program == "wmic" and _HARDWARE_QUERY.search(command.text)):
        yield "process.hardware"
    elif program in _RECON:
        yield "process.recon"
        yield "process.unusual"
    elif program in _LISTS:
        yield from () if _reads_build_facts(command) else ("process.lists", "process.unusual")
    elif program in _GUI or (program == "open" and "-a" in command.arguments):
        yield "process.gui"
        yield "process.unusual"
    elif program in _TRIVIAL:
        yield "process.trivial"
        yield "process.unusual"
    elif program in SHELLS or program in ("cmd", "perl", "ruby"):
        yield from _shell(command)
    elif program in _TOOLS or _CONFIG_TOOL.fullmatch(program):
        yield "process.build-tool"
    elif HOLE in command.path and not _RUNNABLE.search(command.path):
        yield "process.unknown"
    elif program.endswith((".sh", ".py")) and not _ELSEWHERE.match(command.path):
        yield "process.shell-script"
    elif _RUNNABLE.search(command.path) or command.path.startswith(("./", ".\\", "/tmp/", "~", "%")):
        yield "process.local-program"
        yield "process.unusual"
    elif program in _ODD:
        yield "process.unusual"
    elif program:
        yield "process.other-program"


_HARDWARE_QUERY: Final = regex(r"(?i)\b(?:cpu|win32_processor|videocontroller|memorychip|computersystem)\b")


def _reads_build_facts(command: Command) -> bool:
    """Whether a command that looks around asks for what builds ask: the processor, the release, installed tools."""
    text = command.text.lower()
    if command.program == "cat":
        return bool(
            re.search(
                r"/proc/(?:cpuinfo|meminfo|version)|/etc/[\w-]*(?:release|version)|\bversion\b|\.(?:txt|in|h)\b", text
            )
        )
    if command.program in ("ls", "dir"):
        return bool(re.search(r"\s\w", text)) and not re.search(r"\s(?:/|~|\.ssh|[a-z]:)", text)
    if command.program == "arch":
        return True
    return command.program == "reg" and "add" not in text and "visualstudio" in text


def _python(command: Command) -> Iterator[str]:
    arguments = [argument for argument in command.arguments if argument not in ("-u", "-I", "-E", "-s", "-S", "-B")]
    if arguments[:1] == ["-m"] and len(arguments) > 1:
        module = arguments[1]
        if module in ("pip", "pip3", "pipx", "easy_install"):
            yield from _pip(arguments[2:])
        elif module.partition(".")[0] in _MODULES:
            yield "process.build-tool"
        else:
            yield "process.python-script"
    elif any(
        base_name(argument) in ("setup.py", "waf", "configure.py", "runtests.py") for argument in arguments[:2]
    ) or arguments[:1] in (["--version"], ["-V"]):
        yield "process.build-tool"
    elif arguments[:1] != ["-c"]:
        yield "process.python-script"
        if any(_ELSEWHERE.match(argument) for argument in arguments[:3]):
            yield "process.script-elsewhere"


_ELSEWHERE: Final = regex(
    r"(?i)~|/(?:tmp|var/tmp|home|Users|root|dev/shm)/|c:[\\/]+(?:users|programdata|windows|temp)\b"
    r"|%(?:temp|tmp|appdata|localappdata|userprofile|home|public|programdata)%"
)
"""Where programs lie that were put there at run time."""
_MODULES: Final = frozenset(
    """build pytest unittest sphinx twine cython Cython ensurepip venv virtualenv tox nox coverage flake8 mypy black
    pycodestyle pylint isort compileall setuptools wheel pybind11 numpy babel jupyterlab grpc_tools mesonbuild cffi
    ziglang PyInstaller nuitka doctest""".split()
)
"""Modules that are run with `-m` to build, package or test."""


def _pip(arguments: Sequence[str]) -> Iterator[str]:
    words = list(arguments)
    if "install" not in words:
        yield "process.build-tool" if words[:1] != ["download"] else "process.pip-install"
        return
    given = words[words.index("install") + 1 :]
    if any(
        word.split("=")[0] in ("--index-url", "-i", "--extra-index-url", "--trusted-host", "-f", "--find-links")
        for word in given
    ) or any(re.search(r"(?i)^(?:git\+|hg\+|https?://)|@ ?(?:git\+|https?://)", word) for word in given):
        yield "process.pip-from-url"
    if any(re.fullmatch(r"-q+|--quiet", word) for word in given):
        yield "process.pip-quiet"
    own = (
        "-r" in given
        or "-e" in given
        or any(word in (".", "..") or word.startswith((".[", "./", "-r")) for word in given)
    )
    upgrades = all(word.startswith("-") or re.match(r"(?:pip|setuptools|wheel)\b", word) for word in given)
    yield "process.own-requirements" if own or upgrades else "process.pip-install"


def _shell(command: Command) -> Iterator[str]:
    """A shell or `cmd` by itself; a line that it is given is judged by its own commands."""
    first = command.arguments[:1]
    if not first or first[0].startswith("-i"):
        yield "process.unusual"
    elif not first[0].startswith(("-", "/")):
        yield "process.unknown" if HOLE in first[0] else "process.build-tool"
