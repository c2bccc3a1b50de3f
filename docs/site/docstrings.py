"""Docstrings as mkdocstrings is to read them."""

import re

import griffe


class Examples(griffe.Extension):
    """Makes the section that our docstrings call `Example:` the one that Griffe knows, whose doctests become code."""

    def on_instance(self, *, obj: griffe.Object, **kwargs) -> None:
        if not obj.is_alias and obj.docstring:
            obj.docstring.value = re.sub(r"^Example:$", "Examples:", obj.docstring.value, flags=re.M)
