# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True
# distutils: extra_compile_args = -ffp-contract=off
"""What `Merchants` is, in machine code: asked without the interpreter's lock, taught with it.

A merchant is a piece of memory with the numbers that are packed into state, and two arrays: times of
frauds and what was said. All are linked from the one unheard of longest to the one heard of last.

`tests/integration/job/models_alike.py` holds it against `Merchants`, bit by bit.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.unicode cimport PyUnicode_AsUTF8AndSize
from libc.math cimport exp, fabs, log
from libc.stdlib cimport calloc, free, malloc
from libc.string cimport memcpy, memmove

from cardwatch_job.model.flat_parts cimport DAY, Bytes, Name, fading, name_of, with_room

import sys
from secrets import randbits

from cardwatch_job.model.compromise import (
    _GENUINE,
    _LEAST_STOLEN,
    _MOST_DEVIATIONS,
    _MOST_EXPONENT,
    _STOLEN,
    _USUAL_DEVIATIONS,
    BEGINS_PER_DAY,
    EPISODE_D,
    REMEMBERED_D,
)
from cardwatch_job.model.features import _NEVER_D
from cardwatch_job.model.lessons import HIGH_DEVIATIONS, Heard
from cardwatch_job.model.merchant import (
    _QUIET_MS,
    LONG_D,
    MAX_FRAUDS,
    MAX_HEARD_OF_MERCHANT,
    SHORT_D,
)
from cardwatch_job.model.merchants import MAX_MERCHANTS
from cardwatch_job.model.packed import HIGHEST, LATEST_MS, BrokenMemoryError
from cardwatch_job.model.packed_merchant import MERCHANT_VERSION, unpack_merchant
from cardwatch_job.model.theft import LEAST_ODDS, STOLEN_TIMES

if sys.byteorder != "little":
    raise ImportError("memories are packed as numbers lie in a little-endian machine")

cdef Name _SEED = randbits(64)  # nobody can choose names that fall into one place
cdef long long _QUIET = _QUIET_MS, _LATEST = LATEST_MS
cdef double _SHORT = SHORT_D, _LONG = LONG_D, _NEVER = _NEVER_D, _LARGEST = HIGHEST
cdef int _MAX_FRAUDS = MAX_FRAUDS, _MAX_HEARD = MAX_HEARD_OF_MERCHANT, _VERSION = MERCHANT_VERSION
cdef double _HIGH = HIGH_DEVIATIONS, _PER_DAY = BEGINS_PER_DAY, _LEAST_ODDS = LEAST_ODDS
cdef double _GENUINE_WEIGHT = _GENUINE, _STOLEN_ODDS = _STOLEN, _TIMES = STOLEN_TIMES
cdef double _LEAST_SHARE = _LEAST_STOLEN, _HIGHEST_DEVIATIONS = _MOST_DEVIATIONS
cdef double _USUAL = _USUAL_DEVIATIONS * (1 - 1 / STOLEN_TIMES), _HIGHEST_EXPONENT = _MOST_EXPONENT
cdef enum:
    FEWEST_PLACES = 16
    SPAN_D = 28
    DAYS_BACK = 64  # that are remembered, from the latest payment heard of
    NO_DAY = -1
if (EPISODE_D, REMEMBERED_D) != (SPAN_D, DAYS_BACK):
    raise ImportError("spans are not those that are worked out here")


cdef inline long long _latest(Merchant* merchant) noexcept nogil:
    """Return the time of the latest fraud, -1 where there is none."""
    return merchant.frauds[merchant.numbers.frauds - 1] if merchant.numbers.frauds else -1


cdef inline double _share(double bad, double known) noexcept nogil:
    return (bad if bad > 0 else 0.0) / ((known if known > 0 else 0.0) + 1.0)


cdef void look_at_merchant(Merchant* merchant, long long now_ms, float* into) noexcept nogil:
    """Write what feedback says of a merchant, NULL where nobody said anything: `_labels`."""
    cdef MerchantNumbers* numbers
    cdef double left_short, left_long, explained
    cdef int index
    for index in range(MERCHANT_FEATURES):
        into[index] = 0.0
    into[1] = into[2] = <float>_NEVER
    into[7] = <float>_compromised(merchant, now_ms)
    if merchant == NULL:
        return
    numbers = &merchant.numbers
    if numbers.frauds and now_ms - _latest(merchant) <= _QUIET:
        into[0] = <float>numbers.frauds
        into[1] = <float>(<double>(now_ms - merchant.frauds[0]) / DAY)
        into[2] = <float>(<double>(now_ms - _latest(merchant)) / DAY)
        into[3] = <float>numbers.genuine_since
    left_short = fading(now_ms - numbers.last_ms, _SHORT)
    left_long = fading(now_ms - numbers.last_ms, _LONG)
    explained = numbers.explained * left_long
    into[4] = <float>_share(numbers.short_bad * left_short, numbers.short_known * left_short)
    into[5] = <float>_share(numbers.long_bad * left_long, numbers.long_known * left_long)
    into[6] = <float>(explained if explained > 0 else 0.0)


cdef double _compromised(Merchant* merchant, long long now_ms) noexcept nogil:
    """Do what `compromised_log_odds` does; `merchant` is NULL where nothing is known of it."""
    cdef long long day = now_ms // DAY, since = SPAN_D, place
    cdef double odds, share, fresh
    if merchant == NULL or not merchant.tail_count:
        if merchant != NULL and merchant.last_genuine_day != NO_DAY:
            since = min(max(day - merchant.last_genuine_day, 0), SPAN_D)
        odds = _PER_DAY * since
        share = odds / (1 + odds)
    else:
        place = min(max(day - merchant.first_day, 0), merchant.tail_count - 1)
        fresh = _PER_DAY * min(max(day - merchant.last_day, 0), SPAN_D)
        share = (merchant.tails[place] + fresh) / (1 + merchant.tails[0] + fresh)
    return log(share / (1 - share + _LEAST_ODDS) + _LEAST_ODDS)


cdef inline bint _is_fraud(Judged* told) noexcept nogil:
    return told.word & 1


cdef inline bint _is_explained(Judged* told) noexcept nogil:
    return told.amount_deviations > _HIGH


cdef double _weight(Judged* told) noexcept nogil:
    """Do what `Judged.weight` does."""
    cdef double deviations = told.amount_deviations, of_thief, odds, share
    if not _is_fraud(told):
        return _GENUINE_WEIGHT
    if deviations < 0:
        deviations = 0
    if deviations > _HIGHEST_DEVIATIONS:
        deviations = _HIGHEST_DEVIATIONS
    of_thief = deviations / _TIMES - _USUAL
    odds = _STOLEN_ODDS * exp(0.5 * (deviations * deviations - of_thief * of_thief)) / _TIMES
    share = odds / (1 + odds)
    return -log(share if share > _LEAST_SHARE else _LEAST_SHARE)


cdef int _weigh(Merchant* merchant) except -1:
    """Do what `MerchantMemory.weigh` does."""
    cdef long long first, last = 0, day
    cdef double[DAYS_BACK] by_day
    cdef double[DAYS_BACK + 1] until
    cdef double exponent
    cdef int index, count = merchant.numbers.heard, days, begins, place
    cdef bint suspicious = False
    merchant.last_genuine_day = NO_DAY
    merchant.tail_count = 0
    for index in range(count):
        day = merchant.heard[index].at_ms // DAY
        last = max(last, day)
        if not _is_fraud(&merchant.heard[index]):
            merchant.last_genuine_day = max(merchant.last_genuine_day, day)
    first = last
    for index in range(count):
        day = merchant.heard[index].at_ms // DAY
        if day > last - DAYS_BACK:
            first = min(first, day)
            suspicious |= _is_fraud(&merchant.heard[index])
    if not suspicious:
        return 0
    days = <int>(last - first + 1)
    for index in range(days):
        by_day[index] = 0.0
    for index in range(count):
        day = merchant.heard[index].at_ms // DAY
        if day >= first:
            by_day[day - first] += _weight(&merchant.heard[index])
    until[0] = 0.0
    for index in range(days):
        until[index + 1] = until[index] + by_day[index]
    if merchant.tails == NULL:
        merchant.tails = <double*>malloc((DAYS_BACK + SPAN_D) * sizeof(double))
        if merchant.tails == NULL:
            raise MemoryError
    # From the last day a span may have begun on, counted from the first payment's, to the first.
    place = days + SPAN_D - 1
    merchant.tails[place] = 0.0
    for begins in range(days - 1, -SPAN_D, -1):
        exponent = until[min(begins + SPAN_D - 1, days - 1) + 1] - until[max(begins, 0)]
        if exponent > _HIGHEST_EXPONENT:
            exponent = _HIGHEST_EXPONENT
        merchant.tails[place - 1] = merchant.tails[place] + _PER_DAY * exp(exponent)
        place -= 1
    merchant.first_day, merchant.last_day = first, last
    merchant.tail_count = days + SPAN_D
    return 0


cdef void _fade_to(MerchantNumbers* numbers, long long at_ms) noexcept nogil:
    cdef double left
    if at_ms <= numbers.last_ms:
        return
    left = fading(at_ms - numbers.last_ms, _SHORT)
    numbers.short_known *= left
    numbers.short_bad *= left
    left = fading(at_ms - numbers.last_ms, _LONG)
    numbers.long_known *= left
    numbers.long_bad *= left
    numbers.explained *= left
    numbers.last_ms = at_ms


cdef int _count(Merchant* merchant, Judged* said, int times) except -1:
    """Count what became known of a payment; with `times` -1 take it back."""
    cdef MerchantNumbers* numbers = &merchant.numbers
    cdef double weight, long_weight
    _fade_to(numbers, said.at_ms)
    weight = times * fading(numbers.last_ms - said.at_ms, _SHORT)
    long_weight = times * fading(numbers.last_ms - said.at_ms, _LONG)
    numbers.short_known += weight
    numbers.long_known += long_weight
    if _is_fraud(said) and not _is_explained(said):
        numbers.short_bad += weight
        numbers.long_bad += long_weight
        if times > 0:
            _note(merchant, said.at_ms)
        else:
            _strike(merchant, said.at_ms)
    elif _is_fraud(said):
        numbers.explained += long_weight
    elif numbers.frauds and said.at_ms > _latest(merchant):
        numbers.genuine_since = max(0, numbers.genuine_since + times)
    return 0


cdef int _note(Merchant* merchant, long long at_ms) except -1:
    """Remember the time of a fraud."""
    cdef int count = merchant.numbers.frauds, place
    cdef long long* frauds
    if count and at_ms - _latest(merchant) > _QUIET:
        count = 0
    if count == _MAX_FRAUDS:
        if at_ms < merchant.frauds[0]:
            return 0
        count -= 1
        memmove(merchant.frauds, merchant.frauds + 1, count * sizeof(long long))
    frauds = <long long*>with_room(merchant.frauds, &merchant.frauds_room, count, sizeof(long long))
    if frauds == NULL:
        raise MemoryError
    merchant.frauds = frauds
    place = count
    while place and frauds[place - 1] > at_ms:
        frauds[place] = frauds[place - 1]
        place -= 1
    frauds[place] = at_ms
    merchant.numbers.frauds = <unsigned char>(count + 1)
    return 0


cdef void _strike(Merchant* merchant, long long at_ms) noexcept:
    """Forget the time of a fraud, if it is remembered."""
    cdef int place, behind
    for place in range(merchant.numbers.frauds):
        if merchant.frauds[place] == at_ms:
            behind = merchant.numbers.frauds - place - 1
            memmove(merchant.frauds + place, merchant.frauds + place + 1, behind * sizeof(long long))
            merchant.numbers.frauds -= 1
            return


cdef long long _recounted(Merchant* merchant) noexcept:
    """Return how many payments after the latest fraud are known to be genuine."""
    cdef long long latest = _latest(merchant), count = 0
    cdef int index
    if latest < 0:
        return 0
    for index in range(merchant.numbers.heard):
        count += not _is_fraud(&merchant.heard[index]) and merchant.heard[index].at_ms > latest
    return count


cdef object _told(Merchant* merchant, Judged* said, long long given_at):
    """Take in what was said; the latest given counts."""
    cdef MerchantNumbers* numbers = &merchant.numbers
    cdef int place = _place_in(merchant.heard, numbers.heard, said.transaction)
    cdef long long latest = _latest(merchant)
    cdef Judged* heard = merchant.heard
    cdef object became = Heard.LEARNED
    if place >= 0:
        if given_at < <long long>(heard[place].word >> 1):
            return Heard.REPEATED
        if _is_fraud(&heard[place]) == _is_fraud(said):
            heard[place].word = said.word
            return Heard.REPEATED
        became = Heard.CHANGED
        _count(merchant, &heard[place], -1)
    elif numbers.heard == _MAX_HEARD:
        numbers.heard -= 1
        memmove(heard, heard + 1, numbers.heard * sizeof(Judged))
    if place < 0:
        place = numbers.heard
        heard = <Judged*>with_room(merchant.heard, &merchant.heard_room, place, sizeof(Judged))
        if heard == NULL:
            raise MemoryError
        merchant.heard = heard
        numbers.heard += 1
    _count(merchant, said, 1)
    heard[place] = said[0]
    numbers.heard_ms = max(numbers.heard_ms, given_at)
    if _latest(merchant) != latest:
        numbers.genuine_since = _recounted(merchant)
    _weigh(merchant)
    return became


cdef int _place_in(Judged* heard, int count, Name transaction) noexcept nogil:
    """Return where something was said of a transaction, -1 where nothing was."""
    cdef int place
    for place in range(count):
        if heard[place].transaction == transaction:
            return place
    return -1


cdef bytes _packed(Merchant* merchant):
    cdef MerchantNumbers* numbers = &merchant.numbers
    cdef Py_ssize_t frauds = numbers.frauds * sizeof(long long), heard = numbers.heard * sizeof(Judged)
    cdef bytes packed = PyBytes_FromStringAndSize(NULL, sizeof(MerchantNumbers) + frauds + heard)
    cdef char* at = PyBytes_AS_STRING(packed)
    memcpy(at, numbers, sizeof(MerchantNumbers))
    memcpy(at + sizeof(MerchantNumbers), merchant.frauds, frauds)
    memcpy(at + sizeof(MerchantNumbers) + frauds, merchant.heard, heard)
    return packed


cdef bint _is_sound(Merchant* merchant) noexcept:
    """Whether a memory that was read is one, as `unpack_merchant` has it."""
    cdef MerchantNumbers* numbers = &merchant.numbers
    cdef double* fades = &numbers.short_known
    cdef bint sound = numbers.frauds <= _MAX_FRAUDS and numbers.heard <= _MAX_HEARD
    cdef int index
    for index in range(3):
        sound &= 0 <= (&numbers.genuine_since)[index] < _LATEST
    for index in range(5):
        sound &= fabs(fades[index]) <= _LARGEST
    for index in range(numbers.frauds):
        sound &= 0 <= merchant.frauds[index] < _LATEST
    for index in range(numbers.heard):
        sound &= 0 <= merchant.heard[index].at_ms < _LATEST
        sound &= fabs(merchant.heard[index].amount_deviations) <= _LARGEST
    return sound


cdef void _free(Merchant* merchant) noexcept:
    free(merchant.frauds)
    free(merchant.heard)
    free(merchant.tails)
    free(merchant)


cdef class FlatMerchants:
    """What is remembered of merchants: what `Merchants` is, in machine code."""

    def __cinit__(self):
        self._places = <Merchant**>calloc(FEWEST_PLACES, sizeof(Merchant*))
        if self._places == NULL:
            raise MemoryError
        self._mask = FEWEST_PLACES - 1
        self._changed = set()

    def __init__(self, packed=None, *, most=MAX_MERCHANTS):
        """Begin with packed memories, as `take_changed` gave them; `most` are remembered.

        Raises:
            BrokenMemoryError: one is none of this version.
        """
        self._most = most
        # Sorted by when they were heard of last, as it stands in the packed form.
        for key, each in sorted((packed or {}).items(), key=_heard_ms_of):
            self._restore(int(key, 16), each)

    def __dealloc__(self):
        cdef Merchant* newer
        while self._oldest != NULL:
            newer = self._oldest.newer
            _free(self._oldest)
            self._oldest = newer
        free(self._places)

    def __len__(self):
        return self._used

    def find(self, str merchant_id not None):
        """Return a copy of what is remembered of a merchant; None where there is nothing."""
        cdef Merchant* merchant = self.known(_name(merchant_id))
        return None if merchant == NULL else unpack_merchant(_packed(merchant))

    def hear(self, lesson):
        """Take in what an analyst says of a payment at a merchant; the latest given counts."""
        cdef Name name = _name(lesson.merchant_id)
        cdef Merchant* merchant = self.known(name)
        cdef long long given_at = lesson.given_at
        cdef bint fraudulent = lesson.fraudulent
        cdef Judged said
        said.transaction = _name(lesson.transaction_id)
        said.at_ms = lesson.event_time
        said.word = <unsigned long long>given_at << 1 | fraudulent
        said.amount_deviations = lesson.amount_deviations
        if merchant == NULL:
            merchant = self._introduce(name)
        else:
            self._unlink(merchant)
            self._link(merchant)
        self._changed.add(name)
        if self._used > self._most:
            self._changed.add(self._oldest.name)
            self._remove(self._oldest)
        return _told(merchant, &said, given_at)

    @property
    def changed(self):
        """How many memories changed since `take_changed`; those forgotten are among them."""
        return len(self._changed)

    def take_changed(self):
        """Pack the memories that changed since the last call; None for what is forgotten."""
        cdef dict changed = {}
        cdef Merchant* merchant
        for name in self._changed:
            merchant = self.known(name)
            changed[f"{name:016x}"] = None if merchant == NULL else _packed(merchant)
        self._changed.clear()
        return changed

    cdef Merchant* known(self, Name name) noexcept nogil:
        """Return what is remembered of a merchant, NULL where there is nothing."""
        return self._places[self._place_of(name)]

    cdef size_t _place_of(self, Name name) noexcept nogil:
        """Return where a merchant is, or belongs where there is none yet."""
        cdef size_t place = _home(name) & self._mask
        while self._places[place] != NULL and self._places[place].name != name:
            place = (place + 1) & self._mask
        return place

    cdef Merchant* _introduce(self, Name name) except NULL:
        """Begin to remember a merchant who is not there, the latest heard of."""
        cdef Merchant* merchant
        self._grow()
        merchant = <Merchant*>calloc(1, sizeof(Merchant))
        if merchant == NULL:
            raise MemoryError
        merchant.name = name
        merchant.numbers.version = <unsigned char>_VERSION
        merchant.last_genuine_day = NO_DAY
        self._places[self._place_of(name)] = merchant
        self._used += 1
        self._link(merchant)
        return merchant

    cdef int _grow(self) except -1:
        """Make room for another merchant."""
        cdef Merchant** places
        cdef Merchant* merchant = self._oldest
        if 2 * (self._used + 1) <= self._mask + 1:
            return 0
        places = <Merchant**>calloc(2 * (self._mask + 1), sizeof(Merchant*))
        if places == NULL:
            raise MemoryError
        free(self._places)
        self._places = places
        self._mask = 2 * self._mask + 1
        while merchant != NULL:
            self._places[self._place_of(merchant.name)] = merchant
            merchant = merchant.newer
        return 0

    cdef int _unlink(self, Merchant* merchant) noexcept:
        if merchant.older == NULL:
            self._oldest = merchant.newer
        else:
            merchant.older.newer = merchant.newer
        if merchant.newer == NULL:
            self._newest = merchant.older
        else:
            merchant.newer.older = merchant.older
        return 0

    cdef int _link(self, Merchant* merchant) noexcept:
        """Make a merchant the latest heard of."""
        merchant.older, merchant.newer = self._newest, NULL
        if self._newest == NULL:
            self._oldest = merchant
        else:
            self._newest.newer = merchant
        self._newest = merchant
        return 0

    cdef int _remove(self, Merchant* merchant) except -1:
        """Forget a merchant, and close the gap."""
        cdef size_t gap = self._place_of(merchant.name), place = gap, home
        self._unlink(merchant)
        _free(merchant)
        self._used -= 1
        while True:
            place = (place + 1) & self._mask
            if self._places[place] == NULL:
                break
            home = _home(self._places[place].name) & self._mask
            if ((place - home) & self._mask) >= ((place - gap) & self._mask):
                self._places[gap] = self._places[place]
                gap = place
        self._places[gap] = NULL
        return 0

    cdef int _restore(self, Name name, bytes packed) except -1:
        """Remember a merchant as it was packed."""
        cdef Py_ssize_t length = PyBytes_GET_SIZE(packed), frauds, heard
        cdef char* at = PyBytes_AS_STRING(packed)
        cdef Merchant* merchant
        cdef MerchantNumbers numbers
        if length < <Py_ssize_t>sizeof(MerchantNumbers) or at[0] != _VERSION:
            return _refuse(packed)
        memcpy(&numbers, at, sizeof(MerchantNumbers))
        frauds, heard = numbers.frauds * sizeof(long long), numbers.heard * sizeof(Judged)
        if length != <Py_ssize_t>sizeof(MerchantNumbers) + frauds + heard:
            return _refuse(packed)
        merchant = self._introduce(name)
        # Counts stay 0 until there are arrays.
        merchant.frauds = <long long*>calloc(frauds + 1, 1)
        merchant.heard = <Judged*>calloc(heard + 1, 1)
        if merchant.frauds == NULL or merchant.heard == NULL:
            raise MemoryError
        merchant.frauds_room, merchant.heard_room = numbers.frauds, numbers.heard
        merchant.numbers = numbers
        memcpy(merchant.frauds, at + sizeof(MerchantNumbers), frauds)
        memcpy(merchant.heard, at + sizeof(MerchantNumbers) + frauds, heard)
        if not _is_sound(merchant):
            return _refuse(packed)
        return _weigh(merchant)


cdef inline size_t _home(Name name) noexcept nogil:
    cdef Name mixed = (name ^ _SEED) * 0x9E3779B97F4A7C15ULL
    return <size_t>(mixed ^ (mixed >> 32))


cdef inline Name _name(str text) except? 0:
    cdef Py_ssize_t length
    cdef Bytes start = <Bytes>PyUnicode_AsUTF8AndSize(text, &length)
    return name_of(start, length)


cdef int _refuse(bytes packed) except -1:
    """Say what is wrong with a packed memory."""
    unpack_merchant(packed)
    raise BrokenMemoryError("broken: what a merchant's memory cannot hold")


def _heard_ms_of(known):
    """Return when a packed merchant was heard of last, 0 where it is broken."""
    return int.from_bytes(known[1][24:32], "little", signed=True)
