"""What goes wrong in a benchmark."""


class BenchError(RuntimeError):
    """A benchmark that cannot give a figure: says what happened and what to change."""
