"""What people may type into the form of thresholds."""

from typing import Any

from hypothesis import strategies as st

from cardwatch_visualizer.views.thresholds import all_settings


@st.composite
def forms(draw: st.DrawFn) -> dict[tuple[str, str], Any]:
    values: dict[tuple[str, str], Any] = {}
    for each in all_settings():
        values[each.detector, "mode"] = draw(st.sampled_from(["Active", "Shadow", "Off"]))
        for threshold in each.thresholds:
            numbers: st.SearchStrategy[Any] = (
                st.integers(int(threshold.lowest) + threshold.above, int(threshold.highest))
                if threshold.is_whole
                else st.floats(
                    threshold.lowest,
                    threshold.highest,
                    exclude_min=threshold.above,
                    exclude_max=threshold.below,
                )
            )
            values[each.detector, threshold.name] = draw(numbers)
    return values
