# The types of flat_sums.pyx.

from cardwatch_job.flat_users cimport Bytes


cdef struct Label:
    # A dimension, a name in it and a currency; the texts are in `FlatSums._text`, in this order.
    unsigned int hash, at
    unsigned short name_length, currency_length
    int dimension


cdef struct Sum:
    long long start, count, sum_minor, min_minor, max_minor
    unsigned int hash, label


cdef struct Places:
    # Where what has a hash is in its array: its index and one, 0 where there is nothing.
    unsigned int* indexes
    unsigned int mask


cdef class FlatSums:
    cdef Label* _labels
    cdef Sum* _sums
    cdef char* _text
    cdef Places _label_places, _sum_places
    cdef size_t _label_count, _label_room, _sum_count, _sum_room, _text_length, _text_room

    cdef int add_amount(
        self, long long event_time, Bytes bank, size_t bank_length, Bytes category,
        size_t category_length, Bytes currency, size_t currency_length, long long amount_minor
    ) except -1 nogil
    cdef int _add(
        self, long long start, int dimension, Bytes name, size_t name_length, Bytes currency,
        size_t currency_length, long long amount_minor
    ) except -1 nogil
    cdef long _label_of(
        self, int dimension, Bytes name, size_t name_length, Bytes currency, size_t currency_length
    ) except -1 nogil
    cdef Sum* _sum_of(self, long long start, unsigned int label) except NULL nogil
