"""What the types of a transaction's fields cannot say."""

from typing import TYPE_CHECKING, Final

from cardwatch_contracts.codec import InvalidRecordError, refuse_card_number

if TYPE_CHECKING:
    from cardwatch_contracts.transaction import Transaction

_MAX_GOOD_CODES: Final = 10_000
_good_codes: Final[set[str]] = set()
"""Pairs of currency and country that were checked: there are few, and looking is quicker."""


def check_codes(txn: "Transaction") -> None:
    """Check that currency and country are codes in capital letters.

    Raises:
        InvalidRecordError: one is not.
    """
    currency, country = txn.currency, txn.country
    codes = currency + country
    if codes in _good_codes:
        return
    if not (currency.isalpha() and currency.isascii() and currency.isupper()):
        raise InvalidRecordError("Expected an ISO 4217 code such as `EUR` - at `$.currency`")
    if not (country.isalpha() and country.isascii() and country.isupper()):
        raise InvalidRecordError("Expected an ISO 3166-1 code such as `DE` - at `$.country`")
    if len(_good_codes) < _MAX_GOOD_CODES:
        _good_codes.add(codes)


def refuse_card_numbers(txn: "Transaction") -> None:
    """Check that none of the text fields is a card number.

    Raises:
        InvalidRecordError: one is; the message names the field.
    """
    refuse_card_number("card_id", txn.card_id)
    refuse_card_number("user_id", txn.user_id)
    refuse_card_number("transaction_id", txn.transaction_id)
    refuse_card_number("merchant_id", txn.merchant_id)
    refuse_card_number("merchant_category", txn.merchant_category)
    refuse_card_number("bank_id", txn.bank_id)
    refuse_card_number("payment_system", txn.payment_system)
    refuse_card_number("city", txn.city)
    if txn.label:
        refuse_card_number("label", txn.label)
    if txn.reply_to:
        refuse_card_number("reply_to", txn.reply_to)
