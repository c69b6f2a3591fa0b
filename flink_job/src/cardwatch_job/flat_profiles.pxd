# How cards' profiles are written, for the screen that settles their transactions.

from cardwatch_job.flat_users cimport Bytes, Card


cdef struct Span:
    # A part of a text.
    Bytes start
    int length


cdef struct Written:
    # Records for Kafka, as they go back to the JVM.
    char* data
    Py_ssize_t length, room
    int count


cdef char* put_int(char* at, long long number) noexcept nogil


cdef int write_profile(
    Written* written, Card* card, Span card_id, Span user_id, Span latitude, Span longitude
) except -1 nogil
