"""YAML text -> plain data, and the line and column of every key and value in it.

It knows YAML and nothing of scenarios. Whatever the text holds, the answer is data and problems: never an
exception, never a hang, never an object that is not a mapping, a list, text, a number or a boolean.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import yaml

from bench.scenario.problem import Mark, Problem
from bench.scenario.wording import quote

if TYPE_CHECKING:
    from pathlib import Path as FilePath

Path = tuple[str | int, ...]
"""Where a value stands in the data, such as ("commands", 1, "expect", "exit")."""

LARGEST_TEXT = 256 * 1024  # bytes; a scenario is a page
_DEEPEST = 32  # levels; the composer is recursive
_MOST_VALUES = 10_000  # after aliases are followed: a few hundred bytes of aliases can stand for billions of values
_LARGEST_INTEGER = 2**63 - 1

_TAG = "tag:yaml.org,2002:"
# Scalars that mean something only in a key (`<<`, `=`) are text where a value stands.
_TEXT_TAGS = frozenset({_TAG + "str", _TAG + "merge", _TAG + "value"})
_NUMBER_TAGS = frozenset({_TAG + "int", _TAG + "float", _TAG + "bool", _TAG + "null"})


@dataclass
class Document:
    """What a text said. `data` is None when nothing could be read from it, and then `problems` says why."""

    file: str
    data: Any = None
    keys: dict[Path, Mark] = field(default_factory=dict)
    values: dict[Path, Mark] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    faulty: set[Path] = field(default_factory=set)
    """Values that were left out of `data` because they were a problem already."""

    def located(self, path: Path) -> Path:
        """Return a path of checked data as the text has it: a scalar that stands for a list of one has no index."""
        real: Path = ()
        for part in path:
            if isinstance(part, str) or (*real, part) in self.values:
                real = (*real, part)
        return real

    def mark(self, path: Path, *, key: bool = False) -> Mark:
        """Return the place of a value (or of its key); of the nearest thing around it when it has none."""
        if key and path in self.keys:
            return self.keys[path]
        for end in range(len(path), -1, -1):
            if path[:end] in self.values:
                return self.values[path[:end]]
        return Mark(self.file, 1, 1)


class _Loader(yaml.SafeLoader):
    """The safe loader, with a floor under its recursion."""

    depth = 0

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.depth == _DEEPEST:
            raise yaml.composer.ComposerError(None, None, "nested too deeply", self.peek_event().start_mark)  # type: ignore[no-untyped-call]
        self.depth += 1
        try:
            return super().compose_node(parent, index)
        finally:
            self.depth -= 1


def parse(text: str, *, file: str) -> Document:
    """Read one YAML document. `file` is only its name in the marks."""
    document = Document(file)
    if len(text) > LARGEST_TEXT:
        document.problems.append(_at_start(file, f"larger than {LARGEST_TEXT // 1024}KiB: not a scenario"))
        return document
    try:
        root = _Loader(text).get_single_node()
    except yaml.reader.ReaderError as error:
        mark = _mark_of_index(file, text, error.position)
        document.problems.append(Problem.at(mark, f"character U+{error.character:04X} is not allowed in YAML"))
    except yaml.MarkedYAMLError as error:
        document.problems.append(_syntax_problem(file, error))
    else:
        if root is None:
            document.problems.append(_at_start(file, "the file is empty"))
        else:
            _Builder(document).build(root)
    return document


def read_text(path: FilePath, *, file: str) -> str | Problem:
    """Read a file as UTF-8, with or without a byte order mark; a Problem says why that could not be done."""
    try:
        with path.open("rb") as stream:
            content = stream.read(LARGEST_TEXT + 1)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        return _at_start(file, f"cannot be read: {reason}")
    if len(content) > LARGEST_TEXT:
        return _at_start(file, f"larger than {LARGEST_TEXT // 1024}KiB: not a scenario")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = content[: error.start].decode("utf-8-sig", "replace")
        return Problem.at(_mark_of_index(file, before, len(before)), "not UTF-8: save the file with that encoding")


class _Builder:
    """Walks the nodes once, in the order of the text."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self.constructor = yaml.constructor.SafeConstructor()
        self.open: set[int] = set()  # nodes that are being walked: an alias to one of them never ends
        self.left = _MOST_VALUES

    def build(self, root: yaml.Node) -> None:
        self.document.data = self.value(root, ())

    def value(self, node: yaml.Node, path: Path) -> Any:
        """Return the data of a node; None after a problem was noted, since null means nothing in a scenario."""
        self.left -= 1
        if self.left < 0:
            if self.left == -1:
                self.fault(node, path, f"more than {_MOST_VALUES} values, aliases followed")
            return None
        if id(node) in self.open:
            return self.fault(node, path, "an alias refers to the value that it stands in")
        self.document.values[path] = self.mark(node)
        if isinstance(node, yaml.ScalarNode):
            return self.scalar(node, path)
        self.open.add(id(node))
        try:
            if isinstance(node, yaml.MappingNode) and node.tag == _TAG + "map":
                return self.mapping(node, path)
            if isinstance(node, yaml.SequenceNode) and node.tag == _TAG + "seq":
                return self.sequence(node, path)
        finally:
            self.open.discard(id(node))
        return self.fault(node, path, f"the tag {quote(_short(node.tag))} is not supported: remove it")

    def mapping(self, node: yaml.MappingNode, path: Path) -> dict[str, Any]:
        data: dict[str, Any] = {}
        for key_node, value_node in node.value:
            key = self.key(key_node)
            if key is None:
                continue
            inner = (*path, key)
            if inner in self.document.keys:
                first = self.document.keys[inner]
                self.fault(key_node, None, f"duplicate key {quote(key)}: it stands on line {first.line} already")
                continue
            self.document.keys[inner] = self.mark(key_node)
            value = self.value(value_node, inner)
            if value is None:
                self.document.faulty.add(inner)
            else:
                data[key] = value
        return data

    def sequence(self, node: yaml.SequenceNode, path: Path) -> list[Any]:
        data: list[Any] = []
        for item in node.value:
            value = self.value(item, (*path, len(data)))
            if value is not None:
                data.append(value)
            else:
                self.document.faulty.add(path)
        return data

    def key(self, node: yaml.Node) -> str | None:
        if not isinstance(node, yaml.ScalarNode):
            self.fault(node, None, "a key must be text, not a list or a mapping")
            return None
        if node.tag == _TAG + "merge":
            self.fault(node, None, "merge keys (<<) are not supported: write the keys out")
            return None
        if node.tag not in _TEXT_TAGS:
            self.fault(node, None, f"a key must be text: quote {quote(node.value)}")
            return None
        if _surrogate(node.value):
            self.fault(node, None, "half of a surrogate pair is not text")
            return None
        self.left -= 1
        return str(node.value)

    def scalar(self, node: yaml.ScalarNode, path: Path) -> Any:
        text, tag = node.value, quote(_short(node.tag))
        if node.tag in _TEXT_TAGS:
            return text if not _surrogate(text) else self.fault(node, path, "half of a surrogate pair is not text")
        if node.tag == _TAG + "timestamp":
            return self.fault(node, path, f"YAML reads this as a date: quote it, {quote(text)}")
        if node.tag not in _NUMBER_TAGS:
            return self.fault(node, path, f"the tag {tag} is not supported: remove it")
        try:
            value = self.constructor.construct_object(node)
        except (ValueError, KeyError, ArithmeticError):
            return self.fault(node, path, f"cannot be read as {tag}: {quote(text)}")
        return value if isinstance(value, bool) else self.number(node, path, value)

    def number(self, node: yaml.ScalarNode, path: Path, value: Any) -> Any:
        """Refuse the numbers of YAML 1.1 that are not what they look like: 010 is 8, 1:30 is 90."""
        if value is None:
            return self.fault(node, path, "has no value (null): give it one, or remove the key")
        digits = node.value.lstrip("+-")
        if ":" in digits:
            return self.fault(node, path, f"YAML reads this as a number in base 60: quote it, {quote(node.value)}")
        if isinstance(value, float):
            return value
        if len(digits) > 1 and digits[0] == "0" and digits[1] in "01234567_":
            return self.fault(node, path, f"YAML reads {quote(node.value)} as octal ({value}): remove the leading zero")
        if abs(value) > _LARGEST_INTEGER:
            return self.fault(node, path, "the number is too large")
        return value

    def fault(self, node: yaml.Node, path: Path | None, message: str) -> None:
        prefix = f"{dotted(path)}: " if path else ""
        self.document.problems.append(Problem.at(self.mark(node), prefix + message))

    def mark(self, node: yaml.Node) -> Mark:
        return Mark(self.document.file, node.start_mark.line + 1, node.start_mark.column + 1)


def dotted(path: Path) -> str:
    """Write a path as people do: `commands[1].expect.exit`."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            plain = part.isascii() and part.isprintable() and " " not in part and 0 < len(part) <= _DEEPEST
            text += ("." if text else "") + (part if plain else quote(part))
    return text


def _syntax_problem(file: str, error: yaml.MarkedYAMLError) -> Problem:
    place = error.problem_mark or error.context_mark
    mark = Mark(file, place.line + 1, place.column + 1) if place is not None else Mark(file, 1, 1)
    reason = " ".join(str(error.problem or error.context).split())
    if "'\\t'" in reason:
        return Problem.at(mark, "a tab cannot indent or begin a value in YAML: use spaces")
    if error.context == "expected a single document in the stream":
        return Problem.at(mark, "a second document begins here: one scenario a file")
    if reason.startswith("found undefined alias"):
        return Problem.at(mark, f"the alias {reason.removeprefix('found undefined alias ')} has no anchor")
    if reason == "nested too deeply":
        return Problem.at(mark, f"nested more than {_DEEPEST} levels deep")
    where = f" ({error.context})" if error.context and error.problem else ""
    return Problem.at(mark, f"not valid YAML: {reason}{where}")


def _mark_of_index(file: str, text: str, index: int) -> Mark:
    before = text[:index]
    return Mark(file, before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1)


def _at_start(file: str, message: str) -> Problem:
    return Problem(file, 1, 1, message)


def _surrogate(text: str) -> bool:
    return any("\ud800" <= character <= "\udfff" for character in text)


def _short(tag: str) -> str:
    return tag.replace(_TAG, "!!")
