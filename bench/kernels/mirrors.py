"""Where mirrors are learnt: from the user, the machine's own apt, mmdebstrap and debootstrap. None is named here.

Whether a mirror has a suite is found by asking it; whether it is to be trusted is the signature's matter (apt).
"""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

DEBOOTSTRAP_SCRIPTS = Path("/usr/share/debootstrap/scripts")

# A suite of each vendor that mmdebstrap knows without distro-info-data, and debootstrap's script for it.
_WELL_KNOWN = {"debian": "stable", "ubuntu": "xenial"}
_SCRIPT = {"debian": "sid", "ubuntu": "gutsy"}
# Archives of fixes alone, beside the one that has the suites.
_PARTIAL_LABEL, _PARTIAL_RELEASE = re.compile(r"-Security\Z"), re.compile(r"(-security|/updates)\Z")
_FORMAT = "$(CREATED_BY)\t$(REPO_URI)\t$(RELEASE)\t$(ORIGIN)\t$(LABEL)"


def candidates(vendor: str, given: Sequence[str] = ()) -> Iterator[str]:
    """Mirrors that may have a vendor's suites, each once; the user's alone when there are any.

    The later ones cost a started program, and are asked for only when the earlier did not do.
    """
    if given:
        yield from dict.fromkeys(given)
        return
    seen: set[str] = set()
    for learn in (of_machine, of_mmdebstrap, of_debootstrap):
        for uri in learn(vendor):
            plain = uri.rstrip("/")
            if plain not in seen:
                seen.add(plain)
                yield plain


def of_machine(vendor: str) -> list[str]:
    """The mirrors that the machine's own apt has for a vendor."""
    if shutil.which("apt-get") is None:
        return []
    known = _of_targets(_printed("apt-get", "indextargets", "--format", _FORMAT), vendor)
    # Before the first `apt-get update` nothing is known of an archive but its address: it is tried for either vendor.
    return known or _of_addresses(_printed("apt-get", "update", "--print-uris"))


def of_mmdebstrap(vendor: str) -> list[str]:
    """The mirrors that mmdebstrap writes into a new root's sources.list, seen before it uses them."""
    program = shutil.which("mmdebstrap")
    if program is None:
        return []
    with tempfile.TemporaryDirectory() as folder:
        shown = subprocess.run(
            [program, "--mode=chrootless", "--variant=extract",
             '--setup-hook=cat "$1"/etc/apt/sources.list >&2; exit 1',  # no further: nothing is fetched
             _WELL_KNOWN[vendor], f"{folder}/root"],
            capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL,
        )  # fmt: skip
    return _of_sources(shown.stderr)


def of_debootstrap(vendor: str) -> list[str]:
    """The mirrors that debootstrap's script for a vendor's suites names."""
    script = DEBOOTSTRAP_SCRIPTS / _SCRIPT[vendor]
    try:
        text = script.read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return []
    return re.findall(r"\bdefault_mirror\s+[\"']?(\w[\w+]*:[^\s\"';]+)", text)


def _printed(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL).stdout


def _of_targets(listed: str, vendor: str) -> list[str]:
    found = []
    for line in listed.splitlines():
        created_by, uri, release, origin, label = (field.strip() for field in line.split("\t"))
        partial = _PARTIAL_LABEL.search(label) or _PARTIAL_RELEASE.search(release)
        if created_by == "Packages" and not partial and origin.casefold() == vendor:
            found.append(uri)
    return found


def _of_addresses(listed: str) -> list[str]:
    indices = re.findall(r"^'(\S+)/dists/([^']+)/InRelease'", listed, re.MULTILINE)
    return [uri for uri, release in indices if not _PARTIAL_RELEASE.search(release)]


def _of_sources(text: str) -> list[str]:
    entries = re.findall(r"^deb (?:\[[^\]]*\] )?(\S+) (\S+)", text, re.MULTILINE)
    return [uri for uri, suite in entries if not _PARTIAL_RELEASE.search(suite)]
