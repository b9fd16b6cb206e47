"""Where this installation keeps what is found by path: strategies, scenarios, results and the built native worker.

A checkout (also an editable install) has them beside the package; a wheel carries them inside it, under `shipped/`.
Not for: what is in those folders.
"""

from __future__ import annotations

import difflib
import os
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent
CHECKOUT = PACKAGE.parent
SHIPPED = PACKAGE / "shipped"


class UnknownScenario(Exception):  # noqa: N818 - named for what it says, as FileNotFoundError's kin
    """A scenario that is neither a file nor the name of one that ships; its text is the whole message."""


def is_checkout() -> bool:
    """Whether the package stands in a source tree, where the native worker is built on demand."""
    return (CHECKOUT / "strategies" / "host" / "main.c").is_file()


def strategies() -> Path:
    """The folder of strategies, reapers, hygiene and the host."""
    return (CHECKOUT if is_checkout() else SHIPPED) / "strategies"


def scenarios() -> Path:
    """The folder of the scenarios that ship."""
    return (CHECKOUT if is_checkout() else SHIPPED) / "scenarios"


def builds() -> tuple[Path, ...]:
    """Folders that native builds are looked for in and made in, the preferred one first."""
    own = (CHECKOUT / "build" / "native",) if is_checkout() else ()
    kept = cache()
    return own if kept is None else (*own, kept / "native")


def cache() -> Path | None:
    """The folder of what can be had again: builds, kernels, distros. None for a user without a home."""
    try:
        return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "launchbench"
    except RuntimeError:
        return None


def results() -> Path:
    """Where a run without `-o` writes: the checkout's results/ when that can be written, else the current folder."""
    own = CHECKOUT / "results"
    return own if is_checkout() and os.access(own, os.W_OK) else Path.cwd()


def scenario_path(name: str) -> Path:
    """The file of a scenario given as a path or as the name of one that ships.

    Raises UnknownScenario, with the nearest name that ships.
    """
    if os.sep in name or name.endswith((".yaml", ".yml")):
        return Path(name)
    shipped = scenarios() / f"{name}.yaml"
    if shipped.is_file():
        return shipped
    if Path(name).is_file():
        return Path(name)
    names = sorted(path.stem for path in scenarios().glob("*.yaml"))
    near = difflib.get_close_matches(name, names, n=1)
    hint = f"did you mean {near[0]}?" if near else f"those that ship: {', '.join(names)}"
    raise UnknownScenario(f"no scenario {name!r}; {hint}")
