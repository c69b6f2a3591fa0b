# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True
"""Judges in machine code what no detector has anything to say about, which is nearly all.

A transaction is screened without becoming a Python object: its JSON is read in place, its card's
memory is looked at, and where every detector is sure to stay silent, what it teaches is learned
here. Everything else is left, untouched, to `Judge`, which alone decides: a transaction that is
written unusually, that is late, a duplicate or under another user's key, and above all one on
which a detector may have a finding. So a screen that is too careful costs time and nothing else.

`tests/integration/job/screening.py` holds it against the judge without a screen.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.unicode cimport PyUnicode_DecodeASCII, PyUnicode_DecodeUTF8
from libc.math cimport asin, cos, fabs, isfinite, sin, sqrt
from libc.stdlib cimport free, malloc, realloc
from libc.string cimport memcmp, memset

from cardwatch_job.flat_profiles cimport Span, Written, write_profile
from cardwatch_job.flat_sums cimport FlatSums
from cardwatch_job.flat_users cimport (
    Bytes,
    Card,
    FlatUsers,
    Lesson,
    Slot,
    Table,
    User,
    card_of,
    card_state,
    fetch_slot,
    fetch_user,
    find,
    first_card,
    has_recent,
    hash_of,
    introduce,
    learn,
    near_limit_times,
    next_card,
    no_pin_times,
)
from cardwatch_job.model cimport flat_habits
from cardwatch_job.model.flat_habits cimport FEATURE_COUNT, FlatModelUsers, Paid
from cardwatch_job.model.flat_merchants cimport FlatMerchants
from cardwatch_job.model.flat_parts cimport name_of
from cardwatch_job.model.flat_trees cimport FlatTrees, Forest, score_rows
from cardwatch_job.progress cimport Progress

from cardwatch_contracts.codec import MAX_RECORD_BYTES
from cardwatch_contracts.model_stats import RISK_BINS
from cardwatch_contracts.privacy import MIN_CARD_DIGITS, is_card_number
from cardwatch_contracts.topics import TRANSACTIONS
from cardwatch_contracts.trace_context import read_traceparent
from cardwatch_contracts.transaction import LATEST_EVENT_TIME_MS, MAX_AMOUNT_MINOR, decode_transaction
from cardwatch_job.detectors import DETECTORS
from cardwatch_job.detectors._travel import (
    _EARTH_RADIUS_KM,
    _FARTHEST_KM,
    _KM_PER_DEGREE,
    _SHORTEST_H,
)
from cardwatch_job.detectors.history import MAX_CARDS
from cardwatch_job.outputs import PROFILE_EVERY, profile_record
from cardwatch_job.records import WrittenRecords

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
    Bytes data, Py_ssize_t at, Py_ssize_t end, double* number, Text* text
) except -2 nogil:
    """Read a number without exponent, as which `text` it was written; return where it ends, or -1."""
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
    text.start, text.length = start, <int>(at - start)
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
            at = _read_degrees(data, at, end, &txn.latitude, &txn.text[LATITUDE])
        elif field == LONGITUDE:
            at = _read_degrees(data, at, end, &txn.longitude, &txn.text[LONGITUDE])
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


cdef enum:
    NOT_ZERO = 1
    NO_DIGIT = 2

cdef unsigned char _digit[256]  # small hexadecimal ones
for _i in range(256):
    _digit[_i] = NOT_ZERO if 48 < _i <= 57 or 97 <= _i <= 102 else 0 if _i == 48 else NO_DIGIT


cdef inline int _digits(Bytes data, int first, int last) noexcept nogil:
    """Return what is true of any character from `first` to before `last`."""
    cdef int index, found = 0
    for index in range(first, last):
        found |= _digit[data[index]]
    return found


cdef Context _context(Bytes data, Py_ssize_t length) noexcept nogil:
    """Read a W3C trace context, as `read_traceparent` does."""
    cdef int version
    if length < 55 or data[2] != 45 or data[35] != 45 or data[52] != 45:
        return MALFORMED
    version = _digits(data, 0, 2)
    if version & NO_DIGIT or data[0] == 102 and data[1] == 102:
        return MALFORMED
    if length > 55 and (not version or data[55] != 45):
        return MALFORMED
    if _digits(data, 3, 35) != NOT_ZERO or _digits(data, 36, 52) != NOT_ZERO:
        return MALFORMED
    if _digits(data, 53, 55) & NO_DIGIT:
        return MALFORMED
    # The last bit: digits are 48 to 57, letters 97 to 102 for 10 to 15.
    return SAMPLED if (data[54] if data[54] <= 57 else data[54] - 87) & 1 else UNSAMPLED


cdef enum:
    MAX_MODELS = 2
    BINS = 20
    SAMPLED_EVERY = 16

if BINS != RISK_BINS:
    raise ImportError("risks are counted in other bins")


cdef struct Asked:
    # A model that is asked, and what it has said since `Thresholds.tell_seen`.
    Forest* forest
    double* raw  # of the calibration: scores and their risks
    double* risk
    int points
    double threshold
    long long scored, sampled
    long long risks[BINS]
    double sums[FEATURE_COUNT]
    double squares[FEATURE_COUNT]


cdef double _risk_of(Asked* asked, double raw) noexcept nogil:
    """Do what `scorer.risk_of` does."""
    cdef int left = 0, right = asked.points - 1, middle
    if raw <= asked.raw[0]:
        return asked.risk[0]
    if raw >= asked.raw[right]:
        return asked.risk[right]
    while right - left > 1:
        middle = (left + right) // 2
        if asked.raw[middle] <= raw:
            left = middle
        else:
            right = middle
    return asked.risk[left] + (raw - asked.raw[left]) / (asked.raw[right] - asked.raw[left]) * (
        asked.risk[right] - asked.risk[left]
    )


cdef void _note_seen(Asked* asked, double risk, float* vector) noexcept nogil:
    """Count a payment that was scored."""
    cdef int index
    asked.scored += 1
    asked.risks[min(<int>(risk * BINS), BINS - 1)] += 1
    if asked.scored % SAMPLED_EVERY == 1:
        asked.sampled += 1
        for index in range(FEATURE_COUNT):
            asked.sums[index] += vector[index]
            asked.squares[index] += <double>vector[index] * vector[index]


cdef struct Limits:
    # Thresholds as the screen compares with them; a detector that is off has one that nothing
    # reaches. Not `complete` where there is a detector that is not known here.
    bint complete
    long long spike_after, max_amount_minor, dormant_ms, near_limit_count, no_pin_count
    long long near_limit_ms, no_pin_ms
    double spike_factor, rapid_ms, near_limit_from, near_limit_to
    double travel_kmh, travel_km, cards_kmh, cards_km
    bint travels, between_cards, negative, over_limit, counts_no_pin
    Asked* asked
    int models  # that are asked
    bint learns  # whether users' habits are learned for models


cdef class Thresholds:
    """The thresholds of one generation of a config."""

    cdef Limits limits
    cdef Asked asked[MAX_MODELS]
    cdef tuple judging

    def __cinit__(self):
        memset(&self.limits, 0, sizeof(Limits))
        memset(self.asked, 0, sizeof(self.asked))

    def __dealloc__(self):
        for asked in range(MAX_MODELS):
            free(self.asked[asked].raw)
            free(self.asked[asked].risk)

    def __init__(self, rule_set, models):
        cdef Limits* limits = &self.limits
        limits.complete = True
        limits.asked = self.asked
        self.judging = () if models is None else models.judging
        for judging in self.judging:
            self._ask(judging)
        limits.learns = models is not None
        limits.spike_after = limits.max_amount_minor = limits.dormant_ms = 1LL << 62
        limits.near_limit_from, limits.near_limit_to = 1, 0
        for detector in rule_set.detectors:
            self._take(detector.name, detector.config)
            limits.complete &= type(detector) in DETECTORS

    cdef int _ask(self, judging) except -1:
        """Have a model asked."""
        cdef Asked* asked = &self.asked[self.limits.models]
        cdef FlatTrees trees = judging.scorer.trees
        calibration = judging.scorer.artefact.calibration
        cdef int point, points = len(calibration.raw)
        asked.forest = &trees.forest  # which `judging` keeps alive
        asked.threshold = judging.threshold
        asked.raw = <double*>malloc(points * sizeof(double))
        asked.risk = <double*>malloc(points * sizeof(double))
        if asked.raw == NULL or asked.risk == NULL:
            raise MemoryError
        asked.points = points
        for point in range(points):
            asked.raw[point], asked.risk[point] = calibration.raw[point], calibration.risk[point]
        self.limits.models += 1
        return 0

    cdef int tell_seen(self) except -1:
        """Tell the models what they have said, and begin anew."""
        cdef Asked* asked
        cdef int index
        for index, judging in enumerate(self.judging):
            asked = &self.asked[index]
            if asked.scored:
                judging.seen.add(
                    asked.scored, [asked.risks[index] for index in range(BINS)], asked.sampled,
                    [asked.sums[index] for index in range(FEATURE_COUNT)],
                    [asked.squares[index] for index in range(FEATURE_COUNT)],
                )
            asked.scored = asked.sampled = 0
            memset(asked.risks, 0, sizeof(asked.risks))
            memset(asked.sums, 0, sizeof(asked.sums))
            memset(asked.squares, 0, sizeof(asked.squares))
        return 0

    def _take(self, name, config):
        cdef Limits* limits = &self.limits
        if name == "amount_spike":
            limits.spike_after = config.min_transactions
            limits.spike_factor = config.factor
        elif name == "negative_amount":
            limits.negative = True
        elif name == "limit_exceeded":
            limits.over_limit = True
        elif name == "very_high_value":
            limits.max_amount_minor = config.max_amount_minor
        elif name == "impossible_travel":
            limits.travels = True
            limits.travel_kmh, limits.travel_km = config.max_speed_kmh, config.min_distance_km
        elif name == "rapid_transactions":
            limits.rapid_ms = config.min_gap_s * 1000 * (1 + _SURE)
        elif name == "pin_avoidance":
            limits.near_limit_from = config.pin_free_limit_minor * (1 - config.margin)
            limits.near_limit_to = config.pin_free_limit_minor
            limits.near_limit_count = config.min_transactions
            limits.near_limit_ms = int(config.window_s * 1000)
        elif name == "many_no_pin":
            limits.counts_no_pin = True
            limits.no_pin_count = config.min_transactions
            limits.no_pin_ms = int(config.window_s * 1000)
        elif name == "dormant_card":
            limits.dormant_ms = int(config.min_silence_d * 86_400_000 * (1 - _SURE))
        elif name == "multi_card_distance":
            limits.between_cards = True
            limits.cards_kmh, limits.cards_km = config.max_speed_kmh, config.min_distance_km
        else:
            limits.complete = False


cdef enum:
    SLOTS = 1024

cdef int[4] _RULE_KEY = [BANK_ID, CURRENCY, COUNTRY, PAYMENT_SYSTEM]


cdef bytes _key_of(Scanned* txn, int* fields, int count):
    cdef int index
    parts = [_str(txn.data, &txn.text[fields[index]]).encode() + b"\0" for index in range(count)]
    return b"".join(parts)


cdef struct Chosen:
    # Which thresholds are in force for one bank, currency, country and payment system.
    Bytes key
    Py_ssize_t key_length
    long long from_ms, until_ms  # event time in which they are
    Limits* limits


cdef bint _is_chosen_for(Chosen* chosen, Scanned* txn, int* fields, int count) noexcept nogil:
    cdef Py_ssize_t at = 0
    cdef Text* text
    cdef int index
    if chosen.limits == NULL or not chosen.from_ms <= txn.event_time < chosen.until_ms:
        return False
    for index in range(count):
        text = &txn.text[fields[index]]
        if chosen.key_length - at <= text.length or chosen.key[at + text.length] != 0:
            return False
        if memcmp(chosen.key + at, txn.data + text.start, text.length) != 0:
            return False
        at += text.length + 1
    return at == chosen.key_length


cdef unsigned int _slot_of(Scanned* txn, int* fields, int count) noexcept nogil:
    cdef unsigned int value = 2166136261U
    cdef Text* text
    cdef int index, byte
    for index in range(count):
        text = &txn.text[fields[index]]
        for byte in range(text.length):
            value = (value ^ txn.data[text.start + byte]) * 16777619
        value *= 31
    return (value ^ (value >> 15)) % SLOTS


cdef double _distance_km(double latitude, double longitude, double latitude_2, double longitude_2) noexcept nogil:
    cdef double phi = latitude * _RADIANS, phi_2 = latitude_2 * _RADIANS
    cdef double north = sin((phi_2 - phi) / 2), east = sin((longitude_2 - longitude) * _RADIANS / 2)
    cdef double half_chord = sqrt(north * north + cos(phi) * cos(phi_2) * east * east)
    return 2 * _RADIUS_KM * asin(min(1.0, half_chord))


cdef bint _could_travel(Scanned* txn, Card* earlier, double max_kmh, double min_km) noexcept nogil:
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


cdef bint _is_silent(Scanned* txn, Card* card, User* user, Limits* limits) noexcept nogil:
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
            if other != card:
                if not _could_travel(txn, other, limits.cards_kmh, limits.cards_km):
                    return False
            other = next_card(other)
    if limits.counts_no_pin and not txn.pin_used:
        return _is_below(
            no_pin_times(card), card.no_pin_count, txn.event_time,
            limits.no_pin_ms, limits.no_pin_count,
        )
    return True


cdef void _read_payment(Scanned* txn, Paid* paid) noexcept nogil:
    """Read what models learn from."""
    cdef Text* merchant = &txn.text[MERCHANT_ID]
    cdef Text* category = &txn.text[MERCHANT_CATEGORY]
    cdef Text* transaction = &txn.text[TRANSACTION_ID]
    paid.transaction = name_of(txn.data + transaction.start, transaction.length)
    paid.merchant = name_of(txn.data + merchant.start, merchant.length)
    paid.category = name_of(txn.data + category.start, category.length)
    paid.at_ms = txn.event_time
    paid.amount = txn.amount_minor / 100.0
    paid.latitude, paid.longitude = txn.latitude, txn.longitude


cdef inline bint _is_near_limit(Scanned* txn, Limits* limits) noexcept nogil:
    return limits.near_limit_from <= txn.amount_minor < limits.near_limit_to


cdef bint _is_below(
    long long* times, int times_count, long long now_ms, long long window_ms, long long limit
) noexcept nogil:
    """Whether it is sure that there are fewer times in the window up to now, which is the latest."""
    cdef int index, count = 1
    if window_ms <= 0 or times_count and times[times_count - 1] > now_ms:
        return False
    for index in range(times_count):
        count += times[index] >= now_ms - window_ms
    return count < limit


cdef enum:
    RECORD_BYTES = 32  # of a record's numbers in a batch
    SLOTS_AHEAD = 8
    USERS_AHEAD = 4
    LEFT_PLACES = 8192  # for the hashes of users that are left to the judge
    PARTITIONS = 64  # whose progress is put together for many batches


cdef enum Outcome:
    SETTLED, LEFT, TO_BE_NOTED


cdef struct Item:
    # A record that is to be judged: where its parts begin in `data`, and among whom its user is.
    Table* users
    flat_habits.Table* habits
    Bytes data
    Py_ssize_t numbers, key, header, value
    int key_length, header_length, value_length
    int section
    int outcome  # an `Outcome`
    unsigned int hash


cdef inline void _look_for_slot(Item* item, bint learns) noexcept nogil:
    item.hash = hash_of(item.data + item.key, max(item.key_length, 0))
    fetch_slot(item.users, item.hash)
    if learns:
        flat_habits.fetch_slot(item.habits, item.hash)


cdef inline void _look_for_user(Item* item, bint learns) noexcept nogil:
    fetch_user(item.users, item.hash)
    if learns:
        flat_habits.fetch_user(item.habits, item.hash)


cdef inline Span _span(Scanned* txn, int field) noexcept nogil:
    cdef Span span
    span.start, span.length = txn.data + txn.text[field].start, txn.text[field].length
    return span


cdef int _write(Written* written, Card* card, Scanned* txn) except -1 nogil:
    """Write the profile of a card whose latest transaction this is."""
    return write_profile(
        written, card, _span(txn, CARD_ID), _span(txn, USER_ID),
        _span(txn, LATITUDE), _span(txn, LONGITUDE),
    )


cdef _taken(Written* written):
    """Return what was written, and begin anew."""
    records = WrittenRecords(
        count=written.count, data=PyBytes_FromStringAndSize(written.data, written.length)
    )
    written.count = 0
    written.length = 0
    return records


cdef class Screen:
    """Judges what it can; made anew for each `Judge`."""

    cdef object rules, judge, traces
    cdef FlatSums sums
    cdef Progress progress
    cdef long long latest_ms[PARTITIONS]
    cdef long long noted[PARTITIONS]
    cdef Chosen chosen[SLOTS]
    cdef list keys
    cdef dict thresholds
    cdef int rules_version
    cdef long long max_ahead_ms, memory_ms
    cdef Scanned* txn
    cdef Item* items
    cdef int item_count, item_room
    cdef char left[LEFT_PLACES]
    cdef Written written
    cdef bint adds_up, notes
    cdef FlatMerchants merchants
    cdef bint learns
    """Whether any model judges."""
    cdef float vector[FEATURE_COUNT]
    cdef public int settled
    """Transactions judged here since `take_settled`."""
    cdef int malformed, scored

    def __cinit__(self):
        memset(self.noted, 0, sizeof(self.noted))
        self.txn = <Scanned*>malloc(sizeof(Scanned))
        if self.txn == NULL:
            raise MemoryError

    def __dealloc__(self):
        free(self.txn)
        free(self.items)
        free(self.written.data)

    def __init__(self, judge, sums, long long max_ahead_ms):
        """Screen for `judge`; without `sums`, transactions are not added up by window."""
        self.judge = judge
        self.rules = judge.rules
        self.traces = judge.traces
        self.sums = sums
        self.adds_up = sums is not None
        self.notes = self.traces is not None
        self.progress = judge.progress
        self.max_ahead_ms = max_ahead_ms
        self.rules_version = -1
        self.merchants = judge.merchants
        self.thresholds = {}

    def take_settled(self):
        """Return how many transactions were judged here since the last call."""
        settled, self.settled = self.settled, 0
        return settled

    def take_scored(self):
        """Return how many of them models have scored; tell the models what they have said."""
        cdef Thresholds thresholds
        for thresholds in self.thresholds.values():
            thresholds.tell_seen()
        scored, self.scored = self.scored, 0
        return scored

    def take_malformed(self):
        """Return how many of them had a malformed trace context in their header."""
        malformed, self.malformed = self.malformed, 0
        return malformed

    def judge_all(self, sections, list outputs):
        """Judge batches; what cannot be settled here goes to the judge, after all that can.

        The first transaction of a user that is left to the judge has all behind it go there
        too, so that each user's are judged in their order. `sections`: records and the users
        among whom theirs are.
        """
        cdef int section
        self._follow_rules()
        for section, (records, users) in enumerate(sections):
            if records.topic == TRANSACTIONS.name:
                self._list(records, users, section)
            else:
                self._judge_listed(sections, outputs)
                for record in records:
                    outputs += self.judge.take(record, users)
        self._judge_listed(sections, outputs)

    cdef int _list(self, records, FlatUsers users, int section) except -1:
        """List the records of a batch."""
        cdef bytes batch = records.data
        cdef Bytes data = <Bytes>PyBytes_AS_STRING(batch)
        cdef Py_ssize_t numbers = records.numbers, end = records.keys
        cdef Py_ssize_t key = records.keys, header = records.headers, value = records.values
        cdef Item* item
        cdef FlatModelUsers habits = users.habits
        self._make_room(<int>((end - numbers) // RECORD_BYTES))
        while numbers < end:
            item = &self.items[self.item_count]
            self.item_count += 1
            item.users, item.section, item.data = &users.table, section, data
            item.habits = &habits.table
            item.numbers, item.key, item.header, item.value = numbers, key, header, value
            item.key_length = _int32(data + numbers + 20)
            item.header_length = _int32(data + numbers + 24)
            item.value_length = _int32(data + numbers + 28)
            key += max(item.key_length, 0)
            header += max(item.header_length, 0)
            value += max(item.value_length, 0)
            numbers += RECORD_BYTES
        return 0

    cdef int _make_room(self, int more) except -1:
        cdef int needed = self.item_count + more
        cdef Item* items
        if needed > self.item_room:
            items = <Item*>realloc(self.items, 2 * needed * sizeof(Item))
            if items == NULL:
                raise MemoryError
            self.items, self.item_room = items, 2 * needed
        return 0

    cdef int _judge_listed(self, sections, list outputs) except -1:
        """Judge what is listed, and begin a new list."""
        cdef int index, dropped = 0
        cdef Item* item
        if not self.item_count:
            return 0
        # Nothing in here looks at a Python object: subtasks that share an interpreter do it at once.
        with nogil:
            self._settle_listed()
        self._tell_progress()
        if self.written.count:
            outputs.append(_taken(&self.written))
        for index in range(self.item_count):
            item = &self.items[index]
            if item.outcome == SETTLED:
                continue
            records, users = sections[item.section]
            if item.outcome == LEFT:
                record = records.read(item.numbers, item.key, item.header, item.value)
                outputs += self.judge.take(record, users)
            elif self.traces.room > 0:
                self._note(records.read(item.numbers, item.key, item.header, item.value))
            else:
                dropped += 1
        self.item_count = 0
        if dropped:
            self.traces.dropped += dropped
        return 0

    cdef int _settle_listed(self) except -1 nogil:
        """Judge what can be settled here."""
        cdef int index, place
        cdef Item* item
        memset(self.left, False, LEFT_PLACES)
        for index in range(min(SLOTS_AHEAD, self.item_count)):
            _look_for_slot(&self.items[index], self.learns)
        for index in range(min(USERS_AHEAD, self.item_count)):
            _look_for_user(&self.items[index], self.learns)
        for index in range(self.item_count):
            # Memory is brought while other records are judged: waiting for it would take longer.
            if index + SLOTS_AHEAD < self.item_count:
                _look_for_slot(&self.items[index + SLOTS_AHEAD], self.learns)
            if index + USERS_AHEAD < self.item_count:
                _look_for_user(&self.items[index + USERS_AHEAD], self.learns)
            item = &self.items[index]
            place = item.hash % LEFT_PLACES
            item.outcome = LEFT if self.left[place] else self._outcome_of(item)
            self.left[place] |= item.outcome == LEFT
        return 0

    cdef int _outcome_of(self, Item* item) except -1 nogil:
        """Judge a record, if that can be done here."""
        cdef Bytes data = item.data
        cdef Card* card = NULL
        if item.key_length <= 0:
            return LEFT
        if not _scan(data, item.value, item.value + max(item.value_length, 0), self.txn):
            return LEFT
        self._settle(
            data + item.key, item.key_length, item.hash, _int64(data + item.numbers),
            _int32(data + item.numbers + 16), item.users, item.habits, &card,
        )
        if card == NULL:
            return LEFT
        if _is_due(card):
            _write(&self.written, card, self.txn)
        if self._is_sampled(data + item.header, item.header_length) and self.notes:
            return TO_BE_NOTED
        return SETTLED

    cdef _tell_progress(self):
        """Tell how far the partitions have come."""
        cdef int partition
        for partition in range(PARTITIONS):
            if self.noted[partition]:
                self.progress.note_many(partition, self.latest_ms[partition], self.noted[partition])
                self.noted[partition] = 0

    def settle(self, record, users):
        """Judge one record if it can be settled here.

        Returns:
            The records it leads to; None where the judge must look at it, as always where
            `users` are not flat.
        """
        cdef bytes key = record.key, value = record.value, header
        cdef Bytes id
        cdef Card* card = NULL
        cdef FlatUsers flat
        cdef FlatModelUsers habits
        cdef bint is_sampled
        if key is None or value is None or record.topic != TRANSACTIONS.name:
            return None
        if not isinstance(users, FlatUsers):
            return None
        flat, habits = users, users.habits
        self._follow_rules()
        id = <Bytes>PyBytes_AS_STRING(key)
        if not _scan(<Bytes>PyBytes_AS_STRING(value), 0, PyBytes_GET_SIZE(value), self.txn):
            return None
        self._settle(
            id, PyBytes_GET_SIZE(key), hash_of(id, PyBytes_GET_SIZE(key)),
            record.timestamp_ms, record.partition, &flat.table, &habits.table, &card,
        )
        if card == NULL:
            return None
        self._tell_progress()
        if record.traceparent is None:
            is_sampled = self._is_sampled(NULL, -1)
        else:
            header = record.traceparent.encode()
            is_sampled = self._is_sampled(
                <Bytes>PyBytes_AS_STRING(header), PyBytes_GET_SIZE(header)
            )
        if is_sampled and self.notes:
            self._note(record)
        if not _is_due(card):
            return ()
        user_id, card_id = (
            _str(self.txn.data, &self.txn.text[field]) for field in (USER_ID, CARD_ID)
        )
        return (profile_record(user_id, card_id, card_state(card)),)

    cdef bint _is_sampled(self, Bytes header, Py_ssize_t length) noexcept nogil:
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
        context = read_traceparent(record.traceparent)
        if context is None:
            context = read_traceparent(decode_transaction(record.value).traceparent)
        self.traces.sampled(record, context)

    cdef int _settle(
        self, Bytes key, Py_ssize_t key_length, unsigned int hash, long long timestamp_ms,
        int partition, Table* users, flat_habits.Table* habits, Card** settled,
    ) except -1 nogil:
        """Judge `txn` and set its card, unless the judge must look."""
        cdef Scanned* txn = self.txn
        cdef Bytes data = txn.data
        cdef Text* text
        cdef Slot* slot
        cdef User* user
        cdef Card* card
        cdef Limits* limits
        cdef Paid paid
        if txn.event_time > timestamp_ms + self.max_ahead_ms:
            return 0
        text = &txn.text[USER_ID]
        if key_length != text.length or memcmp(key, data + text.start, key_length) != 0:
            return 0
        slot = find(users, key, key_length, hash)
        user = slot.user
        card = &_new_card
        if user != NULL:
            if user.has_held or not self._may_take(user, &card):
                return 0
        limits = self._limits_for(txn)
        if not limits.complete or not _is_silent(txn, card, user, limits):
            return 0
        if limits.learns:
            _read_payment(txn, &paid)
            if not self._are_silent(limits, habits, key, key_length, hash, &paid):
                return 0
            flat_habits.learn_from(habits, key, key_length, hash, &paid, False)
        # From here on it is settled.
        self._advance(partition, txn.event_time)
        if card == &_new_card:
            text = &txn.text[CARD_ID]
            card = introduce(users, key, key_length, hash, data + text.start, text.length)
            slot = find(users, key, key_length, hash)  # the table may have grown
        settled[0] = self._teach(users, slot, card, limits)
        if self.adds_up:
            self._add(txn)
        self.settled += 1
        return 0

    cdef bint _are_silent(
        self, Limits* limits, flat_habits.Table* habits, Bytes key, Py_ssize_t key_length,
        unsigned int hash, Paid* paid,
    ) noexcept nogil:
        """Whether it is sure that no model has a finding; the models have then seen the payment."""
        cdef double risks[MAX_MODELS]
        cdef double raw
        cdef int index
        if not limits.models:
            return True
        flat_habits.look_at(
            flat_habits.find(habits, key, key_length, hash).user,
            self.merchants.known(paid.merchant), paid, self.vector,
        )
        for index in range(FEATURE_COUNT):
            if not isfinite(self.vector[index]):
                return False
        for index in range(limits.models):
            score_rows(limits.asked[index].forest, self.vector, 1, &raw)
            risks[index] = _risk_of(&limits.asked[index], raw)
            if risks[index] >= limits.asked[index].threshold * (1 - _SURE):
                return False
        for index in range(limits.models):
            _note_seen(&limits.asked[index], risks[index], self.vector)
        self.scored += 1
        return True

    cdef int _advance(self, int partition, long long event_time) except -1 nogil:
        """Note how far a partition has come."""
        if 0 <= partition < PARTITIONS:
            if not self.noted[partition] or event_time > self.latest_ms[partition]:
                self.latest_ms[partition] = event_time
            self.noted[partition] += 1
        else:
            with gil:
                self.progress.note(partition, event_time)
        return 0

    cdef bint _may_take(self, User* user, Card** card) noexcept nogil:
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

    cdef Card* _teach(
        self, Table* users, Slot* slot, Card* card, Limits* limits
    ) except NULL nogil:
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
        return learn(users, slot, card, &lesson)

    cdef Limits* _limits_for(self, Scanned* txn) except NULL nogil:
        """Return the thresholds in force for a transaction."""
        cdef unsigned int slot = _slot_of(txn, _RULE_KEY, 4)
        if not _is_chosen_for(&self.chosen[slot], txn, _RULE_KEY, 4):
            with gil:
                self._choose(txn, slot)
        return self.chosen[slot].limits

    cdef int _choose(self, Scanned* txn, unsigned int slot) except -1:
        """Look up which thresholds are in force; `keys` and `thresholds` keep what is pointed to."""
        cdef Chosen* chosen = &self.chosen[slot]
        cdef bytes key = _key_of(txn, _RULE_KEY, 4)
        cdef Thresholds thresholds
        cdef int index
        kind = tuple([_str(txn.data, &txn.text[_RULE_KEY[index]]) for index in range(4)])
        rule_set = self.rules.select_at(kind, txn.event_time)
        chosen.from_ms, chosen.until_ms = self.rules.selected_within(kind, txn.event_time)
        thresholds = self.thresholds.get(id(rule_set))
        if thresholds is None:
            models = self.judge.models.of(rule_set.record)
            thresholds = self.thresholds[id(rule_set)] = Thresholds(rule_set, models)
        self.keys[slot] = key
        chosen.key, chosen.key_length = <Bytes>PyBytes_AS_STRING(key), PyBytes_GET_SIZE(key)
        chosen.limits = &thresholds.limits
        return 0

    cdef _follow_rules(self):
        """Begin anew where other rules are in force than before."""
        cdef int version = self.rules.version
        if version != self.rules_version:
            scored = self.take_scored()  # before the thresholds are forgotten
            self.scored = scored
            self.learns = any(True for _ in self.judge.models)
            self.rules_version = version
            self.memory_ms = self.rules.memory_ms
            memset(self.chosen, 0, sizeof(self.chosen))
            self.keys = [None] * SLOTS
            self.thresholds = {}

    cdef int _add(self, Scanned* txn) except -1 nogil:
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


cdef inline bint _is_due(Card* card) noexcept nogil:
    """Whether a card's profile is published, as `profile_due` has it."""
    return card.transactions <= _PROFILE_EVERY or card.transactions % _PROFILE_EVERY == 0


cdef inline int _int32(Bytes data) noexcept nogil:
    return <int>(
        (<unsigned int>data[0] << 24) | (<unsigned int>data[1] << 16)
        | (<unsigned int>data[2] << 8) | data[3]
    )


cdef inline long long _int64(Bytes data) noexcept nogil:
    return (<long long>_int32(data) << 32) | <unsigned int>_int32(data + 4)
