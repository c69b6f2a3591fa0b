# The layout of flat_merchants.pyx, for those who look at merchants without the interpreter's lock.

from cardwatch_job.model.flat_parts cimport Name, Said


cdef struct MerchantNumbers:
    # As they are packed, see `packed.py`.
    unsigned char version, frauds, heard
    unsigned char gap[5]
    long long genuine_since, last_ms, heard_ms
    double short_known, short_bad, long_known, long_bad, explained


cdef struct Merchant:
    MerchantNumbers numbers
    long long* frauds
    Said* heard
    Merchant* older  # heard of before it, and after it
    Merchant* newer
    Name name
    unsigned char frauds_room, heard_room


cdef enum:
    MERCHANT_FEATURES = 7


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
