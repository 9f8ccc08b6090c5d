"""All detectors and all signals."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from pydepgate.detect import (
    capture,
    commands,
    contents,
    damage,
    disguise,
    entrusted,
    evasion,
    execution,
    file_kinds,
    files,
    literals,
    mentions,
    metadata,
    native,
    network,
    persistence,
    process,
    secrets,
    shells,
    structure,
)
from pydepgate.detect.base import Detector

DETECTORS: Final[tuple[Detector, ...]] = (
    execution.DETECTOR,
    process.DETECTOR,
    network.DETECTOR,
    commands.DETECTOR,
    shells.DETECTOR,
    files.DETECTOR,
    literals.DETECTOR,
    secrets.DETECTOR,
    entrusted.DETECTOR,
    capture.DETECTOR,
    disguise.DETECTOR,
    mentions.DETECTOR,
    persistence.DETECTOR,
    evasion.DETECTOR,
    damage.DETECTOR,
    native.DETECTOR,
)
"""Every detector; the next one is one more module and one more line here."""

_PAYLOAD_KINDS: Final = (
    """python-source python-bytecode shell-script powershell batch javascript pe elf mach-o zip tar gzip bzip2 xz 7z rar
    pickle marshal rsa-public-key rsa-private-key ec-public-key ec-private-key dsa-public-key dsa-private-key
    ed25519-public-key ed25519-private-key openssh-private-key encrypted-private-key private-key public-key certificate
    certificate-request pem der png jpeg gif bmp webp ico svg pdf json xml html css fernet-token text binary empty"""
).split()

SIGNALS: Final[Mapping[str, str]] = {
    **{name: meaning for detector in DETECTORS for name, meaning in detector.signals.items()},
    **{f"payload.{kind}": f"a literal or data file holds, once decoded, {kind}" for kind in _PAYLOAD_KINDS},
    "payload.with-url": "an address is hidden by an encoding",
    "payload.with-webhook": "the address of a webhook or a bot is hidden by an encoding",
    **structure.SIGNALS,
    **metadata.SIGNALS,
    **contents.SIGNALS,
    **file_kinds.SIGNALS,
    "data.encoded": "a data file of the package decodes to something else",
    "data.pickle-runs-code": "a pickle among the data files calls what runs code, as soon as it is loaded",
    "source.unparsed": "a Python file that is not valid Python",
    "source.startup": "a line that Python runs at every start",
}
"""Every signal there is, with what it means in one line."""
