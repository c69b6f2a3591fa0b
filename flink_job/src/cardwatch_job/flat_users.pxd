# The layout of flat_users.pyx, for the screen that works on it.

from libc.string cimport memcpy

ctypedef const unsigned char* Bytes

cdef extern from *:
    """
    static unsigned long long big_endian(unsigned long long number) {
        return __builtin_bswap64(number);
    }
    """
    unsigned long long big_endian(unsigned long long number) noexcept


cdef struct Card:
    # Followed by the times, near the limit and without PIN, and the card id.
    long long transactions, amounts, amount_sum_minor, last_event_time, limit_minor
    double last_latitude, last_longitude, latitude_sum, longitude_sum
    unsigned int size
    unsigned short id_length, near_limit_count, no_pin_count, has_limit


cdef struct RecentId:
    # Followed by the transaction id.
    long long event_time
    unsigned int size
    unsigned int length


cdef struct User:
    # Followed by the user id, the cards and the ids of recent transactions, oldest first.
    unsigned int size, room
    unsigned short id_length, cards, recent_ids, has_held


cdef struct Slot:
    User* user
    unsigned int hash
    bint is_changed


cdef struct Lesson:
    # What a transaction teaches. A window is -1 where the transaction does not count in it.
    long long event_time, amount_minor, near_limit_window_ms, no_pin_window_ms
    double latitude, longitude
    Bytes transaction_id
    unsigned int transaction_id_length


cdef unsigned int hash_of(Bytes id, size_t length) noexcept
cdef Card* card_of(User* user, Bytes id, size_t length) noexcept
cdef bint has_recent(User* user, Bytes id, size_t length) noexcept
cdef object card_state(Card* card)


cdef inline char* write_number(char* at, unsigned long long number, int count) noexcept:
    # Write the last bytes of a number, the highest first; return where they end.
    number = big_endian(number)
    memcpy(at, <char*>&number + 8 - count, count)
    return at + count


cdef inline size_t padded(size_t length) noexcept:
    # How much room a text takes, so that a number may come behind it.
    return (length + 7) & ~<size_t>7


cdef inline Card* first_card(User* user) noexcept:
    return <Card*>(<char*>user + sizeof(User) + padded(user.id_length))


cdef inline Card* next_card(Card* card) noexcept:
    return <Card*>(<char*>card + card.size)


cdef inline long long* near_limit_times(Card* card) noexcept:
    return <long long*>(<char*>card + sizeof(Card))


cdef inline long long* no_pin_times(Card* card) noexcept:
    return near_limit_times(card) + card.near_limit_count


cdef class FlatUsers:
    cdef Slot* _slots
    cdef size_t _mask, _used, _changed, _scratch_room
    cdef char* _scratch
    cdef dict _held
    cdef object _forgotten_ms
    cdef public object room

    cdef Slot* find(self, Bytes id, size_t length, unsigned int hash) noexcept
    cdef void fetch_slot(self, unsigned int hash) noexcept
    cdef void fetch_user(self, unsigned int hash) noexcept
    cdef Card* introduce(
        self, Bytes id, size_t length, unsigned int hash, Bytes card_id, size_t card_id_length
    ) except NULL
    cdef Card* learn(self, Slot* slot, Card* card, Lesson* lesson) except NULL
    cdef _keep(self, Slot* slot, char* new)
    cdef Slot* _new_slot(self, Bytes id, size_t length, unsigned int hash) except NULL
    cdef int _grow(self) except -1
    cdef int _remove(self, bytes id) except -1
    cdef char* _space(self, size_t size) except NULL
    cdef _packed(self, str user_id, User* user)
    cpdef load(self, str user_id)
    cpdef store(self, str user_id, user)
