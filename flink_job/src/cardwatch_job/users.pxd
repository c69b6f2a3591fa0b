# The types of users.py in machine code.

from cardwatch_job.detectors.history cimport UserState


cdef class UsersOfBucket:
    cdef dict _packed, _users, _changed
    cdef object _forgotten_ms
    cdef public object room
    cpdef UserState load(self, str user_id)
    cpdef store(self, str user_id, UserState user)
