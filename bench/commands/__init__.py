"""One thin module per command of `launchbench`, and the ways in which a command can end other than well.

Each imports what it needs when it runs. Exit codes are not here: cli.py has the table.
"""


class Ending(Exception):  # noqa: N818 - not every ending is an error
    """A command ends with something to say; its text is one line per thing, each naming the thing and the remedy."""


class AnswerIsNo(Ending):
    """The question was answered, and the answer is no."""


class InvalidInput(Ending):
    """What was given cannot be used."""


class Inconclusive(Ending):
    """The data carry no answer."""


class Incomplete(Ending):
    """Interrupted; what was done stays and can be resumed."""
