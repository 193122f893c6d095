"""The base of all complaints about the command line, which typer does not hand on.

It is click's UsageError; typer brings click along under a name that depends on its version: the package `click` up to
0.19 at least, `typer._click` in 0.29.2. Of its errors typer exports BadParameter, whose ancestor it is in all of them.
"""

from __future__ import annotations

import typer

UsageError: type[Exception] = next(base for base in typer.BadParameter.__mro__ if base.__name__ == "UsageError")
