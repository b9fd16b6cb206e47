"""A chart becomes an SVG image that a page can hold: no script, no style, no link, and colours that a theme can change.

vl-convert draws; what it returns is read as XML and only what is known passes, so nothing that a result file says can
become markup. Marks that carry a description keep it: as the series they belong to, and as text for a tooltip.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

if TYPE_CHECKING:
    from collections.abc import Mapping

_SVG = "http://www.w3.org/2000/svg"
_ELEMENTS = frozenset({"svg", "g", "path", "line", "rect", "text", "tspan", "circle", "clipPath", "defs"})
_ATTRIBUTES = frozenset(
    {
        "viewBox", "d", "transform", "fill", "fill-opacity", "stroke", "stroke-width", "stroke-dasharray",
        "stroke-opacity", "stroke-miterlimit", "stroke-linecap", "stroke-linejoin", "opacity", "x", "y", "x1", "x2",
        "y1", "y2", "dx", "dy", "width", "height", "rx", "r", "cx", "cy", "text-anchor", "font-size", "font-weight",
        "font-style", "clip-path", "id",
    }
)  # fmt: skip
_PACKED = re.compile(r"(\d*)\|(.*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Drawing:
    """One image."""

    markup: str
    """An `<svg>` element; its width is a wish, which a style can bound."""
    width: float
    height: float
    """Its natural size in pixels."""


def described(series: int | None, text: str) -> str:
    """Pack what a mark is for a chart's `description`."""
    return f"{'' if series is None else series}|{text}"


def draw(chart: Mapping[str, Any], title: str, description: str, name: str) -> Drawing:
    """Draw a Vega-Lite specification; `name` is unique in its page and becomes part of ids.

    Raises `ValueError` when the specification is wrong.
    """
    import vl_convert

    root = ET.fromstring(vl_convert.vegalite_to_svg(dict(chart)))  # noqa: S314 - our own process drew it
    # Labels at the right were measured with another font than the reader's.
    width, height = float(root.get("width", 0)) * 1.02, float(root.get("height", 0))
    _clean(root, name)
    for tag, text in (("desc", description), ("title", title)):
        child = ET.Element(f"{{{_SVG}}}{tag}", {"id": f"{name}-{tag}"})
        child.text = text
        root.insert(0, child)
    root.attrib.update(
        {
            "viewBox": f"0 0 {width:g} {height:g}",
            "width": f"{width:.0f}",
            "role": "img",
            "aria-labelledby": f"{name}-title",
            "aria-describedby": f"{name}-desc",
        }
    )
    ET.register_namespace("", _SVG)
    return Drawing(ET.tostring(root, encoding="unicode"), width, height)


def _clean(element: ET.Element, name: str) -> None:
    """Drop what is not known, take descriptions apart, and make ids the page's own."""
    for child in list(element):
        if child.tag.removeprefix(f"{{{_SVG}}}") in _ELEMENTS and not _is_invisible(child):
            _clean(child, name)
        else:
            element.remove(child)
    packed = _PACKED.fullmatch(element.get("aria-label", ""))
    for attribute in list(element.attrib):
        if attribute not in _ATTRIBUTES:
            del element.attrib[attribute]
    if "id" in element.attrib:
        element.set("id", f"{name}-{element.get('id')}")
    if "clip-path" in element.attrib:
        element.set("clip-path", re.sub(r"url\(#(.*?)\)", rf"url(#{name}-\1)", element.get("clip-path", "")))
    if packed:
        if packed[1]:
            element.set("data-series", packed[1])
        if packed[2]:
            element.set("data-tip", packed[2])
    _merge(element)


def _is_invisible(element: ET.Element) -> bool:
    """Tell whether an element is a frame that Vega draws without a colour, or a group without content."""
    if element.tag == f"{{{_SVG}}}path":
        return element.get("class") in {"background", "foreground"} and "stroke" not in element.attrib
    return element.tag == f"{{{_SVG}}}g" and not len(element)


def _merge(element: ET.Element) -> None:
    """Join neighbouring paths that differ in nothing but their outline: a heat map has thousands."""
    before: ET.Element | None = None
    for child in list(element):
        mergeable = (
            child.tag == f"{{{_SVG}}}path" and "data-tip" not in child.attrib and "transform" not in child.attrib
        )
        if mergeable and before is not None and _style(before) == _style(child):
            before.set("d", f"{before.get('d', '')}{child.get('d', '')}")
            element.remove(child)
        else:
            before = child if mergeable else None


def _style(element: ET.Element) -> dict[str, str]:
    return {name: value for name, value in element.attrib.items() if name != "d"}
