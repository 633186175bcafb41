"""Rules of texts that users show to others: whether they can be seen, and look the same as another. Pure.

A text in one line, such as a name or a title, has something to see, and
nothing that breaks the line or turns the writing around it. Joiners, marks of
direction and selectors of a form may be in it, for scripts and emoji need
them; they only are nothing to see by themselves.
"""

from __future__ import annotations

import re
import unicodedata

# Default_Ignorable_Code_Point of Unicode: shown as nothing where they have no effect.
_IGNORABLE = (
    (0x00AD, 0x00AD),
    (0x034F, 0x034F),
    (0x061C, 0x061C),
    (0x115F, 0x1160),
    (0x17B4, 0x17B5),
    (0x180B, 0x180F),
    (0x200B, 0x200F),
    (0x202A, 0x202E),
    (0x2060, 0x206F),
    (0x3164, 0x3164),
    (0xFE00, 0xFE0F),
    (0xFEFF, 0xFEFF),
    (0xFFA0, 0xFFA0),
    (0xFFF0, 0xFFF8),
    (0x1BCA0, 0x1BCA3),
    (0x1D173, 0x1D17A),
    (0xE0000, 0xE0FFF),
)
_IGNORED = re.compile("[" + "".join(f"{chr(first)}-{chr(last)}" for first, last in _IGNORABLE) + "]")
# Letters and symbols by their category, whose glyph is empty: the Braille pattern without dots, the null
# notehead, blanks of Egyptian hieroglyphs, and the place of an object that is not in the text.
_EMPTY_GLYPHS = frozenset("\u2800\ufffc\U0001d159\U00013441\U00013442\U00016fe4")
# White space, marks that need a letter before them, what steers, and what has no meaning to everybody.
_NOTHING_TO_SEE = frozenset({"Cc", "Cf", "Cn", "Co", "Cs", "Me", "Mn", "Zl", "Zp", "Zs"})
# Control characters, halves of surrogate pairs, and separators of lines.
_BREAKING = frozenset({"Cc", "Cs", "Zl", "Zp"})
# What turns the direction of writing, also of what follows the text.
_TURNING = frozenset({"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"})


def shows_something(text: str) -> bool:
    """Tells whether there is anything to see in a text."""
    return any(
        unicodedata.category(each) not in _NOTHING_TO_SEE and each not in _EMPTY_GLYPHS
        for each in _IGNORED.sub("", text)
    )


def keeps_direction(text: str) -> bool:
    """Tells whether a text leaves the direction of the writing around it as it is."""
    return not any(unicodedata.bidirectional(each) in _TURNING for each in text)


def is_line(text: str) -> bool:
    """Tells whether a text stays in its line and leaves the writing around it as it is."""
    return keeps_direction(text) and not any(unicodedata.category(each) in _BREAKING for each in text)


def is_visible_line(text: str) -> bool:
    """Tells whether a text is one line with something to see."""
    return is_line(text) and shows_something(text)


def appearance(text: str) -> str:
    """Returns what is equal for texts that look the same: without regard to case, width, and the unseen.

    Letters of different scripts that only resemble each other stay different.
    """
    seen = _IGNORED.sub("", _composed(_composed(text).casefold()))
    shown = "".join(each for each in seen if each not in _EMPTY_GLYPHS)
    return " ".join(_composed(shown).split())


def _composed(text: str) -> str:
    return unicodedata.normalize("NFKC", text)
