# The types of progress.py in machine code.

cdef class Progress:
    cdef dict _latest, _before
    cdef long long _round, _left
    cpdef note(self, int partition, long long event_time)
    cpdef note_many(self, int partition, long long latest_ms, long long transactions)
