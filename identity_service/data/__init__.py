"""Data that ships with identity.

`common_passwords.txt` has the 10,000 commonest passwords of eight characters
and more, commonest first, in lower case: those of the list `passwords` in
zxcvbn 4.5.0 (Copyright 2016 Daniel Wolf, 2012-2016 Dropbox, Inc.; MIT), which
was counted in published leaks.
"""
