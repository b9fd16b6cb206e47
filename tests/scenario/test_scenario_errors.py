"""Every way to get a scenario wrong that we know of: where the error points, and what it says."""

# ruff: noqa: E501 - a table with one line an error

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bench.scenario import ScenarioError, load

if TYPE_CHECKING:
    from bench.scenario import Vocabulary

HEAD = "name: x\nquestion: Why?\nstrategies: [vfork_exec]\n"
YES = "(YAML reads yes, no, on and off as true and false)"
ONE = "must be a whole number of at least 1, not"

# What stands on line 4, the line and column that the error points at, and its message.
LINES = {
    "unit missing": ("footprints: 64", "4:13: footprints: must be a size such as 64MiB or 40%RAM; 64 has no unit, did you mean 64MiB?"),
    "unit missing in text": ('footprints: "64"', "4:13: footprints: '64' has no unit, did you mean 64MiB?"),
    "unit misspelt": ("footprints: [1GiB, 64mib]", "4:20: footprints[1]: '64mib' has an unknown unit, did you mean 64MiB?"),
    "unit of other tools": ("footprints: 4G", "4:13: footprints: '4G' has an unknown unit, did you mean 4GiB?"),
    "share of what": ("footprints: 40%", "4:13: footprints: '40%' has an unknown unit, did you mean 40%RAM?"),
    "space before unit": ("footprints: 1.5 GiB", "4:13: footprints: '1.5 GiB' is not spelled so, did you mean 1.5GiB?"),
    "footprint below a page": ("footprints: 1KiB", "4:13: footprints: must be at least 4KiB, not 1KiB"),
    "footprint of nothing": ("footprints: 0MiB", "4:13: footprints: must be at least 4KiB, not 0MiB"),
    "no RAM at all": ("footprints: 0%RAM", "4:13: footprints: must be more than 0%RAM and at most 1000%RAM, not 0%RAM"),
    "negative footprint": ("footprints: -1GiB", "4:13: footprints: must be a size such as 64MiB or 40%RAM; '-1GiB' is negative"),
    "impossible footprint": ("footprints: 999999TiB", "4:13: footprints: 999999TiB is more than any address space holds (128PiB)"),
    "list of lists": ("footprints: [[1GiB]]", "4:14: footprints[0]: must be a size such as 64MiB or 40%RAM, not a list"),
    "time without unit": ("time_limit: 5", "4:13: time_limit: must be a time such as 5s, 500ms or 2min; 5 has no unit, did you mean 5s?"),
    "time with a wrong unit": ("time_limit: 5sec", "4:13: time_limit: '5sec' has an unknown unit, did you mean 5s?"),
    "no time at all": ("time_limit: 0s", "4:13: time_limit: must be between 1ms and 24h, not '0s'"),
    "unknown key": ("round: 3", "4:1: round: unknown key, did you mean 'rounds'?"),
    "unknown key of another shape": ("warm-up: 3", "4:1: warm-up: unknown key, did you mean 'warmup'?"),
    "unknown key, nothing near": ("zzz: 3", "4:1: zzz: unknown key"),
    "unknown key inside": ("limits: {mem: 4GiB}", "4:10: limits.mem: unknown key, did you mean 'memory'?"),
    "duplicate key": ("name: y", "4:1: duplicate key 'name': it stands on line 1 already"),
    "duplicate key inside": ("limits: {pids: 2, pids: 3}", "4:19: duplicate key 'pids': it stands on line 4 already"),
    "negative rounds": ("rounds: -1", f"4:9: rounds: {ONE} -1"),
    "zero launches": ("launches: 0", f"4:11: launches: {ONE} 0"),
    "float launches": ("launches: 200.0", f"4:11: launches: {ONE} 200.0"),
    "scientific launches": ("launches: 1e3", f"4:11: launches: {ONE} '1e3'"),
    "quoted launches": ("launches: '200'", f"4:11: launches: {ONE} the text '200': remove the quotes"),
    "too many launches": ("launches: 99999999", "4:11: launches: must be at most 10000000, not 99999999"),
    "number beyond machines": ("launches: 99999999999999999999", "4:11: launches: the number is too large"),
    "octal": ("launches: 010", "4:11: launches: YAML reads '010' as octal (8): remove the leading zero"),
    "base 60": ("rounds: 1:30", "4:9: rounds: YAML reads this as a number in base 60: quote it, '1:30'"),
    "yes is no number": ("rounds: yes", f"4:9: rounds: {ONE} true {YES}"),
    "list for a setting": ("rounds: [1, 2]", f"4:9: rounds: {ONE} a list"),
    "null": ("rounds:", "4:8: rounds: has no value (null): give it one, or remove the key"),
    "null in a list": ("reapers: [~]", "4:11: reapers[0]: has no value (null): give it one, or remove the key"),
    "unknown reaper": ("reapers: [waitpid, pidf]", "4:20: reapers[1]: there is no 'pidf', did you mean 'pidfd'?"),
    "unknown backing, few known": ("backings: qqq", "4:11: backings: there is no 'qqq': known are anon, thp, shared"),
    "name that YAML reads": ("hygiene: off", "4:10: hygiene: must be a name; YAML reads this as false"),
    "duplicate on an axis": ("footprints: [1GiB, 1024MiB]", "4:20: footprints[1]: stands here twice (the first is number 1 of the list)"),
    "empty axis": ("footprints: []", "4:13: footprints: needs at least 1 footprint: this list is empty"),
    "limit with mode 1": ("overcommit: {mode: 1, limit: 2x}", "4:23: overcommit.limit: only mode 2 has a limit, not mode 1"),
    "limit without unit": ("overcommit: {mode: 2, limit: 1.5}", "4:30: overcommit.limit: must be a limit such as 1.5x, 2GiB or 50%RAM; 1.5 has no unit, did you mean 1.5x?"),
    "limit without mode": ("overcommit: {limit: 2x}", "4:13: overcommit.mode: this key is missing"),
    "no such mode": ("overcommit: [0, 3]", "4:17: overcommit[1]: must be current, 0, 1, 2 or {mode: 2, limit: 1.5x}, not 3"),
    "no such mode inside": ("overcommit: {mode: always}", "4:20: overcommit.mode: must be current, 0, 1 or 2, not 'always'"),
    "mode is no boolean": ("overcommit: yes", "4:13: overcommit: must be current, 0, 1, 2 or {mode: 2, limit: 1.5x}, not true"),
    "argv and shell": ("commands: [{argv: [ls], shell: ls}]", "4:25: commands[0].shell: a command has one of argv or shell; this one has argv already"),
    "neither": ("commands: [{weight: 2}]", "4:12: commands[0]: a command needs one of argv or shell"),
    "no commands": ("commands: []", "4:11: commands: needs at least 1 command: this list is empty"),
    "command without list": ("commands: {argv: [ls]}", "4:11: commands: must be a list of commands, not a mapping"),
    "command is text": ("commands: [ls]", "4:12: commands[0]: must be a mapping such as {argv: [probe]}, not 'ls'"),
    "empty argv": ("commands: [{argv: []}]", "4:19: commands[0].argv: needs at least 1 argument: this list is empty"),
    "argv is a line": ("commands: [{argv: ls -l}]", "4:19: commands[0].argv: must be a list of arguments, not 'ls -l': for a command line use shell"),
    "number in argv": ("commands: [{argv: [sleep, 5]}]", "4:27: commands[0].argv[1]: an argument must be text; YAML reads this as 5: quote it"),
    "boolean in argv": ("commands: [{argv: [echo, on]}]", "4:26: commands[0].argv[1]: an argument must be text; YAML reads this as true: quote it"),
    "date in argv": ("commands: [{argv: [date, 2024-01-01]}]", "4:26: commands[0].argv[1]: YAML reads this as a date: quote it, '2024-01-01'"),
    "NUL byte in argv": (r'commands: [{argv: [echo, "a\0b"]}]', "4:26: commands[0].argv[1]: an argument cannot hold a NUL byte"),
    "program without a name": ("commands: [{argv: ['', x]}]", "4:20: commands[0].argv[0]: the program has no name"),
    "blank command line": ("commands: [{shell: ' '}]", "4:20: commands[0].shell: must not be empty"),
    "weight 0": ("commands: [{argv: [ls], weight: 0}]", "4:33: commands[0].weight: must be more than 0 and at most 1000000, not 0"),
    "weight of no number": ("commands: [{argv: [ls], weight: .nan}]", "4:33: commands[0].weight: must be more than 0 and at most 1000000, not nan"),
    "weight as text": ("commands: [{argv: [ls], weight: x}]", "4:33: commands[0].weight: must be a number, not 'x'"),
    "expect with two": ("commands: [{argv: [ls], expect: {exit: 0, signal: 9}}]", "4:43: commands[0].expect.signal: an expectation has one of exit, signal or exec_error; this one has exit already"),
    "expect with none": ("commands: [{argv: [ls], expect: {}}]", "4:33: commands[0].expect: an expectation needs one of exit, signal or exec_error"),
    "expect is a number": ("commands: [{argv: [ls], expect: 3}]", "4:33: commands[0].expect: must be a mapping such as {exit: 0}, not 3"),
    "exit 300": ("commands: [{argv: [ls], expect: {exit: 300}}]", "4:40: commands[0].expect.exit: must be at most 255, not 300"),
    "unknown signal": ("commands: [{argv: [ls], expect: {signal: KILL}}]", "4:42: commands[0].expect.signal: there is no signal 'KILL', did you mean 'SIGKILL'?"),
    "signal out of range": ("commands: [{argv: [ls], expect: {signal: 99}}]", "4:42: commands[0].expect.signal: there is no signal 99: 1 to 64, or a name such as SIGKILL"),
    "unknown errno": ("commands: [{argv: [ls], expect: {exec_error: ENOENTT}}]", "4:46: commands[0].expect.exec_error: there is no errno 'ENOENTT', did you mean 'ENOENT'?"),
    "errno as a number": ("commands: [{argv: [ls], expect: {exec_error: 2}}]", "4:46: commands[0].expect.exec_error: must be the name of an errno, not a number, did you mean ENOENT?"),
    "cpu range backwards": ("cpu: 3-1", "4:6: cpu: '3-1' is not a range of CPUs"),
    "cpu misspelt": ("cpu: sane", "4:6: cpu: must be same, free, or a list of CPUs such as 0,2-3, not 'sane', did you mean 'same'?"),
    "guest clock misspelt": ("guest_clock: instruction", "4:14: guest_clock: must be wall or instructions, not 'instruction', did you mean 'instructions'?"),
    "guest clock of a list": ("guest_clock: [wall]", "4:14: guest_clock: must be wall or instructions, not a list"),
    "cpu beyond kernels": ("cpu: [0, 9000]", "4:6: cpu: a CPU is a number from 0 to 8191, not 9000"),
    "limits as text": ("limits: 4GiB", "4:9: limits: must be a mapping such as {memory: 4GiB, pids: 200}, not '4GiB'"),
    "list inside limits": ("limits: {memory: [1GiB, 2GiB]}", "4:18: limits.memory: must be a size such as 64MiB or 40%RAM, not a list"),
    "flag as text": ("crowd: 'yes'", "4:8: crowd: must be true or false, not 'yes'"),
    "exclude matches nothing": ("exclude: [{strategy: vfork_exec, overcommit: 2}]", "4:46: exclude[0].overcommit: no cell has overcommit mode2, only current"),
    "exclude names a stranger": ("exclude: [{strategy: fork_exec}]", "4:22: exclude[0].strategy: no cell has strategy 'fork_exec', only vfork_exec"),
    "exclude names nothing": ("exclude: [{}]", "4:11: exclude[0]: names nothing, and so would exclude every cell"),
    "exclude is a mapping": ("exclude: {strategy: vfork_exec}", "4:10: exclude: must be a list of partial cells, not a mapping"),
    "empty matrix": ("exclude: [{strategy: vfork_exec}]", "4:1: exclude: excludes every cell: nothing is left to measure"),
    "hazard and all": ("hazards: [etxtbsy, all]", "4:20: hazards[1]: all stands alone, without other names"),
    "unknown hazard": ("hazards: [etxtbsi]", "4:11: hazards[0]: there is no 'etxtbsi', did you mean 'etxtbsy'?"),
    "tab": ("\trounds: 1", "4:1: a tab cannot indent or begin a value in YAML: use spaces"),
    "undefined alias": ("footprints: *sizes", "4:13: the alias 'sizes' has no anchor"),
    "merge key": ("limits: {<<: {pids: 2}}", "4:10: merge keys (<<) are not supported: write the keys out"),
    "list as a key": ("? [a]\n: b", "4:3: a key must be text, not a list or a mapping"),
    "number as a key": ("1: b", "4:1: a key must be text: quote '1'"),
    "second document": ("---\nname: y", "4:1: a second document begins here: one scenario a file"),
    "unclosed list": ("footprints: [1GiB", "5:1: not valid YAML: expected ',' or ']', but got '<stream end>' (while parsing a flow sequence)"),
    "python object": ("footprints: !!python/object:os.system {}", "4:13: footprints: the tag '!!python/object:os.system' is not supported: remove it"),
}  # fmt: skip


@pytest.mark.parametrize(("line", "expected"), LINES.values(), ids=LINES)
def test_error_points_at_its_place_and_says_what_to_write(line: str, expected: str, vocabulary: Vocabulary) -> None:
    with pytest.raises(ScenarioError) as caught:
        load(HEAD + line + "\n", file="x.yaml", vocabulary=vocabulary)
    assert str(caught.value) == f"x.yaml:{expected}"


WHOLE = {
    "empty": ("", "1:1: the file is empty"),
    "only a comment": ("# nothing yet\n", "1:1: the file is empty"),
    "a list": ("- a\n", "1:1: must be a mapping such as {name: ..., question: ...}, not a list"),
    "text": ("hello\n", "1:1: must be a mapping such as {name: ..., question: ...}, not 'hello'"),
    "null": ("~\n", "1:1: has no value (null): give it one, or remove the key"),
    "control character": ("name: \x07\n", "1:7: character U+0007 is not allowed in YAML"),
    "no strategies": (
        "name: x\nquestion: Why?\n",
        "1:1: strategies: this key is missing: a list of strategies, or all",
    ),
    "empty strategies": (
        "name: x\nquestion: Why?\nstrategies: []\n",
        "3:13: strategies: needs at least 1 strategy: this list is empty",
    ),
    "near miss": (
        "name: x\nquestion: Why?\nstrategies: [vfork_exec, fork-exec]\n",
        "3:26: strategies[1]: there is no 'fork-exec', did you mean 'fork_exec'?",
    ),
    "all and more": (
        "name: x\nquestion: Why?\nstrategies: [fork_exec, all]\n",
        "3:25: strategies[1]: all stands alone, without other names",
    ),
    "no question": ("name: x\nstrategies: all\n", "1:1: question: this key is missing"),
    "name for a file": (
        "name: a/b\nquestion: Why?\nstrategies: all\n",
        "1:7: name: must be up to 64 letters, digits and . _ -, not 'a/b'",
    ),
    "name is a number": ("name: 7\nquestion: Why?\nstrategies: all\n", "1:7: name: must be text: quote it, '7'"),
    "too many pieces": (
        "name: x\nquestion: Why?\nstrategies: all\nfootprints: 64KiB\nvmas: [16, 17]\n",
        "5:12: vmas[1]: 17 pieces of at least a page do not fit in a footprint of 64KiB",
    ),
}


@pytest.mark.parametrize(("text", "expected"), WHOLE.values(), ids=WHOLE)
def test_error_of_a_whole_file(text: str, expected: str, vocabulary: Vocabulary) -> None:
    with pytest.raises(ScenarioError) as caught:
        load(text, file="x.yaml", vocabulary=vocabulary)
    assert str(caught.value) == f"x.yaml:{expected}"


def test_all_errors_come_in_one_pass_in_the_order_of_the_text(vocabulary: Vocabulary) -> None:
    text = """\
name: everything wrong
question:
strategies: [vfork_exec, fork_exek]
reapers: [waitpid]
footprints: [64, 1GiB]
overcommit: [0, {mode: 1, limit: 2x}]
commands:
  - {argv: [sleep, 5], shell: x, weight: 0, expect: {exit: 300, signal: KILL}}
  - {}
launches: 2.5
launches: 3
round: 3
exclude: [{reapr: x}, {hygiene: close_range}, {overcommit: 1}]
"""
    with pytest.raises(ScenarioError) as caught:
        load(text, file="x.yaml", vocabulary=vocabulary, overrides=[("trials", "0")])
    assert [(problem.file, problem.line, problem.column) for problem in caught.value.problems] == [
        ("--set", 1, 8),
        ("x.yaml", 1, 7),  # the name has spaces
        ("x.yaml", 2, 10),  # null
        ("x.yaml", 3, 26),  # the name of a strategy
        ("x.yaml", 5, 14),  # no unit
        ("x.yaml", 6, 27),  # a limit, but not in mode 2
        ("x.yaml", 8, 20),  # 5 is no text
        ("x.yaml", 8, 24),  # argv and shell
        ("x.yaml", 8, 42),  # no weight
        ("x.yaml", 8, 60),  # exit 300
        ("x.yaml", 8, 65),  # exit and signal
        ("x.yaml", 8, 73),  # KILL
        ("x.yaml", 9, 5),  # neither argv nor shell
        ("x.yaml", 10, 11),  # 2.5 launches
        ("x.yaml", 11, 1),  # launches again
        ("x.yaml", 12, 1),  # round
        ("x.yaml", 13, 12),  # reapr
        ("x.yaml", 13, 33),  # no cell has that hygiene; what depends on the broken axis is not judged
    ]


def test_no_message_speaks_the_validators_language(vocabulary: Vocabulary) -> None:
    for line, _ in LINES.values():
        with pytest.raises(ScenarioError) as caught:
            load(HEAD + line, file="x.yaml", vocabulary=vocabulary)
        for problem in caught.value.problems:
            assert "\n" not in str(problem)
            assert not any(word in str(problem) for word in ("Input should", "Extra inputs", "valid dict", "tuple"))
