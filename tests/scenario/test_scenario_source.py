"""YAML that is hostile, or that only looks harmless: the answer is a problem with a place, soon."""

from __future__ import annotations

import pytest

from bench.scenario import Mark, parse

HOSTILE = {
    "billion laughs": (
        "a: &a [x, x, x, x, x, x, x, x, x, x]\n"
        + "".join(f"{chr(98 + n)}: &{chr(98 + n)} [{', '.join(['*' + chr(97 + n)] * 10)}]\n" for n in range(12))
    ),
    "list in itself": "a: &a [*a]\n",
    "mapping in itself": "&a {b: *a}\n",
    "deep lists": "[" * 5000,
    "deep blocks": "".join(" " * n + "a:\n" for n in range(300)),
    "deep keys": "? " * 2000 + "a",
    "half a surrogate": '"\\ud800": "\\udfff"\n',
    "NUL": "a: \0\n",
    "set": "!!set {a, b}\n",
    "ordered map": "!!omap [a: 1]\n",
    "binary": "!!binary aGVsbG8=\n",
    "object": "!!python/object/apply:os.system ['true']\n",
    "own tag": "!mine {a: 1}\n",
    "no integer": "!!int abc\n",
    "no boolean": "!!bool maybe\n",
    "no float": "!!float x\n",
    "huge integer": "a: " + "9" * 5000 + "\n",
    "huge hexadecimal": "a: 0x" + "f" * 5000 + "\n",
    "no date": "a: 2024-99-99\n",
    "directive": "%YAML 9.9\n---\na: 1\n",
    "two anchors": "a: &x 1\nb: &x 2\nc: *y\n",
    "unknown handle": "a: !x!y 1\n",
    "mapping as key": "{a: 1}: b\n",
    "null as key": "~: b\n",
    "merge of nothing": "<<: b\n",
    "only anchors": "&a\n",
    "quote without end": 'a: "b\n',
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_hostile_yaml_is_a_problem_of_one_line(text: str) -> None:
    problems = parse(text, file="x.yaml").problems
    assert problems
    for problem in problems:
        assert problem.line >= 1
        assert problem.column >= 1
        assert len(str(problem).splitlines()) == 1
        str(problem).encode("utf-8")


def test_data_comes_with_the_place_of_every_key_and_value() -> None:
    document = parse("a: 1\nb:\n  - {c: [x, y]}\n", file="x.yaml")
    assert document.data == {"a": 1, "b": [{"c": ["x", "y"]}]}
    assert document.values["a",] == Mark("x.yaml", 1, 4)
    assert document.keys["b",] == Mark("x.yaml", 2, 1)
    assert document.keys["b", 0, "c"] == Mark("x.yaml", 3, 6)
    assert document.values["b", 0, "c", 1] == Mark("x.yaml", 3, 13)


def test_aliases_are_followed() -> None:
    assert parse("a: &s [1]\nb: *s\n", file="x").data == {"a": [1], "b": [1]}


def test_signs_that_yaml_gives_a_meaning_in_keys_are_text_elsewhere() -> None:
    assert parse("[test, a, =, <<]", file="x").data == ["test", "a", "=", "<<"]


def test_of_two_equal_keys_the_first_counts() -> None:
    document = parse("a: 1\na: 2\n", file="x")
    assert document.data == {"a": 1}
    assert [str(problem) for problem in document.problems] == ["x:2:1: duplicate key 'a': it stands on line 1 already"]
