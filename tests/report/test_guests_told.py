"""What reports say of guests: which image each kernel was, how long its boots took, and which of them were lost."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from bench.report.guests import boots_said, guests, lost_boots

IMAGE = "c5bb7de4df4416f77e8eb33547a30673d84542c7b0ae789954ce82e8f8b26f09"


def boot(kernel: str, seconds: float, **other: Any) -> dict[str, Any]:
    place = {
        "kernel": kernel,
        "distro": other.pop("distro", "none"),
        "source": f"linux-image-{kernel} 1.2 of a-suite",
        "image": IMAGE,
        "entry": other.pop("entry", "pvh"),
    }
    half = int(seconds * 0.5e9)
    return {"place": place, "spent_ns": {"open": half, "workers": half, "close": 0}, **other}


def files(*boots: dict[str, Any]) -> Any:
    """Two result files, as two sessions of a run or two runs have it; the first one without guests."""
    return [SimpleNamespace(boots=()), SimpleNamespace(boots=boots)]


def test_of_all_guests_one_line() -> None:
    told = files(boot("5.4.0", 8.04), boot("5.4.0", 9.1), boot("5.10.0", 12.31))
    assert boots_said(told) == "2 guests, 3 boots, powered off after 8.0 to 12.3 s"


def test_without_guests_there_is_nothing_to_say() -> None:
    assert boots_said(files()) == ""
    assert guests(files()) == lost_boots(files()) == []


def test_each_kernel_is_told_with_its_image_in_the_order_of_versions() -> None:
    told = files(boot("5.10.0", 12.3), boot("5.4.0", 8.0, entry="image"), boot("5.4.0", 9.1, distro="Debian 11"))
    said = [text.split(f", SHA-256 {IMAGE}, ") for text in guests(told)]
    assert said == [
        ["5.4.0: linux-image-5.4.0 1.2 of a-suite", "entered as its image, 1 boot, powered off after 8.0 s"],
        [
            "5.4.0 with Debian 11: linux-image-5.4.0 1.2 of a-suite",
            "unpacked and entered by PVH, 1 boot, powered off after 9.1 s",
        ],
        [
            "5.10.0: linux-image-5.10.0 1.2 of a-suite",
            "unpacked and entered by PVH, 1 boot, powered off after 12.3 s",
        ],
    ]


def test_two_builds_of_one_release_are_two_guests() -> None:
    one, other = boot("7.3.0", 8.0), boot("7.3.0", 9.0)
    one["place"] |= {"source": "./a/bzImage"}
    other["place"] |= {"source": "./b/bzImage", "image": IMAGE[::-1]}
    assert [text.partition(",")[0] for text in guests(files(one, other))] == [
        "7.3.0 #90f62b8f: ./b/bzImage",
        "7.3.0 #c5bb7de4: ./a/bzImage",
    ]


def test_a_lost_boot_is_told_and_its_time_is_not_among_those_of_the_others() -> None:
    lost = {"kind": "crashed", "reason": "the guest's kernel panicked while booting: no\x1b[31m init", "console": ""}
    told = files(boot("6.8.0", 99.0, lost=lost), boot("6.8.0", 9.0))
    assert boots_said(told) == "1 guest, 2 boots, powered off after 9.0 s"
    (said,) = lost_boots(told)
    assert said.startswith("6.8.0: a boot was lost: the guest's kernel panicked while booting: no")
    assert "\x1b" not in said


def test_boots_that_were_lost_alike_are_told_together() -> None:
    crashed = {"kind": "crashed", "reason": "the guest ended while launching", "console": "one"}
    hung = {"kind": "hung", "reason": "the guest said nothing for 50 s while launching", "console": ""}
    told = files(
        *(boot("6.8.0", 9.0, lost=why) for why in (crashed, hung, crashed | {"console": "two"})),
        boot("6.1.0", 9.0, lost=crashed),
    )
    assert lost_boots(told) == [
        "6.1.0: a boot was lost: the guest ended while launching",
        "6.8.0: 2 boots were lost: the guest ended while launching",
        "6.8.0: a boot was lost: the guest said nothing for 50 s while launching",
    ]


def test_a_guest_that_never_came_up_has_a_line_too() -> None:
    lost = {"kind": "hung", "reason": "the guest said nothing for 180 s while booting", "console": ""}
    never = {"place": {"clock": "emulated", "boot": "0.0.1"}, "spent_ns": {"open": 1}, "lost": lost}
    assert guests(files(never)) == ["a kernel that never came up: 1 boot, lost"]


def test_files_of_earlier_versions_say_less() -> None:
    earlier = {"place": {"kernel": "4.4.0"}, "spent_ns": {"open": 2 * 10**9, "workers": 10**9, "close": 0}}
    assert guests(files(earlier)) == ["4.4.0: 1 boot, powered off after 3.0 s"]


def test_why_guests_were_emulated_is_told_once_together_and_of_each() -> None:
    refused = "a guest does not boot under KVM: the guest ended while booting"
    broken, here, again = boot("7.3.0", 9.0), boot("6.1.0", 1.0), boot("7.3.0", 9.0)
    for emulated in (broken, again):
        emulated["place"]["no_kvm"] = refused
    told = files(broken, here, again)
    assert boots_said(told) == f"2 guests, 3 boots, powered off after 1.0 to 9.0 s; 7.3.0 emulated: {refused}"
    assert boots_said(files(broken, again)) == f"1 guest, 2 boots, powered off after 9.0 s; emulated: {refused}"
    assert [f"emulated: {refused}, 2 boots" in text for text in guests(told)] == [False, True]
