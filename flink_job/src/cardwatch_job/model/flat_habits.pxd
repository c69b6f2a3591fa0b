# The layout of flat_habits.pyx, for those who look and learn without the interpreter's lock.

from cardwatch_job.model.flat_merchants cimport Merchant
from cardwatch_job.model.flat_parts cimport Bytes, Name

cdef enum:
    FEATURE_COUNT = 30
    DEVIATIONS_AT = 1  # where the amount's deviations are among the features


cdef struct Paid:
    # What is read of a payment. The amount is in hundreds of minor units.
    Name transaction, merchant, category
    long long at_ms
    double amount, latitude, longitude


cdef struct Held:
    # A payment that waits for an analyst's word, as it is packed.
    Name transaction
    long long at_ms
    double amount
    Name merchant, category
    double latitude, longitude


cdef struct Said:
    # What was said of a payment, as it is packed: the word is when, twice, and one if it was fraud.
    Name transaction
    long long at_ms
    unsigned long long word


cdef struct Mean:
    # What is usual of an amount, or of its logarithm.
    double mean, variance


cdef struct UserNumbers:
    # As they are packed, see `packed_user.py`.
    unsigned char version, merchants, categories, held, heard
    unsigned char gap[3]
    long long seen, payments, last_ms
    double counts[3]
    double totals[3]
    double high, frauds, stolen
    Mean amounts, logarithms
    double latitude, longitude
    unsigned short hours[8]


cdef struct User:
    # Followed by names of merchants and of categories, by visits of both, and by the user id.
    UserNumbers numbers
    Held* held
    Said* heard
    unsigned int id_length
    unsigned char merchants_room, categories_room, held_room, heard_room


cdef struct Slot:
    User* user
    unsigned int hash
    bint is_changed


cdef struct Table:
    # The users of a bucket.
    Slot* slots
    size_t mask, used, changed


# `hash`: of the user id, as `flat_users.hash_of` has it.
cdef Slot* find(Table* table, Bytes id, size_t length, unsigned int hash) noexcept nogil
cdef void fetch_slot(Table* table, unsigned int hash) noexcept nogil
cdef void fetch_user(Table* table, unsigned int hash) noexcept nogil
cdef void look_at(User* user, Merchant* merchant, Paid* paid, float* into) noexcept nogil
cdef double learn_from(
    Table* table, Bytes id, size_t length, unsigned int hash, Paid* paid, bint alerted
) except? -1 nogil


cdef class FlatModelUsers:
    cdef Table table
    cdef set _forgotten
    cdef object _looked_ms

    cdef Slot* _slot(self, str user_id) except NULL
    cdef int _keep(self, str user_id, bytes packed, bint is_changed) except -1
    cdef int _remove(self, str user_id) except -1
