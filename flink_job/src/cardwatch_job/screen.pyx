# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True
"""Judges in machine code what no detector has anything to say about, which is nearly all.

A transaction is screened without becoming a Python object: its JSON is read in place, its card's
memory is looked at, and where every detector is sure to stay silent, what it teaches is learned
here. Everything else is left, untouched, to `Judge`, which alone decides: a transaction that is
written unusually, that is late, a duplicate or under another user's key, and above all one on
which a detector may have a finding. So a screen that is too careful costs time and nothing else.

`tests/integration/job/screening.py` holds it against the judge without a screen.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_GET_SIZE
from cpython.unicode cimport PyUnicode_DecodeASCII, PyUnicode_DecodeUTF8
from libc.math cimport asin, cos, fabs, sin, sqrt
from libc.stdlib cimport free, malloc
from libc.string cimport memcmp, memset

from cardwatch_job.flat_sums cimport FlatSums
from cardwatch_job.flat_users cimport (
    Bytes,
    Card,
    FlatUsers,
    Lesson,
    Slot,
    User,
    card_of,
    card_state,
    first_card,
    has_recent,
    hash_of,
    near_limit_times,
    next_card,
    no_pin_times,
)
from cardwatch_job.progress cimport Progress

from cardwatch_contracts.codec import MAX_RECORD_BYTES
from cardwatch_contracts.privacy import MIN_CARD_DIGITS, is_card_number
from cardwatch_contracts.topics import TRANSACTIONS
from cardwatch_contracts.trace_context import read_traceparent
from cardwatch_contracts.transaction import LATEST_EVENT_TIME_MS, MAX_AMOUNT_MINOR
from cardwatch_job.detectors import DETECTORS
from cardwatch_job.detectors._travel import (
    _EARTH_RADIUS_KM,
    _FARTHEST_KM,
    _KM_PER_DEGREE,
    _SHORTEST_H,
)
from cardwatch_job.detectors.history import MAX_CARDS
from cardwatch_job.outputs import PROFILE_EVERY, profile_record

cdef enum:
    TRANSACTION_ID, EVENT_TIME, USER_ID, CARD_ID, BANK_ID, PAYMENT_SYSTEM, AMOUNT_MINOR, CURRENCY
    MERCHANT_ID, MERCHANT_CATEGORY, COUNTRY, CITY, LATITUDE, LONGITUDE, PIN_USED, CHANNEL
    CARD_LIMIT_MINOR, LABEL, TRACEPARENT, REPLY_TO, FIELDS, UNKNOWN

cdef tuple _NAMES = (
    b"transaction_id", b"event_time", b"user_id", b"card_id", b"bank_id", b"payment_system",
    b"amount_minor", b"currency", b"merchant_id", b"merchant_category", b"country", b"city",
    b"latitude", b"longitude", b"pin_used", b"channel", b"card_limit_minor", b"label",
    b"traceparent", b"reply_to",
)
cdef tuple _CHANNELS = (b"chip", b"contactless", b"magstripe", b"online", b"atm")
cdef Bytes _name[FIELDS]
cdef int _name_length[FIELDS]
cdef int _order[64]  # the field that came at each place of the record before: most are alike
cdef int _i
for _i in range(FIELDS):
    _name[_i] = <Bytes>PyBytes_AS_STRING(_NAMES[_i])
    _name_length[_i] = PyBytes_GET_SIZE(_NAMES[_i])
    _order[_i] = _i
for _i in range(FIELDS, 64):
    _order[_i] = 0

cdef enum:
    CHANNELS = 5
    IDENTIFIERS = 7

cdef int[IDENTIFIERS] _identifier = [
    TRANSACTION_ID, USER_ID, CARD_ID, BANK_ID, PAYMENT_SYSTEM, MERCHANT_ID, MERCHANT_CATEGORY
]

cdef Bytes _channel[CHANNELS]
cdef int _channel_length[CHANNELS]
for _i in range(CHANNELS):
    _channel[_i] = <Bytes>PyBytes_AS_STRING(_CHANNELS[_i])
    _channel_length[_i] = PyBytes_GET_SIZE(_CHANNELS[_i])

cdef enum Kind_of_byte:
    PLAIN, QUOTE, SPECIAL, NOT_ASCII

cdef unsigned char _kind[256]
for _i in range(256):
    _kind[_i] = SPECIAL if _i < 32 or _i == 92 else NOT_ASCII if _i >= 128 else PLAIN
_kind[34] = QUOTE

cdef int _REQUIRED = (1 << CARD_LIMIT_MINOR) - 1
cdef long long _LATEST_MS = LATEST_EVENT_TIME_MS
cdef long long _MAX_AMOUNT = MAX_AMOUNT_MINOR
cdef int _MAX_BYTES = MAX_RECORD_BYTES
cdef int _MIN_DIGITS = MIN_CARD_DIGITS
cdef int _PROFILE_EVERY = PROFILE_EVERY
cdef long long _EXACT = 1LL << 53  # integers up to here are exact as floats
cdef double _POWERS[23]
for _i in range(23):
    _POWERS[_i] = 10.0 ** _i
cdef double _RADIUS_KM = _EARTH_RADIUS_KM
cdef double _FARTHEST = _FARTHEST_KM
cdef double _PER_DEGREE_KM = _KM_PER_DEGREE
cdef double _MIN_HOURS = _SHORTEST_H
cdef double _RADIANS = 0.017453292519943295
cdef int _MAX_CARDS = MAX_CARDS
cdef Card _new_card  # nothing is known of it
memset(&_new_card, 0, sizeof(Card))
cdef double _SURE = 1e-9  # a relative error larger than that of any sum here


cdef struct Text:
    Py_ssize_t start
    int length
    bint is_ascii


cdef struct Scanned:
    Bytes data
    long long event_time, amount_minor, limit_minor
    double latitude, longitude
    bint pin_used
    bint is_read  # all of it, in a way that is known here
    Text text[FIELDS]


cdef inline Py_ssize_t _skip_spaces(Bytes data, Py_ssize_t at, Py_ssize_t end) noexcept nogil:
    while at < end and data[at] == 32:
        at += 1
    return at


cdef int _field_at(Bytes data, Py_ssize_t at, Py_ssize_t end, int place) noexcept nogil:
    """Return the field whose name begins at `at`, after the quote."""
    cdef int field = _order[place], length = _name_length[field]
    if end - at > length and data[at + length] == 34 and memcmp(data + at, _name[field], length) == 0:
        return field
    for field in range(FIELDS):
        length = _name_length[field]
        if end - at > length and data[at + length] == 34:
            if memcmp(data + at, _name[field], length) == 0:
                _order[place] = field
                return field
    return UNKNOWN


cdef inline Py_ssize_t _read_text(Bytes data, Py_ssize_t at, Py_ssize_t end, Text* text) noexcept nogil:
    """Read a string whose quote is at `at`; return where it ends, or -1."""
    cdef int kind
    if data[at] != 34:
        return -1
    at += 1
    text.start = at
    text.is_ascii = True
    while at < end:
        kind = _kind[data[at]]
        if kind != PLAIN:
            if kind == QUOTE:
                text.length = <int>(at - text.start)
                return at + 1
            if kind == SPECIAL:
                return -1
            text.is_ascii = False
        at += 1
    return -1


cdef inline Py_ssize_t _read_int(Bytes data, Py_ssize_t at, Py_ssize_t end, long long* number) noexcept nogil:
    """Read an integer of at most 17 digits, as JSON writes it; return where it ends, or -1."""
    cdef bint negative = data[at] == 45
    if negative:
        at += 1
    cdef Py_ssize_t first = at
    cdef long long value = 0
    while at < end and 48 <= data[at] <= 57:
        value = value * 10 + (data[at] - 48)
        at += 1
        if at - first > 17:
            return -1
    if at == first or at >= end or (data[first] == 48 and (negative or at - first > 1)):
        return -1
    if data[at] == 46 or data[at] == 101 or data[at] == 69:  # a point, an exponent
        return -1
    number[0] = -value if negative else value
    return at


cdef Py_ssize_t _read_degrees(
    Bytes data, Py_ssize_t at, Py_ssize_t end, double* number
) except -2 nogil:
    """Read a number without exponent; return where it ends, or -1."""
    cdef Py_ssize_t start = at, first, point = -1
    cdef bint negative = data[at] == 45
    if negative:
        at += 1
    first = at
    cdef long long digits = 0
    cdef int fraction
    while at < end:
        if 48 <= data[at] <= 57:
            if at - first > 18:
                return -1
            digits = digits * 10 + (data[at] - 48)
        elif data[at] == 46 and point < 0:
            point = at
        else:
            break
        at += 1
    if at >= end or at == first or point == first or point == at - 1:
        return -1
    if data[at] == 101 or data[at] == 69:
        return -1
    if data[first] == 48 and at - first > 1 and point != first + 1:  # a leading zero
        return -1
    fraction = 0 if point < 0 else <int>(at - point - 1)
    if negative and digits == 0:
        return -1
    if digits < _EXACT:  # both are exact as floats, so the quotient is rounded once
        number[0] = digits / _POWERS[fraction]
        if negative:
            number[0] = -number[0]
    else:
        with gil:
            number[0] = float(data[start:at])
    return at


cdef inline bint _is(Bytes data, Py_ssize_t at, Py_ssize_t end, const char* word, int length) noexcept nogil:
    return end - at >= length and memcmp(data + at, word, length) == 0


cdef inline Py_ssize_t _read_bool(Bytes data, Py_ssize_t at, Py_ssize_t end, bint* value) noexcept nogil:
    """Read true or false; return where it ends, or -1."""
    value[0] = _is(data, at, end, b"true", 4)
    if value[0]:
        return at + 4
    return at + 5 if _is(data, at, end, b"false", 5) else -1


cdef inline bint _all_capitals(Bytes data, Text* text) noexcept nogil:
    cdef int index
    for index in range(text.length):
        if not 65 <= data[text.start + index] <= 90:
            return False
    return True


cdef inline str _str(Bytes data, Text* text):
    if text.is_ascii:
        return PyUnicode_DecodeASCII(<const char*>data + text.start, text.length, NULL)
    return PyUnicode_DecodeUTF8(<const char*>data + text.start, text.length, NULL)


cdef bint _is_good_text(Bytes data, Text* text, int longest) except -1 nogil:
    """Whether a text is neither too long nor a card number."""
    cdef int index
    cdef unsigned char byte
    if text.length == 0 or text.length > longest:
        return False
    if not text.is_ascii:
        with gil:
            try:
                return not is_card_number(_str(data, text))
            except UnicodeDecodeError:
                return False
    if text.length < _MIN_DIGITS:
        return True
    for index in range(text.length):
        byte = data[text.start + index]
        if byte > 57 and byte != 95:  # neither a digit nor a separator
            return True
    with gil:
        return not is_card_number(_str(data, text))


cdef bint _scan(Bytes data, Py_ssize_t at, Py_ssize_t end, Scanned* txn) except -1 nogil:
    """Read a transaction; False where it is wrong, or written in a way that is not known here."""
    cdef int place = 0, field, seen = 0, index
    cdef long long event_time = 0
    cdef Text ignored
    txn.data = data
    txn.limit_minor = 0
    txn.text[LABEL].length = txn.text[TRACEPARENT].length = 0
    if end - at < 2 or end - at > _MAX_BYTES or data[at] != 123 or data[end - 1] != 125:
        return False
    at += 1
    while True:
        at = _skip_spaces(data, at, end)
        if at >= end or data[at] != 34 or place == 64:
            return False
        field = _field_at(data, at + 1, end, place)
        place += 1
        if field == UNKNOWN:
            at = _read_text(data, at, end, &ignored)
            if at < 0 or not ignored.is_ascii:
                return False
        else:
            if seen >> field & 1:
                return False
            seen |= 1 << field
            at += _name_length[field] + 2
        at = _skip_spaces(data, at, end)
        if at >= end or data[at] != 58:
            return False
        at = _skip_spaces(data, at + 1, end)
        if at >= end:
            return False
        if field == EVENT_TIME:
            at = _read_int(data, at, end, &event_time)
            txn.event_time = event_time
        elif field == AMOUNT_MINOR:
            at = _read_int(data, at, end, &txn.amount_minor)
        elif field == LATITUDE:
            at = _read_degrees(data, at, end, &txn.latitude)
        elif field == LONGITUDE:
            at = _read_degrees(data, at, end, &txn.longitude)
        elif field == PIN_USED:
            at = _read_bool(data, at, end, &txn.pin_used)
        elif field >= CARD_LIMIT_MINOR and _is(data, at, end, b"null", 4):
            at += 4
        elif field == CARD_LIMIT_MINOR:
            at = _read_int(data, at, end, &txn.limit_minor)
            if txn.limit_minor <= 0:
                return False
        elif field == TRACEPARENT:
            at = _read_text(data, at, end, &txn.text[TRACEPARENT])
            if at >= 0 and not txn.text[TRACEPARENT].is_ascii:
                return False
        elif field == REPLY_TO:  # somebody waits for a verdict: the judge gives it
            return False
        elif field == UNKNOWN and data[at] == 34:
            at = _read_text(data, at, end, &ignored)
            if at >= 0 and not ignored.is_ascii:
                return False
        elif field == UNKNOWN:
            return False
        else:
            at = _read_text(data, at, end, &txn.text[field])
        if at < 0:
            return False
        at = _skip_spaces(data, at, end)
        if at >= end:
            return False
        if data[at] == 125:
            break
        if data[at] != 44:
            return False
        at += 1
    if at != end - 1 or seen & _REQUIRED != _REQUIRED:
        return False
    return _is_valid(txn)


cdef bint _is_valid(Scanned* txn) except -1 nogil:
    """Whether a transaction keeps the contract."""
    cdef Bytes data = txn.data
    cdef int index
    cdef Text* channel = &txn.text[CHANNEL]
    if not (0 <= txn.event_time < _LATEST_MS and -_MAX_AMOUNT <= txn.amount_minor <= _MAX_AMOUNT):
        return False
    if not (-90 <= txn.latitude <= 90 and -180 <= txn.longitude <= 180):
        return False
    if txn.limit_minor > _MAX_AMOUNT:
        return False
    if txn.text[CURRENCY].length != 3 or txn.text[COUNTRY].length != 2:
        return False
    if not (_all_capitals(data, &txn.text[CURRENCY]) and _all_capitals(data, &txn.text[COUNTRY])):
        return False
    for index in range(IDENTIFIERS):
        if not _is_good_text(data, &txn.text[_identifier[index]], 128):
            return False
    if txn.text[CITY].length and not _is_good_text(data, &txn.text[CITY], 256):
        return False
    if txn.text[LABEL].length and not _is_good_text(data, &txn.text[LABEL], _MAX_BYTES):
        return False
    for index in range(CHANNELS):
        if channel.length == _channel_length[index]:
            if memcmp(data + channel.start, _channel[index], channel.length) == 0:
                return True
    return False


cdef enum Context:
    MALFORMED, UNSAMPLED, SAMPLED


cdef bint _is_hexadecimal(Bytes data, int first, int last, bint* all_zero) noexcept nogil:
    """Whether there are small hexadecimal digits from `first` to before `last`."""
    cdef int index
    all_zero[0] = True
    for index in range(first, last):
        if data[index] != 48:
            all_zero[0] = False
            if not (48 < data[index] <= 57 or 97 <= data[index] <= 102):
                return False
    return True


cdef Context _context(Bytes data, Py_ssize_t length) noexcept nogil:
    """Read a W3C trace context, as `read_traceparent` does."""
    cdef bint zero
    if length < 55 or data[2] != 45 or data[35] != 45 or data[52] != 45:
        return MALFORMED
    if not _is_hexadecimal(data, 0, 2, &zero) or data[0] == 102 and data[1] == 102:
        return MALFORMED
    if length > 55 and (zero or data[55] != 45):
        return MALFORMED
    if not _is_hexadecimal(data, 3, 35, &zero) or zero:
        return MALFORMED
    if not _is_hexadecimal(data, 36, 52, &zero) or zero:
        return MALFORMED
    if not _is_hexadecimal(data, 53, 55, &zero):
        return MALFORMED
    # The last bit: digits are 48 to 57, letters 97 to 102 for 10 to 15.
    return SAMPLED if (data[54] if data[54] <= 57 else data[54] - 87) & 1 else UNSAMPLED


cdef class Thresholds:
    """The thresholds of one generation of a config, as the screen compares with them.

    A detector that is off has one that nothing reaches.
    """

    cdef bint complete
    cdef long long spike_after, max_amount_minor, dormant_ms, near_limit_count, no_pin_count
    cdef long long near_limit_ms, no_pin_ms
    cdef double spike_factor, rapid_ms, near_limit_from, near_limit_to
    cdef double travel_kmh, travel_km, cards_kmh, cards_km
    cdef bint travels, between_cards, negative, over_limit, counts_no_pin

    def __init__(self, rule_set):
        self.complete = True
        self.spike_after = self.max_amount_minor = self.dormant_ms = 1LL << 62
        self.near_limit_from, self.near_limit_to = 1, 0
        for detector in rule_set.detectors:
            self.complete &= type(detector) in DETECTORS
            self._take(detector.name, detector.config)

    def _take(self, name, config):
        if name == "amount_spike":
            self.spike_after = config.min_transactions
            self.spike_factor = config.factor
        elif name == "negative_amount":
            self.negative = True
        elif name == "limit_exceeded":
            self.over_limit = True
        elif name == "very_high_value":
            self.max_amount_minor = config.max_amount_minor
        elif name == "impossible_travel":
            self.travels = True
            self.travel_kmh, self.travel_km = config.max_speed_kmh, config.min_distance_km
        elif name == "rapid_transactions":
            self.rapid_ms = config.min_gap_s * 1000 * (1 + _SURE)
        elif name == "pin_avoidance":
            self.near_limit_from = config.pin_free_limit_minor * (1 - config.margin)
            self.near_limit_to = config.pin_free_limit_minor
            self.near_limit_count = config.min_transactions
            self.near_limit_ms = int(config.window_s * 1000)
        elif name == "many_no_pin":
            self.counts_no_pin = True
            self.no_pin_count = config.min_transactions
            self.no_pin_ms = int(config.window_s * 1000)
        elif name == "dormant_card":
            self.dormant_ms = int(config.min_silence_d * 86_400_000 * (1 - _SURE))
        elif name == "multi_card_distance":
            self.between_cards = True
            self.cards_kmh, self.cards_km = config.max_speed_kmh, config.min_distance_km
        else:
            self.complete = False


cdef class Rule:
    """Which thresholds are in force for one bank, currency, country and payment system."""

    cdef bytes key
    cdef Thresholds thresholds
    cdef long long from_ms, until_ms  # event time in which they are


cdef enum:
    SLOTS = 1024

cdef int[4] _RULE_KEY = [BANK_ID, CURRENCY, COUNTRY, PAYMENT_SYSTEM]


cdef bytes _key_of(Scanned* txn, int* fields, int count):
    cdef int index
    parts = [_str(txn.data, &txn.text[fields[index]]).encode() + b"\0" for index in range(count)]
    return b"".join(parts)


cdef bint _has_key(bytes expected, Scanned* txn, int* fields, int count) noexcept:
    cdef const char* key = PyBytes_AS_STRING(expected)
    cdef Py_ssize_t at = 0, length = PyBytes_GET_SIZE(expected)
    cdef Text* text
    cdef int index
    for index in range(count):
        text = &txn.text[fields[index]]
        if length - at <= text.length or key[at + text.length] != 0:
            return False
        if memcmp(key + at, txn.data + text.start, text.length) != 0:
            return False
        at += text.length + 1
    return at == length


cdef unsigned int _slot_of(Scanned* txn, int* fields, int count) noexcept:
    cdef unsigned int value = 2166136261U
    cdef Text* text
    cdef int index, byte
    for index in range(count):
        text = &txn.text[fields[index]]
        for byte in range(text.length):
            value = (value ^ txn.data[text.start + byte]) * 16777619
        value *= 31
    return (value ^ (value >> 15)) % SLOTS


cdef double _distance_km(double latitude, double longitude, double latitude_2, double longitude_2) noexcept:
    cdef double phi = latitude * _RADIANS, phi_2 = latitude_2 * _RADIANS
    cdef double north = sin((phi_2 - phi) / 2), east = sin((longitude_2 - longitude) * _RADIANS / 2)
    cdef double half_chord = sqrt(north * north + cos(phi) * cos(phi_2) * east * east)
    return 2 * _RADIUS_KM * asin(min(1.0, half_chord))


cdef bint _could_travel(Scanned* txn, Card* earlier, double max_kmh, double min_km) noexcept:
    """Whether it is sure that a person can have come from where `earlier` was last."""
    if not earlier.transactions or txn.event_time < earlier.last_event_time:
        return True
    cdef double degrees = (
        fabs(txn.latitude - earlier.last_latitude) + fabs(txn.longitude - earlier.last_longitude)
    )
    if degrees * _PER_DEGREE_KM < min_km:
        return True
    cdef double hours = (txn.event_time - earlier.last_event_time) / 3_600_000.0
    cdef double reachable_km = max(hours, _MIN_HOURS) * max_kmh * (1 - _SURE)
    if reachable_km >= _FARTHEST:
        return True
    cdef double km = _distance_km(
        txn.latitude, txn.longitude, earlier.last_latitude, earlier.last_longitude
    )
    return km < min_km * (1 - _SURE) or km <= reachable_km


cdef bint _is_silent(Scanned* txn, Card* card, User* user, Thresholds limits) noexcept:
    """Whether it is sure that no detector has a finding. Without `user` the user is new."""
    cdef long long amount = txn.amount_minor, limit = txn.limit_minor, silence_ms
    cdef Card* other
    cdef int index
    if limits.negative and amount < 0:
        return False
    if amount > limits.max_amount_minor:
        return False
    if limits.over_limit:
        if limit == 0 and card.has_limit:
            limit = card.limit_minor
        if limit and amount > limit:
            return False
    if card.amounts >= limits.spike_after:
        # Without an amount there is no mean; beyond what is exact the judge has the last word.
        if not card.amounts or card.amount_sum_minor > _EXACT:
            return False
        if amount >= limits.spike_factor * card.amount_sum_minor / card.amounts * (1 - _SURE):
            return False
    if card.transactions:
        silence_ms = txn.event_time - card.last_event_time
        if silence_ms < limits.rapid_ms or silence_ms >= limits.dormant_ms:
            return False
    if _is_near_limit(txn, limits):
        if not _is_below(
            near_limit_times(card), card.near_limit_count, txn.event_time,
            limits.near_limit_ms, limits.near_limit_count,
        ):
            return False
    if limits.travels and not _could_travel(txn, card, limits.travel_kmh, limits.travel_km):
        return False
    if limits.between_cards and user != NULL:
        other = first_card(user)
        for index in range(user.cards):
            if other is not card:
                if not _could_travel(txn, other, limits.cards_kmh, limits.cards_km):
                    return False
            other = next_card(other)
    if limits.counts_no_pin and not txn.pin_used:
        return _is_below(
            no_pin_times(card), card.no_pin_count, txn.event_time,
            limits.no_pin_ms, limits.no_pin_count,
        )
    return True


cdef inline bint _is_near_limit(Scanned* txn, Thresholds limits) noexcept:
    return limits.near_limit_from <= txn.amount_minor < limits.near_limit_to


cdef bint _is_below(
    long long* times, int times_count, long long now_ms, long long window_ms, long long limit
) noexcept:
    """Whether it is sure that there are fewer times in the window up to now, which is the latest."""
    cdef int index, count = 1
    if window_ms <= 0 or times_count and times[times_count - 1] > now_ms:
        return False
    for index in range(times_count):
        count += times[index] >= now_ms - window_ms
    return count < limit


# Memory is brought while the records before it are judged: waiting for it would take longer.


cdef enum:
    RECORD_BYTES = 32  # of a record's numbers in a batch
    SLOTS_AHEAD = 8
    USERS_AHEAD = 4
    RING = 16


cdef struct Ahead:
    Py_ssize_t numbers, key, first
    unsigned int hashes[RING]


cdef inline void _hash_next(Ahead* ahead, Bytes data, Py_ssize_t end, FlatUsers users) noexcept:
    """Hash the next key, and have the place fetched where its user is."""
    cdef int length
    cdef Py_ssize_t place = (ahead.numbers - ahead.first) // RECORD_BYTES
    cdef unsigned int hash
    if ahead.numbers < end:
        length = max(_int32(data + ahead.numbers + 20), 0)
        hash = hash_of(data + ahead.key, length)
        ahead.hashes[place % RING] = hash
        ahead.key += length
        users.fetch_slot(hash)
    ahead.numbers += RECORD_BYTES


cdef void _begin(
    Ahead* ahead, Bytes data, Py_ssize_t numbers, Py_ssize_t end, Py_ssize_t key, FlatUsers users
) noexcept:
    """Look at the first records of a batch."""
    cdef int index
    ahead.numbers = ahead.first = numbers
    ahead.key = key
    for index in range(SLOTS_AHEAD):
        _hash_next(ahead, data, end, users)
    for index in range(min(USERS_AHEAD, (end - numbers) // RECORD_BYTES)):
        users.fetch_user(ahead.hashes[index])


cdef inline void _look(Ahead* ahead, Bytes data, Py_ssize_t end, FlatUsers users) noexcept:
    """Look at one record more."""
    cdef Py_ssize_t place = (ahead.numbers - ahead.first) // RECORD_BYTES - SLOTS_AHEAD + USERS_AHEAD
    if ahead.first + place * RECORD_BYTES < end:
        users.fetch_user(ahead.hashes[place % RING])
    _hash_next(ahead, data, end, users)


cdef inline unsigned int _hash_in(Ahead* ahead, Py_ssize_t numbers) noexcept:
    return ahead.hashes[(numbers - ahead.first) // RECORD_BYTES % RING]


# Reading looks at no Python object: subtasks that share an interpreter do it at the same time.


cdef enum:
    READ_AHEAD = 256  # transactions


cdef int _scan_all(
    Bytes data, Py_ssize_t numbers, Py_ssize_t end, Py_ssize_t value, Scanned* into
) except -1 nogil:
    """Read the transactions of the next records; return how many records that are."""
    cdef int count = 0, length
    while numbers < end and count < READ_AHEAD:
        length = max(_int32(data + numbers + 28), 0)
        into[count].is_read = _scan(data, value, value + length, &into[count])
        value += length
        numbers += RECORD_BYTES
        count += 1
    return count


cdef class Screen:
    """Judges what it can; made anew for each `Judge`."""

    cdef object rules, judge, traces
    cdef FlatSums sums
    cdef Progress progress
    cdef list rule_slots
    cdef dict thresholds
    cdef int rules_version
    cdef long long max_ahead_ms, memory_ms
    cdef Scanned* scanned
    cdef Scanned* txn
    cdef public int settled
    """Transactions judged here since `take_settled`."""
    cdef int malformed
    cdef int room  # for transactions that are noted

    def __cinit__(self):
        self.scanned = <Scanned*>malloc(READ_AHEAD * sizeof(Scanned))
        if self.scanned == NULL:
            raise MemoryError

    def __dealloc__(self):
        free(self.scanned)

    def __init__(self, judge, sums, long long max_ahead_ms):
        """Screen for `judge`; without `sums`, transactions are not added up by window."""
        self.judge = judge
        self.rules = judge.rules
        self.traces = judge.traces
        self.sums = sums
        self.progress = judge.progress
        self.max_ahead_ms = max_ahead_ms
        self.rules_version = -1

    def take_settled(self):
        """Return how many transactions were judged here since the last call."""
        settled, self.settled = self.settled, 0
        return settled

    def take_malformed(self):
        """Return how many of them had a malformed trace context in their header."""
        malformed, self.malformed = self.malformed, 0
        return malformed

    def judge_all(self, records, FlatUsers users, list outputs):
        """Judge a batch; what cannot be settled here goes to the judge, in its turn."""
        cdef bytes batch = records.data
        cdef Bytes data = <Bytes>PyBytes_AS_STRING(batch)
        cdef Py_ssize_t numbers = records.numbers, end = records.keys
        cdef Py_ssize_t key = records.keys, header = records.headers, value = records.values
        cdef Ahead ahead
        cdef int key_length, header_length, value_length, place = 0, read = 0
        cdef int dropped = 0
        cdef bint screened = records.topic == TRANSACTIONS.name
        if self.traces is not None:
            self.room = self.traces.room
        self._follow_rules()
        _begin(&ahead, data, numbers, end, key, users)
        while numbers < end:
            if screened and place == read:
                with nogil:
                    read = _scan_all(data, numbers, end, value, self.scanned)
                place = 0
            key_length = _int32(data + numbers + 20)
            header_length = _int32(data + numbers + 24)
            value_length = _int32(data + numbers + 28)
            profile = None
            _look(&ahead, data, end, users)
            if screened:
                self.txn = &self.scanned[place]
                place += 1
                if self.txn.is_read and key_length > 0:
                    profile = self._settle(
                        data + key, key_length, _hash_in(&ahead, numbers),
                        _int64(data + numbers), _int32(data + numbers + 16), users,
                    )
            if profile is None:
                outputs += self.judge.take(records.read(numbers, key, header, value), users)
            else:
                if profile is not True:
                    outputs.append(profile)
                if self._is_sampled(data + header, header_length) and self.traces is not None:
                    if self.room > 0:
                        self.room -= 1
                        self._note(records.read(numbers, key, header, value))
                    else:
                        dropped += 1
            key += max(key_length, 0)
            header += max(header_length, 0)
            value += max(value_length, 0)
            numbers += RECORD_BYTES
        if dropped:
            self.traces.dropped += dropped

    def settle(self, record, users):
        """Judge one record if it can be settled here.

        Returns:
            The records it leads to; None where the judge must look at it, as always where
            `users` are not flat.
        """
        cdef bytes key = record.key, value = record.value, header
        cdef Bytes id
        cdef bint is_sampled
        if key is None or value is None or record.topic != TRANSACTIONS.name:
            return None
        if not isinstance(users, FlatUsers):
            return None
        self._follow_rules()
        id = <Bytes>PyBytes_AS_STRING(key)
        self.txn = self.scanned
        if not _scan(<Bytes>PyBytes_AS_STRING(value), 0, PyBytes_GET_SIZE(value), self.txn):
            return None
        profile = self._settle(
            id, PyBytes_GET_SIZE(key), hash_of(id, PyBytes_GET_SIZE(key)),
            record.timestamp_ms, record.partition, users,
        )
        if profile is None:
            return None
        if record.traceparent is None:
            is_sampled = self._is_sampled(NULL, -1)
        else:
            header = record.traceparent.encode()
            is_sampled = self._is_sampled(
                <Bytes>PyBytes_AS_STRING(header), PyBytes_GET_SIZE(header)
            )
        if is_sampled and self.traces is not None:
            self._note(record)
        return () if profile is True else (profile,)

    cdef bint _is_sampled(self, Bytes header, Py_ssize_t length) noexcept:
        """Whether who sent the transaction has chosen to have it recorded; count bad headers."""
        cdef Scanned* txn = self.txn
        cdef Text* field = &txn.text[TRACEPARENT]
        cdef Context context = MALFORMED
        if length > 0:
            context = _context(header, length)
            self.malformed += context == MALFORMED
        if context == MALFORMED and field.length:
            context = _context(txn.data + field.start, field.length)
        return context == SAMPLED

    cdef _note(self, record):
        """Have a transaction that was settled here recorded."""
        cdef Text* field = &self.txn.text[TRACEPARENT]
        in_payload = _str(self.txn.data, field) if field.length else None
        context = read_traceparent(record.traceparent) or read_traceparent(in_payload)
        self.traces.sampled(record, context)

    cdef object _settle(
        self, Bytes key, Py_ssize_t key_length, unsigned int hash, long long timestamp_ms,
        int partition, FlatUsers users,
    ):
        """Return None where the judge must look; the card's profile if due, else True."""
        cdef Scanned* txn = self.txn
        cdef Bytes data = txn.data
        cdef Text* text
        cdef Slot* slot
        cdef User* user
        cdef Card* card
        cdef Thresholds limits
        if txn.event_time > timestamp_ms + self.max_ahead_ms:
            return None
        text = &txn.text[USER_ID]
        if key_length != text.length or memcmp(key, data + text.start, key_length) != 0:
            return None
        slot = users.find(key, key_length, hash)
        user = slot.user
        card = &_new_card
        if user != NULL:
            if user.has_held or not self._may_take(user, &card):
                return None
        limits = self._thresholds_for(txn)
        if not limits.complete or not _is_silent(txn, card, user, limits):
            return None
        # From here on it is settled.
        self.progress.note(partition, txn.event_time)
        if card is &_new_card:
            text = &txn.text[CARD_ID]
            card = users.introduce(key, key_length, hash, data + text.start, text.length)
            slot = users.find(key, key_length, hash)  # the table may have grown
        card = self._teach(users, slot, card, limits)
        if self.sums is not None:
            self._add(txn)
        self.settled += 1
        if card.transactions <= _PROFILE_EVERY or card.transactions % _PROFILE_EVERY == 0:
            return profile_record(
                _str(data, &txn.text[USER_ID]), _str(data, &txn.text[CARD_ID]), card_state(card)
            )
        return True

    cdef bint _may_take(self, User* user, Card** card) noexcept:
        """Find the transaction's card, if known; whether the transaction is neither late nor seen."""
        cdef Scanned* txn = self.txn
        cdef Text* text = &txn.text[CARD_ID]
        cdef Card* known = card_of(user, txn.data + text.start, text.length)
        cdef long long silence_ms
        if known == NULL:
            if user.cards >= _MAX_CARDS:
                return False
        else:
            card[0] = known
            silence_ms = txn.event_time - known.last_event_time
            if known.transactions and not 0 <= silence_ms <= self.memory_ms:
                return False
        text = &txn.text[TRANSACTION_ID]
        return not has_recent(user, txn.data + text.start, text.length)

    cdef Card* _teach(self, FlatUsers users, Slot* slot, Card* card, Thresholds limits) except NULL:
        """Have a card remember the transaction; return the card."""
        cdef Scanned* txn = self.txn
        cdef Lesson lesson
        lesson.event_time, lesson.amount_minor = txn.event_time, txn.amount_minor
        lesson.latitude, lesson.longitude = txn.latitude, txn.longitude
        lesson.near_limit_window_ms = limits.near_limit_ms if _is_near_limit(txn, limits) else -1
        lesson.no_pin_window_ms = (
            limits.no_pin_ms if limits.counts_no_pin and not txn.pin_used else -1
        )
        lesson.transaction_id = txn.data + txn.text[TRANSACTION_ID].start
        lesson.transaction_id_length = txn.text[TRANSACTION_ID].length
        return users.learn(slot, card, &lesson)

    cdef Thresholds _thresholds_for(self, Scanned* txn):
        cdef unsigned int slot = _slot_of(txn, _RULE_KEY, 4)
        cdef Rule rule = self.rule_slots[slot]
        if rule is not None and _has_key(rule.key, txn, _RULE_KEY, 4):
            if rule.from_ms <= txn.event_time < rule.until_ms:
                return rule.thresholds
        rule = self.rule_slots[slot] = self._new_rule(txn)
        return rule.thresholds

    cdef Rule _new_rule(self, Scanned* txn):
        cdef Rule rule = Rule()
        cdef int index
        kind = tuple([_str(txn.data, &txn.text[_RULE_KEY[index]]) for index in range(4)])
        rule.key = _key_of(txn, _RULE_KEY, 4)
        rule_set = self.rules.select_at(kind, txn.event_time)
        rule.from_ms, rule.until_ms = self.rules.selected_within(kind, txn.event_time)
        rule.thresholds = self.thresholds.get(id(rule_set))
        if rule.thresholds is None:
            rule.thresholds = self.thresholds[id(rule_set)] = Thresholds(rule_set)
        return rule

    cdef _follow_rules(self):
        """Begin anew where other rules are in force than before."""
        cdef int version = self.rules.version
        if version != self.rules_version:
            self.rules_version = version
            self.memory_ms = self.rules.memory_ms
            self.rule_slots = [None] * SLOTS
            self.thresholds = {}

    cdef int _add(self, Scanned* txn) except -1:
        """Add the amount to its windows."""
        cdef Text* bank = &txn.text[BANK_ID]
        cdef Text* category = &txn.text[MERCHANT_CATEGORY]
        cdef Text* currency = &txn.text[CURRENCY]
        return self.sums.add_amount(
            txn.event_time,
            txn.data + bank.start, bank.length,
            txn.data + category.start, category.length,
            txn.data + currency.start, currency.length,
            txn.amount_minor,
        )


cdef inline int _int32(Bytes data) noexcept nogil:
    return <int>(
        (<unsigned int>data[0] << 24) | (<unsigned int>data[1] << 16)
        | (<unsigned int>data[2] << 8) | data[3]
    )


cdef inline long long _int64(Bytes data) noexcept nogil:
    return (<long long>_int32(data) << 32) | <unsigned int>_int32(data + 4)
