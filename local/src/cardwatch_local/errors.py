"""The one error the embedded stack raises at its users."""


class StackError(Exception):
    """Something a person can put right; the text says what went wrong and what to do."""
