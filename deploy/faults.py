"""What goes wrong in a command and can be mended by who runs it."""

from __future__ import annotations


class CommandError(RuntimeError):
    """The command did not do what was asked; each line of the message is for a person."""
