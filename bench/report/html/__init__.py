"""The report as a page: one file that asks nothing of any network, for a browser, a printer, an issue.

Figures are static pictures and every one has its table, so that the page is whole without a script; with it, tables
can be sorted, series hidden, and marks say what they are. It shows what the analysis concluded and concludes nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.report.interface import Format, Options

if TYPE_CHECKING:
    from bench.analysis import Analysis


def _render(analysis: Analysis, options: Options) -> str:
    """Return the page; it needs the extra `report`."""
    from bench.report.html.page import render

    del options
    return render(analysis) + "\n"


FORMAT = Format(name="html", summary="one self-contained page", binary=False, render=_render)
