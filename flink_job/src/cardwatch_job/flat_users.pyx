# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True
"""The users' memories of one bucket without a Python object in them.

A user is one piece of memory: what is known of the user's cards and the ids of the latest
transactions, as `flat_users.pxd` lays them out. The screen reads and changes it in place; the judge
gets a `UserState` of it and gives that back. What goes to Flink's state is the same as from
`UsersOfBucket`, byte by byte.

`tests/integration/job/flat.py` holds it against `UsersOfBucket`.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.unicode cimport PyUnicode_DecodeUTF8
from libc.stdlib cimport calloc, free, malloc, realloc
from libc.string cimport memcmp, memcpy, memset

from cardwatch_job.detectors.history cimport CardState, UserState

from secrets import randbits

from cardwatch_job.detectors.history import (
    DUPLICATES_WITHIN_MS,
    FORGET_EVERY_MS,
    MAX_RECENT_IDS,
    MAX_WINDOW_ENTRIES,
    _MAX_SUM_MINOR,
    decode_user,
    encode_user,
)
from cardwatch_job.detectors.stored import SCHEMA_VERSION
from cardwatch_job.waiting import WaitingRoom

cdef extern from *:
    """
    #define fetch_ahead(address) __builtin_prefetch(address, 1)
    """
    void fetch_ahead(void* address) noexcept nogil

cdef unsigned long long _SEED = randbits(64)  # nobody can choose ids that fall into one place
cdef long long _RECENT_MS = DUPLICATES_WITHIN_MS
cdef int _MAX_RECENT = MAX_RECENT_IDS
cdef int _MAX_TIMES = MAX_WINDOW_ENTRIES
cdef long long _MAX_SUM = _MAX_SUM_MINOR
cdef int _VERSION = SCHEMA_VERSION
cdef enum:
    FEWEST_SLOTS = 16
    LINE = 64  # bytes of memory that come at once


cdef int no_memory() except -1 nogil:
    """Say so, from where the interpreter's lock is not held."""
    with gil:
        raise MemoryError


cdef inline unsigned long long _mixed(unsigned long long value) noexcept nogil:
    value *= 0x9E3779B97F4A7C15ULL
    return value ^ (value >> 32)


cdef unsigned int hash_of(Bytes id, size_t length) noexcept nogil:
    """Return the hash of a user id."""
    cdef unsigned long long value = _SEED ^ length, part
    while length >= 8:
        memcpy(&part, id, 8)
        value = _mixed(value ^ part)
        id += 8
        length -= 8
    part = 0
    memcpy(&part, id, length)
    return <unsigned int>_mixed(_mixed(value ^ part))


cdef inline char* _user_id(User* user) noexcept nogil:
    return <char*>user + sizeof(User)


cdef inline char* _card_id(Card* card) noexcept nogil:
    return <char*>(no_pin_times(card) + card.no_pin_count)


cdef inline char* _text_of(RecentId* recent) noexcept nogil:
    return <char*>recent + sizeof(RecentId)


cdef inline RecentId* _next_recent(RecentId* recent) noexcept nogil:
    return <RecentId*>(<char*>recent + recent.size)


cdef RecentId* _first_recent(User* user) noexcept nogil:
    cdef Card* card = first_card(user)
    cdef int index
    for index in range(user.cards):
        card = next_card(card)
    return <RecentId*>card


cdef Card* card_of(User* user, Bytes id, size_t length) noexcept nogil:
    """Return a user's card, NULL where it is new."""
    cdef Card* card = first_card(user)
    cdef int index
    for index in range(user.cards):
        if card.id_length == length and memcmp(_card_id(card), id, length) == 0:
            return card
        card = next_card(card)
    return NULL


cdef bint has_recent(User* user, Bytes id, size_t length) noexcept nogil:
    """Whether a transaction is among the latest ones."""
    cdef RecentId* recent = _first_recent(user)
    cdef int index
    for index in range(user.recent_ids):
        if recent.length == length and memcmp(_text_of(recent), id, length) == 0:
            return True
        recent = _next_recent(recent)
    return False


cdef void _take(Card* card, Lesson* lesson) noexcept nogil:
    """Do what `CardState.take` does."""
    if not card.transactions or lesson.event_time >= card.last_event_time:
        card.last_event_time = lesson.event_time
        card.last_latitude = lesson.latitude
        card.last_longitude = lesson.longitude
    card.transactions += 1
    card.latitude_sum += lesson.latitude
    card.longitude_sum += lesson.longitude
    if lesson.amount_minor > 0:
        if card.amount_sum_minor > _MAX_SUM:
            card.amount_sum_minor //= 2
            card.amounts //= 2
        card.amounts += 1
        card.amount_sum_minor += lesson.amount_minor


cdef int _remembered(long long* times, int count, long long now_ms, long long window_ms, long long* into) noexcept nogil:
    """Write the times that still count, and now, which is the latest; return how many they are."""
    cdef int expired = 0, kept
    if window_ms < 0:
        memcpy(into, times, count * sizeof(long long))
        return count
    while expired < count and times[expired] <= now_ms - window_ms:
        expired += 1
    expired = max(expired, count + 1 - _MAX_TIMES)
    kept = count - expired
    memcpy(into, times + expired, kept * sizeof(long long))
    into[kept] = now_ms
    return kept + 1


cdef char* _put_text(char* at, Bytes text, size_t length) noexcept nogil:
    """Write a text and zeros up to where the next number may begin; return where that is."""
    cdef size_t room = padded(length)
    if room > length:
        memset(at + room - 8, 0, 8)
    memcpy(at, text, length)
    return at + room


cdef char* _put_card(char* at, CardState card, bytes card_id) except NULL:
    cdef Card* new = <Card*>at
    cdef long long time_ms
    new.transactions = card.transactions
    new.amounts = card.amounts
    new.amount_sum_minor = card.amount_sum_minor
    new.last_event_time = card.last_event_time
    new.last_latitude = card.last_latitude
    new.last_longitude = card.last_longitude
    new.latitude_sum = card.latitude_sum
    new.longitude_sum = card.longitude_sum
    new.has_limit = card.limit_minor is not None
    new.limit_minor = card.limit_minor if new.has_limit else 0
    new.id_length = <unsigned short>PyBytes_GET_SIZE(card_id)
    new.near_limit_count = <unsigned short>len(card.near_limit_times)
    new.no_pin_count = <unsigned short>len(card.no_pin_times)
    cdef long long* times = near_limit_times(new)
    for time_ms in card.near_limit_times:
        times[0] = time_ms
        times += 1
    for time_ms in card.no_pin_times:
        times[0] = time_ms
        times += 1
    at = _put_text(<char*>times, <Bytes>PyBytes_AS_STRING(card_id), new.id_length)
    new.size = <unsigned int>(at - <char*>new)
    return at


cdef char* _put_recent(char* at, long long event_time, Bytes id, unsigned int length) noexcept nogil:
    cdef RecentId* recent = <RecentId*>at
    recent.event_time = event_time
    recent.length = length
    at = _put_text(at + sizeof(RecentId), id, length)
    recent.size = <unsigned int>(at - <char*>recent)
    return at


cdef object card_state(Card* card):
    """Return what is known of a card as the detectors want it."""
    cdef CardState state = CardState.__new__(CardState)
    cdef long long* times = near_limit_times(card)
    cdef int index
    state.transactions = card.transactions
    state.amounts = card.amounts
    state.amount_sum_minor = card.amount_sum_minor
    state.last_event_time = card.last_event_time
    state.last_latitude = card.last_latitude
    state.last_longitude = card.last_longitude
    state.latitude_sum = card.latitude_sum
    state.longitude_sum = card.longitude_sum
    state.limit_minor = card.limit_minor if card.has_limit else None
    state.near_limit_times = tuple([times[index] for index in range(card.near_limit_count)])
    times = no_pin_times(card)
    state.no_pin_times = tuple([times[index] for index in range(card.no_pin_count)])
    return state


# A user in MessagePack, as msgspec writes a `StoredUser`.


cdef inline char* _pack_byte(char* at, int byte) noexcept:
    (<unsigned char*>at)[0] = <unsigned char>byte
    return at + 1


cdef char* _pack_int(char* at, long long number) noexcept:
    if -32 <= number < 128:
        return _pack_byte(at, <int>(number & 0xFF))
    if number > 0:
        if number < 1 << 8:
            return write_number(_pack_byte(at, 0xCC), number, 1)
        if number < 1 << 16:
            return write_number(_pack_byte(at, 0xCD), number, 2)
        if number < 1LL << 32:
            return write_number(_pack_byte(at, 0xCE), number, 4)
        return write_number(_pack_byte(at, 0xCF), number, 8)
    if number >= -(1 << 7):
        return write_number(_pack_byte(at, 0xD0), number, 1)
    if number >= -(1 << 15):
        return write_number(_pack_byte(at, 0xD1), number, 2)
    if number >= -(1LL << 31):
        return write_number(_pack_byte(at, 0xD2), number, 4)
    return write_number(_pack_byte(at, 0xD3), number, 8)


cdef inline char* _pack_float(char* at, double number) noexcept:
    cdef unsigned long long bits
    memcpy(&bits, &number, 8)
    return write_number(_pack_byte(at, 0xCB), bits, 8)


cdef char* _pack_text(char* at, char* text, size_t length) noexcept:
    if length < 32:
        at = _pack_byte(at, 0xA0 | <int>length)
    elif length < 1 << 8:
        at = write_number(_pack_byte(at, 0xD9), length, 1)
    elif length < 1 << 16:
        at = write_number(_pack_byte(at, 0xDA), length, 2)
    else:
        at = write_number(_pack_byte(at, 0xDB), length, 4)
    memcpy(at, text, length)
    return at + length


cdef inline char* _pack_count(char* at, int few, int many, int count) noexcept:
    """Begin an array or a map of so many; `few` and `many` are the marks of which it is."""
    if count < 16:
        return _pack_byte(at, few | count)
    return write_number(_pack_byte(at, many), count, 2)


cdef inline char* _pack_array(char* at, int count) noexcept:
    return _pack_count(at, 0x90, 0xDC, count)


cdef char* _pack_times(char* at, long long* times, int count) noexcept:
    cdef int index
    at = _pack_array(at, count)
    for index in range(count):
        at = _pack_int(at, times[index])
    return at


cdef char* _pack_card(char* at, Card* card) noexcept:
    at = _pack_text(at, _card_id(card), card.id_length)
    at = _pack_array(at, 11)
    at = _pack_int(at, card.transactions)
    at = _pack_int(at, card.amounts)
    at = _pack_int(at, card.amount_sum_minor)
    at = _pack_int(at, card.last_event_time)
    at = _pack_float(at, card.last_latitude)
    at = _pack_float(at, card.last_longitude)
    at = _pack_float(at, card.latitude_sum)
    at = _pack_float(at, card.longitude_sum)
    if card.has_limit:
        at = _pack_int(at, card.limit_minor)
    else:
        at = _pack_byte(at, 0xC0)
    at = _pack_times(at, near_limit_times(card), card.near_limit_count)
    return _pack_times(at, no_pin_times(card), card.no_pin_count)


cdef char* _pack_user(char* at, User* user) noexcept:
    cdef Card* card = first_card(user)
    cdef RecentId* first
    cdef RecentId* recent
    cdef int index
    at = _pack_int(_pack_array(at, 5), _VERSION)
    at = _pack_count(at, 0x80, 0xDE, user.cards)
    for index in range(user.cards):
        at = _pack_card(at, card)
        card = next_card(card)
    first = recent = <RecentId*>card
    at = _pack_array(at, user.recent_ids)
    for index in range(user.recent_ids):
        at = _pack_text(at, _text_of(recent), recent.length)
        recent = _next_recent(recent)
    at = _pack_array(at, user.recent_ids)
    for index in range(user.recent_ids):
        at = _pack_int(at, first.event_time)
        first = _next_recent(first)
    return _pack_array(at, 0)


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
    if user != NULL:
        fetch_ahead(user)
        fetch_ahead(user + LINE)
        fetch_ahead(user + 2 * LINE)
        fetch_ahead(user + 3 * LINE)


cdef Card* introduce(
    Table* table, Bytes id, size_t length, unsigned int hash, Bytes card_id, size_t card_id_length
) except NULL nogil:
    """Begin to remember a card, and its user where that is new; return the card."""
    cdef Slot* slot = find(table, id, length, hash)
    cdef User* user = slot.user
    cdef size_t before
    cdef char* new
    cdef char* rest
    cdef char* at
    cdef Card* card
    if user == NULL:
        new = _space(table, sizeof(User) + padded(length) + sizeof(Card) + padded(card_id_length))
        memset(new, 0, sizeof(User))
        (<User*>new).id_length = <unsigned short>length
        at = _put_text(new + sizeof(User), id, length)
        rest, before = NULL, 0
        slot = _new_slot(table, id, length, hash)
    else:
        new = _space(table, user.size + sizeof(Card) + padded(card_id_length))
        rest = <char*>_first_recent(user)
        before = rest - <char*>user
        memcpy(new, user, before)
        before = user.size - before
        at = new + (rest - <char*>user)
    card = <Card*>at
    memset(card, 0, sizeof(Card))
    card.id_length = <unsigned short>card_id_length
    at = _put_text(at + sizeof(Card), card_id, card_id_length)
    card.size = <unsigned int>(at - <char*>card)
    memcpy(at, rest, before)
    at += before
    user = <User*>new
    user.cards += 1
    user.size = <unsigned int>(at - new)
    _keep(table, slot, new)
    return <Card*>(<char*>slot.user + (<char*>card - new))


cdef Slot* _new_slot(Table* table, Bytes id, size_t length, unsigned int hash) except NULL nogil:
    """Return the place for a user who is not there."""
    cdef Slot* slot
    _grow(table)
    slot = find(table, id, length, hash)
    slot.hash = hash
    table.used += 1
    return slot


cdef Card* learn(Table* table, Slot* slot, Card* card, Lesson* lesson) except NULL nogil:
    """Take in a transaction of a card, not older than the card's latest; return the card."""
    cdef User* user = slot.user
    cdef char* old = <char*>user
    cdef char* new = _space(table, user.size + 2 * sizeof(long long) + sizeof(RecentId) + padded(lesson.transaction_id_length))
    cdef size_t before = <char*>card - old
    cdef Card* taught = <Card*>(new + before)
    cdef long long* times = near_limit_times(taught)
    cdef char* at
    cdef char* rest
    cdef RecentId* recent
    cdef int expired = 0, count = user.recent_ids
    memcpy(new, old, before + sizeof(Card))
    _take(taught, lesson)
    taught.near_limit_count = <unsigned short>_remembered(
        near_limit_times(card), card.near_limit_count, lesson.event_time, lesson.near_limit_window_ms, times
    )
    times += taught.near_limit_count
    taught.no_pin_count = <unsigned short>_remembered(
        no_pin_times(card), card.no_pin_count, lesson.event_time, lesson.no_pin_window_ms, times
    )
    times += taught.no_pin_count
    at = _put_text(<char*>times, <Bytes>_card_id(card), card.id_length)
    taught.size = <unsigned int>(at - <char*>taught)
    recent = _first_recent(user)
    rest = <char*>next_card(card)
    memcpy(at, rest, <char*>recent - rest)  # the cards behind it
    at += <char*>recent - rest
    while expired < count and (
        expired <= count - _MAX_RECENT or recent.event_time < lesson.event_time - _RECENT_MS
    ):
        recent = _next_recent(recent)
        expired += 1
    memcpy(at, recent, old + user.size - <char*>recent)
    at += old + user.size - <char*>recent
    at = _put_recent(at, lesson.event_time, lesson.transaction_id, lesson.transaction_id_length)
    user = <User*>new
    user.recent_ids = <unsigned short>(count - expired + 1)
    user.size = <unsigned int>(at - new)
    _keep(table, slot, new)
    return <Card*>(<char*>slot.user + before)


cdef int _keep(Table* table, Slot* slot, char* new) except -1 nogil:
    """Put a user in the place of what was there."""
    cdef User* user = slot.user
    cdef unsigned int size = (<User*>new).size, room
    room = 0 if user == NULL else user.room
    if size > room:
        room = (size + LINE - 1) & ~(LINE - 1)
        user = <User*>realloc(user, room)
        if user == NULL:
            no_memory()
        slot.user = user
    (<User*>new).room = room
    memcpy(user, new, size)
    if not slot.is_changed:
        slot.is_changed = True
        table.changed += 1
    return 0


cdef int _grow(Table* table) except -1 nogil:
    """Make room for another user."""
    cdef size_t count = table.mask + 1, place, free_place, mask
    cdef Slot* slots
    if 2 * (table.used + 1) <= count:
        return 0
    slots = <Slot*>calloc(2 * count, sizeof(Slot))
    if slots == NULL:
        no_memory()
    mask = 2 * count - 1
    for place in range(count):
        if table.slots[place].user != NULL:
            free_place = table.slots[place].hash & mask
            while slots[free_place].user != NULL:
                free_place = (free_place + 1) & mask
            slots[free_place] = table.slots[place]
    free(table.slots)
    table.slots = slots
    table.mask = mask
    return 0


cdef char* _space(Table* table, size_t size) except NULL nogil:
    """Return memory to write into, until the next call."""
    if size > table.scratch_room:
        free(table.scratch)
        table.scratch_room = 0
        table.scratch = <char*>malloc(2 * size)
        if table.scratch == NULL:
            no_memory()
        table.scratch_room = 2 * size
    return table.scratch


cdef inline str _decoded(char* text, Py_ssize_t length):
    return PyUnicode_DecodeUTF8(text, length, NULL)


cdef class FlatUsers:
    """The memories of one bucket's users: what `UsersOfBucket` is, in machine code."""

    def __cinit__(self):
        self.table.slots = <Slot*>calloc(FEWEST_SLOTS, sizeof(Slot))
        if self.table.slots == NULL:
            raise MemoryError
        self.table.mask = FEWEST_SLOTS - 1
        self._held = {}

    def __init__(self, packed, *, waits=False):
        """Begin with `packed`; `waits`: some may hold transactions that wait."""
        for user_id, memory in packed.items():
            self.store(user_id, decode_user(memory))
        self._forget_changes()
        self._forgotten_ms = None
        self.room = WaitingRoom((user_id, self.load(user_id)) for user_id in packed if waits)

    def __dealloc__(self):
        cdef size_t place
        for place in range(self.table.mask + 1):
            free(self.table.slots[place].user)
        free(self.table.slots)
        free(self.table.scratch)

    def __len__(self):
        return self.table.used

    cdef int _remove(self, bytes id) except -1:
        """Forget a user who is there, and close the gap."""
        cdef Bytes text = <Bytes>PyBytes_AS_STRING(id)
        cdef size_t length = PyBytes_GET_SIZE(id)
        cdef size_t gap = find(&self.table, text, length, hash_of(text, length)) - self.table.slots
        cdef size_t place = gap, home
        free(self.table.slots[gap].user)
        self.table.used -= 1
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

    cpdef load(self, str user_id):
        """Return a user's memory, an empty one where the user is new."""
        cdef bytes id = user_id.encode()
        cdef Bytes text = <Bytes>PyBytes_AS_STRING(id)
        cdef size_t length = PyBytes_GET_SIZE(id)
        cdef User* flat = find(&self.table, text, length, hash_of(text, length)).user
        cdef UserState user = UserState()
        cdef Card* card
        cdef RecentId* recent
        cdef int index
        if flat == NULL:
            return user
        card = first_card(flat)
        for index in range(flat.cards):
            user.cards[_decoded(_card_id(card), card.id_length)] = card_state(card)
            card = next_card(card)
        recent = <RecentId*>card
        for index in range(flat.recent_ids):
            user.recent_ids.append(_decoded(_text_of(recent), recent.length))
            user.recent_times.append(recent.event_time)
            recent = _next_recent(recent)
        if flat.has_held:
            user.held = self._held[user_id]
        return user

    cpdef store(self, str user_id, user):
        """Keep a user's memory."""
        cdef UserState state = user
        cdef bytes id = user_id.encode()
        cdef Bytes text = <Bytes>PyBytes_AS_STRING(id)
        cdef size_t length = PyBytes_GET_SIZE(id), size = sizeof(User) + padded(length)
        cdef unsigned int hash = hash_of(text, length)
        cdef list cards = [(card_id.encode(), card) for card_id, card in state.cards.items()]
        cdef list ids = [recent_id.encode() for recent_id in state.recent_ids]
        cdef Slot* slot
        cdef User* new
        cdef CardState card
        cdef bytes part
        cdef char* at
        cdef Py_ssize_t index
        for part, card in cards:
            size += sizeof(Card) + padded(PyBytes_GET_SIZE(part))
            size += 8 * (len(card.near_limit_times) + len(card.no_pin_times))
        for part in ids:
            size += sizeof(RecentId) + padded(PyBytes_GET_SIZE(part))
        at = _space(&self.table, size)
        new = <User*>at
        new.id_length = <unsigned short>length
        new.cards = <unsigned short>len(cards)
        new.recent_ids = <unsigned short>len(ids)
        new.has_held = bool(state.held)
        at = _put_text(at + sizeof(User), text, length)
        for part, card in cards:
            at = _put_card(at, card, part)
        for index in range(len(ids)):
            part = ids[index]
            at = _put_recent(at, state.recent_times[index], <Bytes>PyBytes_AS_STRING(part), <unsigned int>PyBytes_GET_SIZE(part))
        new.size = <unsigned int>(at - <char*>new)
        slot = find(&self.table, text, length, hash)
        if slot.user == NULL:
            slot = _new_slot(&self.table, text, length, hash)
        _keep(&self.table, slot, <char*>new)
        if state.held:
            self._held[user_id] = state.held
        else:
            self._held.pop(user_id, None)

    @property
    def changed(self):
        """How many memories changed since `take_changed`."""
        return self.table.changed

    def take_changed(self):
        """Pack the memories that changed since the last call; None for what is forgotten."""
        cdef dict changed = {}
        cdef size_t place
        cdef User* user
        cdef str user_id
        if self.table.changed == 0:
            return changed
        for place in range(self.table.mask + 1):
            if not self.table.slots[place].is_changed:
                continue
            self.table.slots[place].is_changed = False
            user = self.table.slots[place].user
            user_id = _decoded(_user_id(user), user.id_length)
            changed[user_id] = self._packed(user_id, user)
        self.table.changed = 0
        for user_id, packed in changed.items():
            if packed is None:
                self._remove(user_id.encode())
        return changed

    cdef _packed(self, str user_id, User* user):
        """Return a user's memory for keyed state; None where nothing is left to remember."""
        cdef char* start
        cdef char* end
        if user.has_held:
            return encode_user(self.load(user_id))
        if user.cards == 0:
            return None
        # No part of it takes twice the room when it is packed.
        start = _space(&self.table, 2 * user.size)
        end = _pack_user(start, user)
        return PyBytes_FromStringAndSize(start, end - start)

    def _forget_changes(self):
        cdef size_t place
        for place in range(self.table.mask + 1):
            self.table.slots[place].is_changed = False
        self.table.changed = 0

    def forget_before(self, time_ms):
        """Forget the cards whose latest transaction is older; looks once a day of event time.

        Returns:
            Whether it looked.
        """
        cdef size_t place
        cdef User* user
        if self._forgotten_ms is None:
            self._forgotten_ms = time_ms
        if time_ms - self._forgotten_ms < FORGET_EVERY_MS:
            return False
        self._forgotten_ms = time_ms
        for place in range(self.table.mask + 1):
            user = self.table.slots[place].user
            if user != NULL and _has_idle(user, time_ms):
                user_id = _decoded(_user_id(user), user.id_length)
                state = self.load(user_id)
                state.forget_before(time_ms)
                self.store(user_id, state)
        return True


cdef bint _has_idle(User* user, long long before_ms) noexcept:
    cdef Card* card = first_card(user)
    cdef int index
    for index in range(user.cards):
        if card.transactions and card.last_event_time < before_ms:
            return True
        card = next_card(card)
    return False
