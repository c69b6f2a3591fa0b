# The types of history.py in machine code.

cimport cython

cdef class CardState:
    cdef public long long transactions, amounts, amount_sum_minor, last_event_time
    cdef public double last_latitude, last_longitude, latitude_sum, longitude_sum
    cdef public object limit_minor
    cdef public tuple near_limit_times, no_pin_times
    cpdef take(self, long long time_ms, double latitude, double longitude, long long amount_minor)


cdef class UserState:
    cdef public dict cards
    cdef public list recent_ids, recent_times
    cdef public tuple held
    cpdef bint has_seen(self, str transaction_id) except -1
    @cython.locals(ids=list, times=list, expired=Py_ssize_t, oldest_ms=cython.longlong)
    cpdef remember_id(self, str transaction_id, long long event_time)
    cpdef CardState card(self, str card_id)
