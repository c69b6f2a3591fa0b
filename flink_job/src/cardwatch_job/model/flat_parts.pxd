# What the models' memories in machine code have in common: hashes of names, what fades, arrays that grow.

from libc.math cimport exp2
from libc.stdlib cimport realloc

ctypedef const unsigned char* Bytes
ctypedef unsigned long long Name  # the hash of one

cdef enum:
    DAY = 86_400_000  # milliseconds


cdef inline Name name_of(Bytes text, size_t length) noexcept nogil:
    # What `names.hash_of` does.
    cdef Name value = 0xCBF29CE484222325ULL
    cdef size_t index
    for index in range(length):
        value = (value ^ text[index]) * 0x100000001B3ULL
    return value


cdef inline double fading(long long age_ms, double half_life_d) noexcept nogil:
    # What `decayed.fading` does.
    return 1.0 if age_ms <= 0 else exp2(-<double>age_ms / (half_life_d * DAY))


cdef inline void* with_room(void* array, unsigned char* room, int count, size_t size) noexcept nogil:
    # Return an array with room for one more than `count`, for 255 at most; NULL: no memory.
    cdef int more
    if count < room[0]:
        return array
    more = min(2 * count + 2, 255)
    array = realloc(array, more * size)
    if array != NULL:
        room[0] = <unsigned char>more
    return array
