"""Reads a report's page as a browser without a script would, with the standard library only."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser

_VOID = frozenset({"meta", "link", "input", "br", "wbr"})


@dataclass
class Element:
    """One element; `text` is all that is in it, without styles and scripts."""

    tag: str
    attributes: dict[str, str | None]
    children: list[Element] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)

    def all(self, tag: str | None = None, /, **attributes: str) -> list[Element]:
        """Return the descendants of this tag with these attributes, in order."""
        found = []
        for child in self.children:
            matches = all(child.attributes.get(name.strip("_")) == value for name, value in attributes.items())
            if tag in {None, child.tag} and matches:
                found.append(child)
            found += child.all(tag, **attributes)
        return found

    @property
    def text(self) -> str:
        """Return what can be read, with white space as a browser shows it."""
        return " ".join("".join(self.texts).split())


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.root = Element("", {})
        self.open = [self.root]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element = Element(tag, dict(attrs))
        self.open[-1].children.append(element)
        if tag not in _VOID:
            self.open.append(element)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.open[-1].children.append(Element(tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open[-1].tag == tag, f"</{tag}> ends <{self.open[-1].tag}>"
        self.open.pop()

    def handle_data(self, data: str) -> None:
        if self.open[-1].tag not in {"script", "style"}:
            for element in self.open:
                element.texts.append(data)


def read_page(page: str) -> Element:
    """Return the document; an assertion fails where elements do not nest."""
    reader = _Reader()
    reader.feed(page)
    reader.close()
    assert reader.open == [reader.root], "elements are left open"
    return reader.root
