"""What stands below a struct's fields in its source: meaning, unit and range in words."""

import ast
import inspect
import sys
from functools import cache


def docs_of(struct: type) -> dict[str, str]:
    """Return the docstrings of a class's fields by their names, those it inherits included.

    A field without one is left out; so are bases of other modules.
    """
    found: dict[str, str] = {}
    for base in reversed(struct.__mro__):
        if base.__module__ == struct.__module__:
            found |= _documented(struct.__module__).get(base.__name__, {})
    return found


@cache
def _documented(module: str) -> dict[str, dict[str, str]]:
    """Return the docstrings below the fields of every class of a module."""
    source = ast.parse(inspect.getsource(sys.modules[module]))
    return {
        each.name: {
            field.target.id: inspect.cleandoc(text.value.value).replace("\n", " ")
            for field, text in zip(each.body, each.body[1:], strict=False)
            if isinstance(field, ast.AnnAssign)
            and isinstance(field.target, ast.Name)
            and isinstance(text, ast.Expr)
            and isinstance(text.value, ast.Constant)
            and isinstance(text.value.value, str)
        }
        for each in source.body
        if isinstance(each, ast.ClassDef)
    }
