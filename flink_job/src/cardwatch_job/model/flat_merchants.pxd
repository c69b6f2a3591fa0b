# The layout of flat_merchants.pyx, for those who look at merchants without the interpreter's lock.

from cardwatch_job.model.flat_parts cimport Name

cdef enum:
    MERCHANT_FEATURES = 8


cdef struct Judged:
    # What was said of a payment, as it is packed: the word is when, twice, and one if it was fraud.
    Name transaction
    long long at_ms
    unsigned long long word
    double amount_deviations


cdef struct MerchantNumbers:
    # As they are packed, see `packed_merchant.py`.
    unsigned char version, frauds, heard
    unsigned char gap[5]
    long long genuine_since, last_ms, heard_ms
    double short_known, short_bad, long_known, long_bad, explained


cdef struct Merchant:
    MerchantNumbers numbers
    long long* frauds
    Judged* heard
    double* tails  # of a `Suspicion`; there are none where no fraud is known
    long long first_day, last_day, last_genuine_day
    int tail_count
    Merchant* older  # heard of before it, and after it
    Merchant* newer
    Name name
    unsigned char frauds_room, heard_room


cdef class FlatMerchants:
    cdef Merchant** _places
    cdef size_t _mask, _used, _most
    cdef Merchant* _oldest
    cdef Merchant* _newest
    cdef set _changed

    cdef Merchant* known(self, Name name) noexcept nogil
    cdef size_t _place_of(self, Name name) noexcept nogil
    cdef Merchant* _introduce(self, Name name) except NULL
    cdef int _grow(self) except -1
    cdef int _unlink(self, Merchant* merchant) noexcept
    cdef int _link(self, Merchant* merchant) noexcept
    cdef int _remove(self, Merchant* merchant) except -1
    cdef int _restore(self, Name name, bytes packed) except -1


cdef void look_at_merchant(Merchant* merchant, long long now_ms, float* into) noexcept nogil
