"""The error of a command that whoever runs it can mend."""

from __future__ import annotations


class CommandError(RuntimeError):
    """The command did not do what was asked; each line of the message is for a person."""
