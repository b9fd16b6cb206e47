"""What a report says of the guests that cells were measured in: the image of each kernel, and what its boots took."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from bench.analysis import build_name, natural
from bench.report.typography import plain

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from bench.analysis import ResultFile
    from bench.record import BootCost, PlaceFields

_ENTRIES = {"pvh": "unpacked and entered by PVH", "image": "entered as its image"}
_UNKNOWN: PlaceFields = {}


def boots_said(files: Iterable[ResultFile]) -> str:
    """Say in one line how many guests were booted, how long they took to their end, and why they were emulated.

    Empty when none was booted.
    """
    by_guest = _by_guest(files)
    if not by_guest:
        return ""
    guests = "1 guest" if len(by_guest) == 1 else f"{len(by_guest)} guests"
    boots = [boot for boots in by_guest.values() for boot in boots]
    return "; ".join([f"{guests}, {_took(boots)}", *_emulated_said(by_guest)])


def lost_boots(files: Iterable[ResultFile]) -> list[str]:
    """Say which boots died, each in its first go or in the one that was made after it, and why."""
    why = Counter(
        (guest, plain(boot["lost"]["reason"]))
        for guest, boots in _by_guest(files).items()
        for boot in boots
        if "lost" in boot
    )
    return [
        f"{guest}: {'a boot was' if number == 1 else f'{number} boots were'} lost: {reason}"
        for (guest, reason), number in why.items()
    ]


def guests(files: Iterable[ResultFile]) -> list[str]:
    """Say of each guest where its kernel came from, its image's SHA-256, how it was entered, and what its boots took.

    Files of earlier versions do not say all of it.
    """
    said = []
    for guest, boots in _by_guest(files).items():
        known = next((boot["place"] for boot in boots if "image" in boot["place"]), _UNKNOWN)
        facts = [plain(known["source"])] if "source" in known else []
        facts += [f"SHA-256 {plain(known['image'])}"] if "image" in known else []
        facts += [_ENTRIES.get(known["entry"], plain(known["entry"]))] if "entry" in known else []
        facts += _emulated(boots)
        said.append(f"{guest}: {', '.join([*facts, _took(boots)])}")
    return said


def _by_guest(files: Iterable[ResultFile]) -> dict[str, list[BootCost]]:
    """All boots by kernel and distro, in natural order."""
    found: dict[str, list[BootCost]] = {}
    for file in files:
        for boot in file.boots:
            place = boot["place"]
            kernel = place.get("kernel", "a kernel that never came up")
            if "/" in place.get("source", ""):  # a file, and there may be others of its release
                kernel = build_name(kernel, place["image"])
            names = [kernel, place.get("distro", "none")]
            found.setdefault(" with ".join(plain(name) for name in names if name != "none"), []).append(boot)
    return {name: found[name] for name in sorted(found, key=natural)}


def _emulated(boots: Iterable[BootCost]) -> list[str]:
    """Why these guests, or some of them, did not run on the processor itself: `emulated: there is no /dev/kvm`."""
    reasons = dict.fromkeys(plain(boot["place"]["no_kvm"]) for boot in boots if "no_kvm" in boot["place"])
    return [f"emulated: {reason}" for reason in reasons]


def _emulated_said(by_guest: Mapping[str, Sequence[BootCost]]) -> list[str]:
    """The same of all guests: which ones, where it was not all."""
    found: dict[str, list[str]] = {}
    for guest, boots in by_guest.items():
        for said in _emulated(boots):
            found.setdefault(said, []).append(guest)
    return [said if len(theirs) == len(by_guest) else f"{', '.join(theirs)} {said}" for said, theirs in found.items()]


def _took(boots: Sequence[BootCost]) -> str:
    """`36 boots, powered off after 7.1 to 14.4 s`: of those that were not lost."""
    seconds = sorted(sum(boot["spent_ns"].values()) / 1e9 for boot in boots if "lost" not in boot)
    number = "1 boot" if len(boots) == 1 else f"{len(boots)} boots"
    if not seconds:
        return f"{number}, lost"
    span = " to ".join(dict.fromkeys(f"{end:.1f}" for end in (seconds[0], seconds[-1])))
    return f"{number}, powered off after {span} s"
