"""Reads the passwords that anybody tries first."""

from __future__ import annotations

from importlib.resources import files

from identity_service import data


def read_common_passwords() -> frozenset[str]:
    """Returns the commonest passwords, in lower case."""
    text = (files(data) / "common_passwords.txt").read_text(encoding="utf-8")
    return frozenset(text.split("\n")) - {""}
