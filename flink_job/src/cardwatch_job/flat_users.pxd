# The layout of flat_users.pyx, for the screen that works on it.

from libc.string cimport memcpy

ctypedef const unsigned char* Bytes

cdef extern from *:
    """
    static unsigned long long big_endian(unsigned long long number) {
        return __builtin_bswap64(number);
    }
    """
    unsigned long long big_endian(unsigned long long number) noexcept nogil


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


cdef struct Table:
    # The users of a bucket.
    Slot* slots
    size_t mask, used, changed, scratch_room
    char* scratch


cdef struct Lesson:
    # What a transaction teaches. A window is -1 where the transaction does not count in it.
    long long event_time, amount_minor, near_limit_window_ms, no_pin_window_ms
    double latitude, longitude
    Bytes transaction_id
    unsigned int transaction_id_length


cdef int no_memory() except -1 nogil
cdef unsigned int hash_of(Bytes id, size_t length) noexcept nogil
cdef Card* card_of(User* user, Bytes id, size_t length) noexcept nogil
cdef bint has_recent(User* user, Bytes id, size_t length) noexcept nogil
cdef object card_state(Card* card)
cdef Slot* find(Table* table, Bytes id, size_t length, unsigned int hash) noexcept nogil
cdef void fetch_slot(Table* table, unsigned int hash) noexcept nogil
cdef void fetch_user(Table* table, unsigned int hash) noexcept nogil
cdef Card* introduce(
    Table* table, Bytes id, size_t length, unsigned int hash, Bytes card_id, size_t card_id_length
) except NULL nogil
cdef Card* learn(Table* table, Slot* slot, Card* card, Lesson* lesson) except NULL nogil


cdef inline char* write_number(char* at, unsigned long long number, int count) noexcept nogil:
    # Write the last bytes of a number, the highest first; return where they end.
    number = big_endian(number)
    memcpy(at, <char*>&number + 8 - count, count)
    return at + count


cdef inline size_t padded(size_t length) noexcept nogil:
    # How much room a text takes, so that a number may come behind it.
    return (length + 7) & ~<size_t>7


cdef inline Card* first_card(User* user) noexcept nogil:
    return <Card*>(<char*>user + sizeof(User) + padded(user.id_length))


cdef inline Card* next_card(Card* card) noexcept nogil:
    return <Card*>(<char*>card + card.size)


cdef inline long long* near_limit_times(Card* card) noexcept nogil:
    return <long long*>(<char*>card + sizeof(Card))


cdef inline long long* no_pin_times(Card* card) noexcept nogil:
    return near_limit_times(card) + card.near_limit_count


cdef class FlatUsers:
    cdef Table table
    cdef dict _held
    cdef object _forgotten_ms
    cdef public object room
    cdef public object habits

    cdef int _remove(self, bytes id) except -1
    cdef _packed(self, str user_id, User* user)
    cpdef load(self, str user_id)
    cpdef store(self, str user_id, user)
