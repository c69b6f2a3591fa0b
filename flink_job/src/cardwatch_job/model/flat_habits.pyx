# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True
# distutils: extra_compile_args = -ffp-contract=off
"""What `ModelUsers` is, in machine code: looking and learning want no interpreter's lock.

A user is one piece of memory: the numbers that are packed into state, and behind them what was
visited, with room to grow; what waits and what was said, which few users have, lie elsewhere. The
numbers are worked out in the order in which `user.py`, `habits.py` and `features.py` do it, no two
of them in one step: so they are equal to the last bit, and what is packed is equal byte by byte.

`tests/integration/job/models_alike.py` holds it against `ModelUsers`.
"""

from cpython.array cimport array, clone
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.unicode cimport PyUnicode_AsUTF8AndSize, PyUnicode_DecodeUTF8
from libc.math cimport asin, cos, exp, fabs, log, log1p, sin, sqrt
from libc.stdlib cimport calloc, free, malloc
from libc.string cimport memcmp, memcpy, memmove, memset

from cardwatch_job.flat_users cimport hash_of, no_memory
from cardwatch_job.model.flat_merchants cimport FlatMerchants, look_at_merchant
from cardwatch_job.model.flat_parts cimport DAY, fading, name_of, with_room

import math
import sys

from cardwatch_job.detectors._travel import _EARTH_RADIUS_KM
from cardwatch_job.detectors.history import FORGET_EVERY_MS
from cardwatch_job.model.features import (
    _HOUR_MS,
    _LONGEST_GAP_H,
    _MONDAY,
    _NIGHT_H,
    FEATURES,
    FEATURES_VERSION,
)
from cardwatch_job.model.habits import (
    _HALVED_EVERY,
    _LEAST_SPREAD,
    _WIDEST_DEVIATIONS,
    FADING_PAYMENTS,
    HOUR_BINS,
    MAX_HELD,
    MAX_KNOWN,
    MAX_VISITS,
    MIN_PAYMENTS,
)
from cardwatch_job.model.lessons import HIGH_DEVIATIONS, Heard
from cardwatch_job.model.packed import HIGHEST, LATEST_MS, BrokenMemoryError
from cardwatch_job.model.packed_user import USER_VERSION, unpack_user
from cardwatch_job.model.theft import (
    _CHANGES,
    _LEAST_EXPONENT,
    _MOST_EXPONENT,
    AT_REST,
    LEAST_ODDS,
    MOST_ODDS,
    STOLEN_SHARE,
    STOLEN_TIMES,
)
from cardwatch_job.model.user import _HIGHEST_DEVIATIONS, DAYS, MAX_HEARD

if sys.byteorder != "little":
    raise ImportError("memories are packed as numbers lie in a little-endian machine")
if (FEATURES_VERSION, len(FEATURES), HOUR_BINS, len(DAYS)) != (2, FEATURE_COUNT, 8, 3):
    raise ImportError("features are not those that are worked out here")

cdef extern from *:
    """
    #define fetch_ahead(address) __builtin_prefetch(address, 1)
    """
    void fetch_ahead(void* address) noexcept nogil

cdef array _FLOATS = array("f")
cdef double[3] _DAYS = DAYS
cdef double _HIGH = HIGH_DEVIATIONS, _MOST_HIGH = _HIGHEST_DEVIATIONS, _FADING = FADING_PAYMENTS
cdef double _WIDEST = _WIDEST_DEVIATIONS, _LEAST = _LEAST_SPREAD, _LARGEST = HIGHEST
cdef double _HOURS = _HOUR_MS, _LONGEST_GAP = _LONGEST_GAP_H, _EARTH_KM = 2 * _EARTH_RADIUS_KM
cdef double _CHANGES_PER_DAY = _CHANGES, _REST = AT_REST, _SHARE = STOLEN_SHARE
cdef double _OWNERS_SHARE = 1 - STOLEN_SHARE, _TIMES = STOLEN_TIMES
cdef double _LEAST_ODDS = LEAST_ODDS, _MOST_ODDS = MOST_ODDS
cdef double _LOWEST = _LEAST_EXPONENT, _HIGHEST_EXPONENT = _MOST_EXPONENT
cdef double _RADIANS = math.pi / 180
cdef long long _MIN_KNOWN = MIN_PAYMENTS, _HALVED = _HALVED_EVERY, _LATEST = LATEST_MS
cdef long long _NIGHT_MS = _NIGHT_H * _HOUR_MS
cdef int _WEEK_BEGINS = _MONDAY, _MAX_HELD = MAX_HELD, _MAX_HEARD = MAX_HEARD
cdef int _MAX_KNOWN = MAX_KNOWN, _MAX_VISITS = MAX_VISITS, _VERSION = USER_VERSION
cdef enum:
    FEWEST_SLOTS = 16
    FEWEST_VISITED = 4
    BIN_MS = DAY // 8
    LINE = 64  # bytes of memory that come at once
    LINES_AHEAD = 6

cdef User _nobody  # nothing is known of him
memset(&_nobody, 0, sizeof(User))


cdef inline Name* _merchants(User* user) noexcept nogil:
    return <Name*>(<char*>user + sizeof(User))


cdef inline Name* _categories(User* user) noexcept nogil:
    return _merchants(user) + user.merchants_room


cdef inline unsigned short* _merchant_visits(User* user) noexcept nogil:
    return <unsigned short*>(_categories(user) + user.categories_room)


cdef inline unsigned short* _category_visits(User* user) noexcept nogil:
    return _merchant_visits(user) + user.merchants_room


cdef inline char* _user_id(User* user) noexcept nogil:
    return <char*>(_category_visits(user) + user.categories_room)


cdef inline int _place_of(Name* names, int count, Name name) noexcept nogil:
    """Return where a name is, -1 where it is not."""
    cdef int place
    for place in range(count):
        if names[place] == name:
            return place
    return -1


# Looking.


cdef inline double _deviation(Mean* usual) noexcept nogil:
    """Do what `Amounts.deviation` does."""
    cdef double spread = sqrt(usual.variance) if usual.variance > 0 else 0.0
    cdef double least = _LEAST * fabs(usual.mean)
    if least > spread:
        spread = least
    return spread if spread >= 0.01 else 0.01


cdef inline double _deviations(Mean* usual, double amount) noexcept nogil:
    return (amount - usual.mean) / _deviation(usual)


cdef inline double _log_of(double amount) noexcept nogil:
    return log1p(amount if amount > 0 else 0.0)


cdef double _distance_km(double latitude, double longitude, double latitude_2, double longitude_2) noexcept nogil:
    """Do what `_travel.distance_km` does."""
    cdef double phi = latitude * _RADIANS, phi_2 = latitude_2 * _RADIANS
    cdef double north = sin((phi_2 - phi) / 2), east = sin((longitude_2 - longitude) * _RADIANS / 2)
    cdef double half_chord = north * north + cos(phi) * cos(phi_2) * east * east
    cdef double root = sqrt(half_chord)
    return _EARTH_KM * asin(root if root < 1.0 else 1.0)


cdef double _stolen_at(UserNumbers* numbers, long long now_ms) noexcept nogil:
    """Do what `UserMemory.stolen_at` and `odds_after` do."""
    cdef long long gone_ms = now_ms - numbers.last_ms if numbers.seen else DAY
    cdef double stolen = numbers.stolen / (1 + numbers.stolen), left = 1.0
    if gone_ms > 0:
        left = exp(-_CHANGES_PER_DAY * (<double>gone_ms / DAY))
    stolen = _REST + (stolen - _REST) * left
    return stolen / (1 - stolen)


cdef double _times_of(Mean* usual, double amount) noexcept nogil:
    """Do what `theft.times_of` does."""
    cdef double deviations = _deviations(usual, amount)
    cdef double of_thief = _deviations(usual, amount / _TIMES)
    cdef double exponent = 0.5 * (deviations * deviations - of_thief * of_thief)
    if exponent < _LOWEST:
        exponent = _LOWEST
    if exponent > _HIGHEST_EXPONENT:
        exponent = _HIGHEST_EXPONENT
    return exp(exponent) / _TIMES


cdef void _look_for_theft(UserNumbers* numbers, Paid* paid, float* into) noexcept nogil:
    """Write the odds of a stolen card and of a thief's payment."""
    cdef double odds = _stolen_at(numbers, paid.at_ms), times = 0.0, of_thief
    if numbers.payments >= _MIN_KNOWN:
        times = _times_of(&numbers.amounts, paid.amount)
    of_thief = odds / (1 + odds) * _SHARE
    into[0] = <float>log(odds + _LEAST_ODDS)
    into[1] = <float>log(of_thief * times / (1 - of_thief) + _LEAST_ODDS)


cdef void _look_at_habits(UserNumbers* numbers, Paid* paid, float* into) noexcept nogil:
    """Write what amount, hour and place are held against what is usual."""
    cdef long long in_day = paid.at_ms % DAY
    cdef double usual, sum_of_hours = 0
    cdef int index
    into[0] = <float>paid.amount
    into[1] = 0.0
    into[2] = 1.0
    into[3] = 0.0
    into[4] = <float>numbers.payments
    into[18] = 0.0
    if numbers.payments >= _MIN_KNOWN:
        usual = numbers.amounts.mean if numbers.amounts.mean > 0.01 else 0.01
        into[1] = <float>_deviations(&numbers.amounts, paid.amount)
        into[2] = <float>(paid.amount / usual)
        into[3] = <float>_deviations(&numbers.logarithms, _log_of(paid.amount))
        into[18] = <float>_distance_km(paid.latitude, paid.longitude, numbers.latitude, numbers.longitude)
    for index in range(8):
        sum_of_hours += numbers.hours[index]
    into[13] = in_day < _NIGHT_MS
    into[14] = (paid.at_ms // DAY + _WEEK_BEGINS) % 7 >= 5
    into[15] = <float>((numbers.hours[in_day // BIN_MS] + 1.0) / (sum_of_hours + 8))


cdef void look_at(User* user, Merchant* merchant, Paid* paid, float* into) noexcept nogil:
    """Write the features of a payment in the order of `FEATURES`.

    `user` and `merchant` are NULL where nothing is remembered of them.
    """
    cdef UserNumbers* numbers
    cdef unsigned short* visits
    cdef double left[3]
    cdef double gap_h = _LONGEST_GAP, sum_of_visits = 0, visited = 0
    cdef int index, place
    if user == NULL:
        user = &_nobody
    numbers = &user.numbers
    for index in range(3):
        left[index] = fading(paid.at_ms - numbers.last_ms, _DAYS[index])
        into[5 + index] = <float>(numbers.counts[index] * left[index])
        into[8 + index] = 0.0
        if numbers.seen:
            into[8 + index] = <float>(numbers.totals[index] / numbers.counts[index])
    into[11] = <float>(numbers.high * left[1])
    if numbers.seen:
        gap_h = <double>(paid.at_ms - numbers.last_ms if paid.at_ms > numbers.last_ms else numbers.last_ms - paid.at_ms) / _HOURS
    into[12] = <float>(gap_h if gap_h < _LONGEST_GAP else _LONGEST_GAP)
    _look_at_habits(numbers, paid, into)
    place = _place_of(_merchants(user), numbers.merchants, paid.merchant)
    into[16] = 0.0 if place < 0 else <float>_merchant_visits(user)[place]
    visits = _category_visits(user)
    for index in range(numbers.categories):
        sum_of_visits += visits[index]
    place = _place_of(_categories(user), numbers.categories, paid.category)
    if place >= 0:
        visited = visits[place]
    into[17] = <float>((visited + 1.0) / (sum_of_visits + 1.0))
    _look_for_theft(numbers, paid, into + 19)
    look_at_merchant(merchant, paid.at_ms, into + 21)
    into[29] = <float>(numbers.frauds * left[2])


# Learning.


cdef void _take_amount(Mean* usual, double amount, double weight, bint known) noexcept nogil:
    """Do what `Amounts.learn` does."""
    cdef double edge, delta
    if known:
        edge = _WIDEST * _deviation(usual)
        if usual.mean - edge > amount:
            amount = usual.mean - edge
        if usual.mean + edge < amount:
            amount = usual.mean + edge
    delta = amount - usual.mean
    usual.mean += delta / weight
    usual.variance += (delta * (amount - usual.mean) - usual.variance) / weight


cdef void _visit(Name* names, unsigned short* visits, unsigned char* count, int place, Name name) noexcept nogil:
    """Count a visit and make it the latest; `place` is where the name is, -1 where it is new."""
    cdef int number = 1, behind
    if place >= 0:
        number = min(visits[place] + 1, _MAX_VISITS)
    elif count[0] >= _MAX_KNOWN:
        place = 0
    else:
        place = count[0]
        count[0] += 1
    behind = count[0] - place - 1
    memmove(names + place, names + place + 1, behind * sizeof(Name))
    memmove(visits + place, visits + place + 1, behind * sizeof(unsigned short))
    names[place + behind] = name
    visits[place + behind] = <unsigned short>number


cdef User* _new_user(Bytes id, int id_length, int merchants_room, int categories_room) noexcept nogil:
    """Return a user of whom nothing is known; NULL: no memory."""
    cdef size_t visited = (merchants_room + categories_room) * (sizeof(Name) + sizeof(unsigned short))
    cdef User* user = <User*>malloc(sizeof(User) + visited + id_length)
    if user == NULL:
        return NULL
    memset(user, 0, sizeof(User))
    user.numbers.version = <unsigned char>_VERSION
    user.id_length = <unsigned int>id_length
    user.merchants_room = <unsigned char>merchants_room
    user.categories_room = <unsigned char>categories_room
    memcpy(_user_id(user), id, id_length)
    return user


cdef User* _widened(User* user, bint by_merchants) noexcept nogil:
    """Return a user with more room for what is visited, in place of the other; NULL: no memory."""
    cdef int merchants = user.merchants_room * (2 if by_merchants else 1)
    cdef int categories = user.categories_room * (1 if by_merchants else 2)
    cdef UserNumbers* numbers = &user.numbers
    cdef User* new = _new_user(<Bytes>_user_id(user), user.id_length, min(merchants, _MAX_KNOWN), min(categories, _MAX_KNOWN))
    if new == NULL:
        return NULL
    new.numbers = numbers[0]
    new.held, new.held_room = user.held, user.held_room
    new.heard, new.heard_room = user.heard, user.heard_room
    memcpy(_merchants(new), _merchants(user), numbers.merchants * sizeof(Name))
    memcpy(_categories(new), _categories(user), numbers.categories * sizeof(Name))
    memcpy(_merchant_visits(new), _merchant_visits(user), numbers.merchants * sizeof(unsigned short))
    memcpy(_category_visits(new), _category_visits(user), numbers.categories * sizeof(unsigned short))
    free(user)
    return new


cdef int _learn_habit(Slot* slot, Held* habit) except -1 nogil:
    """Do what `UserHabits.learn` does."""
    cdef UserNumbers* numbers = &slot.user.numbers
    cdef int merchant = _place_of(_merchants(slot.user), numbers.merchants, habit.merchant)
    cdef int category = _place_of(_categories(slot.user), numbers.categories, habit.category)
    cdef User* user = slot.user
    cdef bint known = numbers.payments >= _MIN_KNOWN
    cdef double weight
    cdef int index
    if merchant < 0 and user.merchants_room == numbers.merchants < _MAX_KNOWN:
        user = _widened(user, True)
        if user == NULL:
            no_memory()
        slot.user, numbers = user, &user.numbers
    if category < 0 and user.categories_room == numbers.categories < _MAX_KNOWN:
        user = _widened(user, False)
        if user == NULL:
            no_memory()
        slot.user, numbers = user, &user.numbers
    numbers.payments += 1
    weight = numbers.payments
    if weight > _FADING:
        weight = _FADING
    _take_amount(&numbers.amounts, habit.amount, weight, known)
    _take_amount(&numbers.logarithms, _log_of(habit.amount), weight, known)
    numbers.latitude += (habit.latitude - numbers.latitude) / weight
    numbers.longitude += (habit.longitude - numbers.longitude) / weight
    numbers.hours[habit.at_ms % DAY // BIN_MS] += 1
    if numbers.payments % _HALVED == 0:
        for index in range(8):
            numbers.hours[index] //= 2
    _visit(_merchants(user), _merchant_visits(user), &numbers.merchants, merchant, habit.merchant)
    _visit(_categories(user), _category_visits(user), &numbers.categories, category, habit.category)
    return 0


cdef void _pay(UserNumbers* numbers, Paid* paid, double deviations) noexcept nogil:
    """Do what `UserMemory.pay` does."""
    cdef double left[3]
    cdef double weight[3]
    cdef int index
    numbers.stolen = _stolen_at(numbers, paid.at_ms)
    if numbers.payments >= _MIN_KNOWN:
        numbers.stolen *= _OWNERS_SHARE + _SHARE * _times_of(&numbers.amounts, paid.amount)
        if numbers.stolen > _MOST_ODDS:
            numbers.stolen = _MOST_ODDS
    for index in range(3):
        left[index] = fading(paid.at_ms - numbers.last_ms, _DAYS[index])
        weight[index] = fading(numbers.last_ms - paid.at_ms, _DAYS[index])
        numbers.counts[index] = numbers.counts[index] * left[index] + weight[index]
        numbers.totals[index] = numbers.totals[index] * left[index] + weight[index] * paid.amount
    numbers.high *= left[1]
    if deviations > _HIGH:
        numbers.high += weight[1] * (deviations if deviations < _MOST_HIGH else _MOST_HIGH)
    numbers.frauds *= left[2]
    numbers.seen += 1
    if paid.at_ms > numbers.last_ms:
        numbers.last_ms = paid.at_ms


cdef int _hold(User* user, Held* habit) except -1 nogil:
    """Let a payment wait for an analyst's word."""
    cdef UserNumbers* numbers = &user.numbers
    cdef Held* held = user.held
    cdef int place = 0
    while place < numbers.held and held[place].transaction != habit.transaction:
        place += 1
    if place == numbers.held:
        if numbers.held == _MAX_HELD:
            place -= 1
            memmove(held, held + 1, place * sizeof(Held))
        else:
            held = <Held*>with_room(held, &user.held_room, place, sizeof(Held))
            if held == NULL:
                no_memory()
            user.held = held
            numbers.held += 1
    held[place] = habit[0]
    return 0


cdef double learn_from(
    Table* table, Bytes id, size_t length, unsigned int hash, Paid* paid, bint alerted
) except? -1 nogil:
    """Do what `UserMemory.learn` does; the user may be new."""
    cdef Slot* slot = find(table, id, length, hash)
    cdef double deviations = 0.0
    cdef Held habit
    if slot.user == NULL:
        slot = _new_slot(table, id, length, hash)
    if slot.user.numbers.payments >= _MIN_KNOWN:
        deviations = _deviations(&slot.user.numbers.amounts, paid.amount)
    habit.transaction, habit.at_ms, habit.amount = paid.transaction, paid.at_ms, paid.amount
    habit.merchant, habit.category = paid.merchant, paid.category
    habit.latitude, habit.longitude = paid.latitude, paid.longitude
    _pay(&slot.user.numbers, paid, deviations)
    if alerted:
        _hold(slot.user, &habit)
    else:
        _learn_habit(slot, &habit)
    _note_change(table, slot)
    return deviations


cdef object _told(Slot* slot, Said* said, long long given_at):
    """Do what `UserMemory.hear` does."""
    cdef User* user = slot.user
    cdef UserNumbers* numbers = &user.numbers
    cdef int place = 0
    cdef Said* heard = user.heard
    cdef double left
    cdef object became = Heard.LEARNED
    while place < numbers.heard and heard[place].transaction != said.transaction:
        place += 1
    if place < numbers.heard:
        if given_at < <long long>(heard[place].word >> 1):
            return Heard.REPEATED
        if not (heard[place].word ^ said.word) & 1:
            heard[place].word = said.word
            return Heard.REPEATED
        became = Heard.CHANGED
        if heard[place].word & 1:
            left = numbers.frauds - fading(numbers.last_ms - heard[place].at_ms, _DAYS[2])
            numbers.frauds = left if left > 0 else 0.0
    elif numbers.heard == _MAX_HEARD:
        place -= 1
        memmove(heard, heard + 1, place * sizeof(Said))
    else:
        heard = <Said*>with_room(heard, &user.heard_room, place, sizeof(Said))
        if heard == NULL:
            raise MemoryError
        user.heard = heard
        numbers.heard += 1
    heard[place] = said[0]
    if said.word & 1:
        numbers.frauds += fading(numbers.last_ms - said.at_ms, _DAYS[2])
    _settle(slot, said)
    return became


cdef int _settle(Slot* slot, Said* said) except -1:
    """Learn what was held if it was genuine, else forget it."""
    cdef User* user = slot.user
    cdef int place
    cdef Held habit
    for place in range(user.numbers.held):
        if user.held[place].transaction == said.transaction:
            habit = user.held[place]
            user.numbers.held -= 1
            memmove(user.held + place, user.held + place + 1, (user.numbers.held - place) * sizeof(Held))
            if not said.word & 1:
                _learn_habit(slot, &habit)
            return 0
    return 0


# A bucket's users, by the hash of their ids.


cdef Slot* find(Table* table, Bytes id, size_t length, unsigned int hash) noexcept nogil:
    """Return where a user is, or belongs where there is none yet."""
    cdef size_t place = hash & table.mask
    cdef Slot* slot = &table.slots[place]
    while slot.user != NULL:
        if slot.hash == hash and slot.user.id_length == length:
            if memcmp(_user_id(slot.user), id, length) == 0:
                break
        place = (place + 1) & table.mask
        slot = &table.slots[place]
    return slot


cdef void fetch_slot(Table* table, unsigned int hash) noexcept nogil:
    """Have the processor bring what `fetch_user` reads."""
    fetch_ahead(&table.slots[hash & table.mask])


cdef void fetch_user(Table* table, unsigned int hash) noexcept nogil:
    """Have the processor bring the memory that most likely is this user's."""
    cdef char* user = <char*>table.slots[hash & table.mask].user
    cdef int line
    if user != NULL:
        for line in range(LINES_AHEAD):
            fetch_ahead(user + line * LINE)


cdef inline void _note_change(Table* table, Slot* slot) noexcept nogil:
    if not slot.is_changed:
        slot.is_changed = True
        table.changed += 1


cdef Slot* _new_slot(Table* table, Bytes id, size_t length, unsigned int hash) except NULL nogil:
    """Begin to remember a user who is not there."""
    cdef Slot* slot
    cdef User* user
    _grow(table)
    user = _new_user(id, <int>length, FEWEST_VISITED, FEWEST_VISITED)
    if user == NULL:
        no_memory()
    slot = find(table, id, length, hash)
    slot.user, slot.hash, slot.is_changed = user, hash, False
    table.used += 1
    return slot


cdef int _grow(Table* table) except -1 nogil:
    """Make room for another user."""
    cdef size_t count = table.mask + 1, place, free_place, mask = 2 * count - 1
    cdef Slot* slots
    if 2 * (table.used + 1) <= count:
        return 0
    slots = <Slot*>calloc(2 * count, sizeof(Slot))
    if slots == NULL:
        no_memory()
    for place in range(count):
        if table.slots[place].user != NULL:
            free_place = table.slots[place].hash & mask
            while slots[free_place].user != NULL:
                free_place = (free_place + 1) & mask
            slots[free_place] = table.slots[place]
    free(table.slots)
    table.slots, table.mask = slots, mask
    return 0


cdef void _free(User* user) noexcept nogil:
    if user != NULL:
        free(user.held)
        free(user.heard)
        free(user)


# Packed memories.


cdef char* _put(char* at, void* part, size_t length) noexcept:
    memcpy(at, part, length)
    return at + length


cdef bytes _packed(User* user):
    """Pack a user's memory, as `pack_user` does."""
    cdef UserNumbers* numbers = &user.numbers
    cdef bytes packed = PyBytes_FromStringAndSize(NULL, _packed_length(numbers))
    cdef char* at = _put(PyBytes_AS_STRING(packed), numbers, sizeof(UserNumbers))
    at = _put(at, _merchants(user), numbers.merchants * sizeof(Name))
    at = _put(at, _categories(user), numbers.categories * sizeof(Name))
    at = _put(at, _merchant_visits(user), numbers.merchants * sizeof(unsigned short))
    at = _put(at, _category_visits(user), numbers.categories * sizeof(unsigned short))
    at = _put(at, user.held, numbers.held * sizeof(Held))
    _put(at, user.heard, numbers.heard * sizeof(Said))
    return packed


cdef inline Py_ssize_t _packed_length(UserNumbers* numbers) noexcept:
    return (
        sizeof(UserNumbers)
        + (numbers.merchants + numbers.categories) * (sizeof(Name) + sizeof(unsigned short))
        + numbers.held * sizeof(Held)
        + numbers.heard * sizeof(Said)
    )


cdef char* _get(char* at, void* part, size_t length) noexcept:
    memcpy(part, at, length)
    return at + length


cdef User* _unpacked(bytes packed, Bytes id, int id_length) except NULL:
    """Unpack a user's memory, as `unpack_user` does."""
    cdef Py_ssize_t length = PyBytes_GET_SIZE(packed)
    cdef char* at = PyBytes_AS_STRING(packed)
    cdef UserNumbers numbers
    cdef User* user
    if length < <Py_ssize_t>sizeof(UserNumbers) or at[0] != _VERSION:
        return _refuse(packed)
    at = _get(at, &numbers, sizeof(UserNumbers))
    if length != _packed_length(&numbers) or max(numbers.merchants, numbers.categories) > _MAX_KNOWN:
        return _refuse(packed)
    user = _new_user(id, id_length, _room_for(numbers.merchants), _room_for(numbers.categories))
    if user == NULL:
        raise MemoryError
    user.numbers = numbers
    at = _get(at, _merchants(user), numbers.merchants * sizeof(Name))
    at = _get(at, _categories(user), numbers.categories * sizeof(Name))
    at = _get(at, _merchant_visits(user), numbers.merchants * sizeof(unsigned short))
    at = _get(at, _category_visits(user), numbers.categories * sizeof(unsigned short))
    user.held_room, user.heard_room = numbers.held, numbers.heard
    user.held = <Held*>malloc(numbers.held * sizeof(Held) + 1)
    user.heard = <Said*>malloc(numbers.heard * sizeof(Said) + 1)
    if user.held == NULL or user.heard == NULL:
        _free(user)
        raise MemoryError
    at = _get(at, user.held, numbers.held * sizeof(Held))
    _get(at, user.heard, numbers.heard * sizeof(Said))
    if not _is_sound(user):
        _free(user)
        return _refuse(packed)
    return user


cdef int _room_for(int count) noexcept:
    cdef int room = FEWEST_VISITED
    while room < count:
        room *= 2
    return room


cdef bint _is_sound(User* user) noexcept:
    """Whether a memory that was read is one, as `unpack_user` has it."""
    cdef UserNumbers* numbers = &user.numbers
    cdef double* fades = numbers.counts  # and all behind them, up to the place
    cdef bint sound = numbers.held <= _MAX_HELD and numbers.heard <= _MAX_HEARD
    cdef Held* held
    cdef int index
    sound &= 0 < numbers.seen < _LATEST and 0 <= numbers.payments <= numbers.seen
    sound &= 0 <= numbers.last_ms < _LATEST
    for index in range(3):
        sound &= numbers.counts[index] >= 1
    sound &= 0 <= numbers.stolen <= _MOST_ODDS
    for index in range(13):
        sound &= fabs(fades[index]) <= _LARGEST
    sound &= _is_place(numbers.latitude, numbers.longitude)
    for index in range(numbers.held):
        held = &user.held[index]
        sound &= 0 <= held.at_ms < _LATEST and fabs(held.amount) <= _LARGEST
        sound &= _is_place(held.latitude, held.longitude)
    for index in range(numbers.heard):
        sound &= 0 <= user.heard[index].at_ms < _LATEST
    return sound


cdef inline bint _is_place(double latitude, double longitude) noexcept:
    return fabs(latitude) <= 90 and fabs(longitude) <= 180


cdef User* _refuse(bytes packed) except NULL:
    """Say what is wrong with a packed memory."""
    unpack_user(packed)
    raise BrokenMemoryError("broken: what a user's memory cannot hold")


cdef inline Bytes _text(str text, Py_ssize_t* length) except NULL:
    return <Bytes>PyUnicode_AsUTF8AndSize(text, length)


cdef inline Name _name(str text) except? 0:
    cdef Py_ssize_t length
    cdef Bytes start = _text(text, &length)
    return name_of(start, length)


cdef int _read(payment, Paid* paid) except -1:
    """Read what is needed of a payment; its transaction is not."""
    paid.transaction = 0
    paid.merchant = _name(payment.merchant_id)
    paid.category = _name(payment.merchant_category)
    paid.at_ms = payment.event_time
    paid.amount = <double><long long>payment.amount_minor / 100
    paid.latitude = payment.latitude
    paid.longitude = payment.longitude
    return 0


cdef class FlatModelUsers:
    """What models remember of a bucket's users: what `ModelUsers` is, in machine code."""

    def __cinit__(self):
        self.table.slots = <Slot*>calloc(FEWEST_SLOTS, sizeof(Slot))
        if self.table.slots == NULL:
            raise MemoryError
        self.table.mask = FEWEST_SLOTS - 1
        self._forgotten = set()

    def __init__(self, packed=None):
        """Begin with packed memories by user id.

        Raises:
            BrokenMemoryError: one is none of this version.
        """
        for user_id, each in (packed or {}).items():
            self._keep(user_id, each, False)

    def __dealloc__(self):
        cdef size_t place
        for place in range(self.table.mask + 1):
            _free(self.table.slots[place].user)
        free(self.table.slots)

    def __len__(self):
        return self.table.used

    cdef Slot* _slot(self, str user_id) except NULL:
        """Return where a user is, or belongs where there is none."""
        cdef Py_ssize_t length
        cdef Bytes id = _text(user_id, &length)
        return find(&self.table, id, length, hash_of(id, length))

    def knows(self, str user_id not None):
        """Whether anything is remembered of a user."""
        return self._slot(user_id).user != NULL

    def find(self, str user_id not None):
        """Return a copy of what is remembered of a user; None where there is nothing."""
        cdef User* user = self._slot(user_id).user
        return None if user == NULL else unpack_user(_packed(user))

    def look(self, payment, FlatMerchants merchants not None):
        """Return a payment's features in the order of `FEATURES`; nothing is changed."""
        cdef array features = clone(_FLOATS, FEATURE_COUNT, False)
        cdef Slot* slot = self._slot(payment.user_id)
        cdef Paid paid
        _read(payment, &paid)
        look_at(slot.user, merchants.known(paid.merchant), &paid, features.data.as_floats)
        return features

    def learn(self, payment, *, bint alerted):
        """Take in a payment after it was scored; one that alerted changes no habit for now.

        Returns:
            By how many standard deviations its amount was over the user's mean before, as `look`
            has it: rounded to 32 bits.
        """
        cdef str user_id = payment.user_id
        cdef Py_ssize_t length
        cdef Bytes id = _text(user_id, &length)
        cdef Paid paid
        _read(payment, &paid)
        if alerted:
            paid.transaction = _name(payment.transaction_id)
        return <float>learn_from(&self.table, id, length, hash_of(id, length), &paid, alerted)

    def hear(self, lesson):
        """Take in what an analyst says of a user's payment; the latest given counts.

        Returns:
            `UNKNOWN` where nothing is remembered of the user; nothing changes then.
        """
        cdef Slot* slot = self._slot(lesson.user_id)
        cdef bint fraudulent = lesson.fraudulent
        cdef long long given_at = lesson.given_at
        cdef Said said
        if slot.user == NULL:
            return Heard.UNKNOWN
        said.transaction = _name(lesson.transaction_id)
        said.at_ms = lesson.event_time
        said.word = <unsigned long long>given_at << 1 | fraudulent
        _note_change(&self.table, slot)
        return _told(slot, &said, given_at)

    def adopt(self, str user_id not None, bytes packed not None):
        """Take up a memory from elsewhere, where the own one knows fewer payments.

        Returns:
            Whether it was taken up.

        Raises:
            BrokenMemoryError: it is none of this version; nothing changes.
        """
        return bool(self._keep(user_id, packed, True))

    cdef int _keep(self, str user_id, bytes packed, bint is_changed) except -1:
        """Put a packed memory in the place of one that knows fewer payments."""
        cdef Py_ssize_t length
        cdef Bytes id = _text(user_id, &length)
        cdef unsigned int hash = hash_of(id, length)
        cdef User* user = _unpacked(packed, id, <int>length)
        cdef Slot* slot = find(&self.table, id, length, hash)
        if slot.user == NULL:
            slot = _new_slot(&self.table, id, length, hash)
        elif slot.user.numbers.seen >= user.numbers.seen:
            _free(user)
            return 0
        _free(slot.user)
        slot.user = user
        if is_changed:
            _note_change(&self.table, slot)
        return 1

    def forget(self, str user_id not None):
        """Forget a user."""
        if self.knows(user_id):
            self._remove(user_id)
            self._forgotten.add(user_id)

    cdef int _remove(self, str user_id) except -1:
        """Forget a user who is there, and close the gap."""
        cdef Slot* slot = self._slot(user_id)
        cdef size_t gap = slot - self.table.slots, place = gap, home
        self.table.used -= 1
        self.table.changed -= slot.is_changed
        _free(slot.user)
        while True:
            place = (place + 1) & self.table.mask
            if self.table.slots[place].user == NULL:
                break
            home = self.table.slots[place].hash & self.table.mask
            if ((place - home) & self.table.mask) >= ((place - gap) & self.table.mask):
                self.table.slots[gap] = self.table.slots[place]
                gap = place
        memset(&self.table.slots[gap], 0, sizeof(Slot))
        return 0

    def forget_before(self, long long time_ms):
        """Forget the users whose latest payment is older; looks once a day of event time.

        Returns:
            Whether it looked.
        """
        cdef size_t place
        cdef list idle = []
        cdef User* user
        if self._looked_ms is None:
            self._looked_ms = time_ms
        if time_ms - self._looked_ms < FORGET_EVERY_MS:
            return False
        self._looked_ms = time_ms
        for place in range(self.table.mask + 1):
            user = self.table.slots[place].user
            if user != NULL and user.numbers.last_ms < time_ms:
                idle.append(_id_of(user))
        for user_id in idle:
            self.forget(user_id)
        return True

    @property
    def changed(self):
        """How many memories changed since `take_changed`; those forgotten are among them."""
        return self.table.changed + len(self._forgotten)

    def take_changed(self):
        """Pack the memories that changed since the last call; None for what is forgotten."""
        cdef dict changed = dict.fromkeys(self._forgotten)
        cdef size_t place
        cdef Slot* slot
        self._forgotten.clear()
        if self.table.changed == 0:
            return changed
        for place in range(self.table.mask + 1):
            slot = &self.table.slots[place]
            if slot.user != NULL and slot.is_changed:
                slot.is_changed = False
                changed[_id_of(slot.user)] = _packed(slot.user)
        self.table.changed = 0
        return changed


cdef str _id_of(User* user):
    return PyUnicode_DecodeUTF8(_user_id(user), user.id_length, NULL)
