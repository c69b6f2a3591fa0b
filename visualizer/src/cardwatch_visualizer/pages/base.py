"""What a page is."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import dash
from dash.development.base_component import Component

from cardwatch_visualizer.services import Services

Layout = Callable[..., Component]
"""Makes the page; called with the address's query, names and texts, whenever it is opened."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A page: a line in `PAGES` is all that it takes to add one."""

    name: str
    """For programs."""
    path: str
    title: str
    layout: Callable[[Services], Layout]
    register: Callable[[dash.Dash, Services], None]
    """Adds its callbacks."""


def text_of(query: Mapping[str, Any], name: str) -> str:
    """Return a text of the address's query, empty where it has none."""
    value = query.get(name)
    return value if isinstance(value, str) else ""
