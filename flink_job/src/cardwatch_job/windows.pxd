# The types of windows.py in machine code.

cdef class Sums:
    cdef public long long count, sum_minor, min_minor, max_minor
    cpdef add(self, long long amount_minor)


cdef class PartialSums:
    cdef dict _sums
    cdef public int takes
    cpdef Sums of(self, long long start, str bank_id, str category, str currency)
