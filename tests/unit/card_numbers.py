"""Card numbers for tests, made by an implementation of Luhn's formula of their own."""

from hypothesis import strategies as st


def with_check_digit(payload: str) -> str:
    """Append the check digit: doubled from the right, digits summed (ISO/IEC 7812-1, annex B)."""
    doubled = [
        sum(divmod(int(digit) * (2 if place % 2 == 0 else 1), 10))
        for place, digit in enumerate(reversed(payload))
    ]
    return payload + str(-sum(doubled) % 10)


def card_numbers() -> st.SearchStrategy[str]:
    """Card numbers of every length in use, 13 to 19 digits."""
    return st.text("0123456789", min_size=12, max_size=18).map(with_check_digit)


def in_groups(number: str, separator: str, size: int = 4) -> str:
    """Write a card number in groups, as it stands on the card."""
    return separator.join(number[i : i + size] for i in range(0, len(number), size))
