"""One module a page: what it shows and which callbacks it has."""

from typing import Final

from cardwatch_visualizer.pages import analytics, detectors, health, live, models, review, users
from cardwatch_visualizer.pages.base import Page

PAGES: Final[tuple[Page, ...]] = (
    live.PAGE,
    review.PAGE,
    analytics.PAGE,
    users.PAGE,
    detectors.PAGE,
    models.PAGE,
    health.PAGE,
)
"""In the order of the navigation."""
