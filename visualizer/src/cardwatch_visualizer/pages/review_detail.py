"""The detail of an alert, and what analysts answer: callbacks."""

from collections.abc import Mapping, Sequence
from typing import Any, Final
from uuid import UUID, uuid4

import dash
from dash import Input, Output, State, ctx, html, no_update

from cardwatch_contracts.feedback import Label
from cardwatch_visualizer.archive import questions
from cardwatch_visualizer.archive.answering import NotAnsweredError
from cardwatch_visualizer.archive.connection import ArchiveAwayError
from cardwatch_visualizer.auth.gate import identity
from cardwatch_visualizer.pages.review_pane import LABELS, MAX_REASON, NOTHING, pane
from cardwatch_visualizer.services import Services
from cardwatch_visualizer.views.review import Detail, detail
from cardwatch_visualizer.views.times import zone_of

_OF_OPEN: Final = tuple(f"answer-{label}" for label in LABELS)
BUTTONS: Final = (*_OF_OPEN, *(f"bulk-{label}" for label in LABELS))
"""Those that answer the open alert, and those that answer all that are chosen."""


def register(app: dash.Dash, services: Services) -> None:
    """Add the callbacks."""

    def show(alert_id: Any, _: Any, theme: Any, zone: Any) -> Any:
        found = _uuid(alert_id)
        if found is None:
            return NOTHING
        try:
            shown = detail_of(services, found, zone)
        except ArchiveAwayError as error:
            return [html.P(str(error), className="cw-trouble", role="alert"), *NOTHING[1:]]
        if shown is None:
            words = "The archive has no such alert: it is not archived yet, or no longer kept."
            return [html.P(words, className="cw-empty"), *NOTHING[1:]]
        return pane(shown, "dark" if theme == "dark" else "light", identity().may_answer)

    app.callback(
        Output("review-detail", "children"),
        Input("review-open", "data"),
        Input("review-again", "data"),
        Input("theme", "data"),
        State("zone", "data"),
    )(show)

    def answer(*values: Any) -> tuple[Any, str]:
        *clicked, key, opened, chosen, reason = values
        clicks = dict(zip(BUTTONS, clicked, strict=True))
        wish = wished(ctx.triggered_id, clicks, key, opened, chosen)
        if wish is None:
            return no_update, no_update
        label, alert_ids = wish
        if not identity().may_answer:
            return no_update, "Analysts alone may answer."
        if not alert_ids:
            return no_update, "Choose an alert first."
        try:
            count = services.answers.give(
                alert_ids,
                label,
                given_by=identity().name,
                once=uuid4().hex,
                # Typed beside the alert that is open, so meant for that one.
                reason=str(reason or "")[:MAX_REASON] if ctx.triggered_id in _OF_OPEN else "",
            )
        except (NotAnsweredError, ArchiveAwayError) as error:
            return no_update, f"Not answered: {error}"
        services.metrics.feedback.labels(label).inc(count)
        what = "1 alert" if count == 1 else f"{count} alerts"
        return {"label": label, "count": count, "n": uuid4().hex}, f"{what}: {label}."

    app.callback(
        Output("review-said", "data"),
        Output("review-word", "children"),
        *(Input(each, "n_clicks") for each in BUTTONS),
        Input("review-key", "data"),
        State("review-open", "data"),
        State("review-grid", "selectedRows"),
        State("answer-reason", "value"),
        prevent_initial_call=True,
    )(answer)


def wished(
    trigger: object, clicks: Mapping[str, int | None], key: Any, opened: Any, chosen: Any
) -> tuple[Label, list[UUID]] | None:
    """Return which answer is wanted to which alerts; None where none is.

    Args:
        trigger: the id of what was used: a button, or `review-key` for a key of the keyboard.
        clicks: of all buttons, by their ids; one that was only just drawn has none.
        key: what a key asks for: `label` and `id`.
        opened: the alert that is shown.
        chosen: the table's rows that are chosen.
    """
    if trigger == "review-key":
        label = key.get("label") if isinstance(key, dict) else None
        return (label, _ids([key.get("id")])) if label in LABELS else None
    kind, _, label = str(trigger or "").partition("-")
    if not clicks.get(str(trigger)):
        return None
    if kind == "bulk":
        rows = chosen if isinstance(chosen, list) else []
        return label, _ids([row.get("alert_id") for row in rows if isinstance(row, dict)])  # type: ignore[return-value] # one of them
    return label, _ids([opened])  # type: ignore[return-value] # one of them


def detail_of(services: Services, alert_id: UUID, zone: object) -> Detail | None:
    """Return what there is to say of an alert; None where the archive has none.

    Raises:
        ArchiveAwayError: the archive does not answer.
    """
    archive = services.archive
    row = questions.alert(archive, alert_id)
    if row is None:
        return None
    return detail(
        row,
        questions.findings(archive, alert_id),
        questions.answers(archive, alert_id),
        questions.history(archive, row["card_id"], row["event_time"]),
        zone=zone_of(zone),
        jaeger_url=services.settings.jaeger_url,
    )


def _uuid(text: object) -> UUID | None:
    try:
        return UUID(text) if isinstance(text, str) else None
    except ValueError:
        return None


def _ids(texts: Sequence[object]) -> list[UUID]:
    found = [_uuid(text) for text in texts]
    return [each for each in found if each is not None]
