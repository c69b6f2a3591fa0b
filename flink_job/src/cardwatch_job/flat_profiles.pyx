# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True
"""Writes cards' profiles without a Python object for each: what `profile_record` does, in machine code.

`tests/integration/job/screening.py` holds it against `profile_record`.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_GET_SIZE
from libc.math cimport floor
from libc.stdlib cimport realloc
from libc.string cimport memcpy

from cardwatch_job.flat_users cimport no_memory, write_number

from cardwatch_contracts.topics import CARD_PROFILES
from cardwatch_job.outputs import MINOR_DIGITS, PLACE_DIGITS

cdef enum:
    PROFILE_BYTES = 640  # what is written of a card at most, besides its texts
    MOST_DECIMALS = 6

cdef double[MOST_DECIMALS + 1] _POWERS = [1.0, 10.0, 100.0, 1e3, 1e4, 1e5, 1e6]
cdef bytes _TOPIC = CARD_PROFILES.name.encode()
cdef const char* _topic = PyBytes_AS_STRING(_TOPIC)
cdef Py_ssize_t _topic_length = PyBytes_GET_SIZE(_TOPIC)
cdef int _minor_digits = MINOR_DIGITS, _place_digits = PLACE_DIGITS


cdef inline char* _put(char* at, const char* text, Py_ssize_t length) noexcept nogil:
    memcpy(at, text, length)
    return at + length


cdef inline char* _put_span(char* at, Span span) noexcept nogil:
    return _put(at, <const char*>span.start, span.length)


cdef char* put_int(char* at, long long number) noexcept nogil:
    """Write a number, 20 characters at most; return where it ends."""
    cdef char digits[20]
    cdef int count = 0
    cdef unsigned long long rest = <unsigned long long>number
    if number < 0:
        at[0] = 45
        at += 1
        rest = -rest
    while rest or not count:
        digits[count] = <char>(48 + rest % 10)
        rest //= 10
        count += 1
    while count:
        count -= 1
        at[0] = digits[count]
        at += 1
    return at


cdef char* _put_rounded(char* at, double number, int decimals) noexcept nogil:
    """Write a number with at most so many digits behind the point, at least one."""
    cdef unsigned long long scale = <unsigned long long>_POWERS[decimals], rest
    cdef long long scaled = <long long>floor(number * _POWERS[decimals] + 0.5)
    if scaled < 0:
        at[0] = 45
        at += 1
        scaled = -scaled
    at = put_int(at, scaled // scale)
    at[0] = 46
    at += 1
    rest = scaled % scale
    while True:
        scale //= 10
        at[0] = <char>(48 + rest // scale)
        at += 1
        rest %= scale
        if not rest:
            return at


cdef char* _put_profile(
    char* at, Card* card, Span card_id, Span user_id, Span latitude, Span longitude
) noexcept nogil:
    """Write what is known of a card after its latest transaction."""
    at = _put_span(_put(at, b'{"card_id":"', 12), card_id)
    at = _put_span(_put(at, b'","user_id":"', 13), user_id)
    at = put_int(_put(at, b'","version":', 12), card.transactions)
    at = put_int(_put(at, b',"transactions":', 16), card.transactions)
    if card.amounts:
        at = _put(at, b',"average_amount_minor":', 24)
        at = _put_rounded(at, <double>card.amount_sum_minor / card.amounts, _minor_digits)
        at = put_int(_put(at, b',"amounts":', 11), card.amounts)
    if card.has_limit:
        at = put_int(_put(at, b',"card_limit_minor":', 20), card.limit_minor)
    at = put_int(_put(at, b',"last_event_time":', 19), card.last_event_time)
    at = _put_span(_put(at, b',"last_latitude":', 17), latitude)
    at = _put_span(_put(at, b',"last_longitude":', 18), longitude)
    at = _put(at, b',"home_latitude":', 17)
    at = _put_rounded(at, card.latitude_sum / card.transactions, _place_digits)
    at = _put(at, b',"home_longitude":', 18)
    at = _put_rounded(at, card.longitude_sum / card.transactions, _place_digits)
    at[0] = 125
    return at + 1


cdef int write_profile(
    Written* written, Card* card, Span card_id, Span user_id, Span latitude, Span longitude
) except -1 nogil:
    """Write a card's profile as a record.

    The texts are those of the card's latest transaction, as they stand in its JSON.
    """
    cdef Py_ssize_t needed = (
        written.length + PROFILE_BYTES + 2 * card_id.length + user_id.length
        + latitude.length + longitude.length
    )
    cdef char* at
    cdef char* value
    if needed > written.room:
        at = <char*>realloc(written.data, 2 * needed)
        if at == NULL:
            no_memory()
        written.data, written.room = at, 2 * needed
    at = write_number(written.data + written.length, _topic_length, 4)
    at = _put(at, _topic, _topic_length)
    at = _put_span(write_number(at, card_id.length, 4), card_id)
    value = at + 4
    at = _put_profile(value, card, card_id, user_id, latitude, longitude)
    write_number(value - 4, at - value, 4)
    at = write_number(at, -1, 4)  # no header
    written.length = at - written.data
    written.count += 1
    return 0
