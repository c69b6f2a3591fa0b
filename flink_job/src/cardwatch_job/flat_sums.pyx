# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True
"""Partial sums of windows without a Python object for each: what `PartialSums` is, in machine code.

While a backlog is read, the partitions are far apart in event time: hundreds of windows are open at
once, and hardly two transactions in a row belong to the same.

`tests/integration/job/screening.py` holds it against `PartialSums`.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from libc.stdlib cimport calloc, free, realloc
from libc.string cimport memcmp, memcpy, memset

from cardwatch_job.flat_users cimport hash_of, no_memory, write_number

from cardwatch_job.windows import WINDOW_MS

cdef enum:
    TOTAL, BANK, CATEGORY
    FEWEST_PLACES = 256
    NUMBERS = 5

cdef tuple _DIMENSIONS = (b"total", b"bank", b"category")
cdef long long _WINDOW_MS = WINDOW_MS


cdef int _begin(Places* places) except -1:
    places.mask = FEWEST_PLACES - 1
    places.indexes = <unsigned int*>calloc(FEWEST_PLACES, sizeof(unsigned int))
    if places.indexes == NULL:
        raise MemoryError
    return 0


cdef inline void _set(Places* places, unsigned int hash, unsigned int index) noexcept nogil:
    """Note where the one with this hash is, which is not there yet."""
    cdef unsigned int place = hash & places.mask
    while places.indexes[place]:
        place = (place + 1) & places.mask
    places.indexes[place] = index + 1


cdef int _widen(Places* places) except -1 nogil:
    """Make twice the room, all of it free."""
    cdef size_t count = 2 * (<size_t>places.mask + 1)
    cdef unsigned int* indexes = <unsigned int*>calloc(count, sizeof(unsigned int))
    if indexes == NULL:
        no_memory()
    free(places.indexes)
    places.indexes = indexes
    places.mask = <unsigned int>(count - 1)
    return 0


cdef inline void _clear(Places* places) noexcept:
    memset(places.indexes, 0, (<size_t>places.mask + 1) * sizeof(unsigned int))


cdef void* _with_room(void* array, size_t* room, size_t needed, size_t item) except NULL nogil:
    """Return the array, with room for so many items."""
    if needed > room[0]:
        array = realloc(array, 2 * needed * item)
        if array == NULL:
            no_memory()
        room[0] = 2 * needed
    return array


cdef inline char* _write_text(char* at, const char* text, size_t length) noexcept:
    at = write_number(at, length, 4)
    memcpy(at, text, length)
    return at + length


cdef class FlatSums:
    """Adds transactions up until they are taken."""

    def __cinit__(self):
        _begin(&self._label_places)
        _begin(&self._sum_places)

    def __dealloc__(self):
        free(self._labels)
        free(self._sums)
        free(self._text)
        free(self._label_places.indexes)
        free(self._sum_places.indexes)

    def add(self, txn):
        """Add a transaction to its windows."""
        cdef bytes bank = txn.bank_id.encode(), category = txn.merchant_category.encode()
        cdef bytes currency = txn.currency.encode()
        self.add_amount(
            txn.event_time,
            <Bytes>PyBytes_AS_STRING(bank), PyBytes_GET_SIZE(bank),
            <Bytes>PyBytes_AS_STRING(category), PyBytes_GET_SIZE(category),
            <Bytes>PyBytes_AS_STRING(currency), PyBytes_GET_SIZE(currency),
            txn.amount_minor,
        )

    cdef int add_amount(
        self, long long event_time, Bytes bank, size_t bank_length, Bytes category,
        size_t category_length, Bytes currency, size_t currency_length, long long amount_minor
    ) except -1 nogil:
        """Add an amount in total, to its bank and to its merchant category."""
        cdef long long start = event_time - event_time % _WINDOW_MS
        self._add(start, TOTAL, bank, 0, currency, currency_length, amount_minor)
        self._add(start, BANK, bank, bank_length, currency, currency_length, amount_minor)
        self._add(start, CATEGORY, category, category_length, currency, currency_length, amount_minor)
        return 0

    cdef int _add(
        self, long long start, int dimension, Bytes name, size_t name_length, Bytes currency,
        size_t currency_length, long long amount_minor
    ) except -1 nogil:
        cdef long label = self._label_of(dimension, name, name_length, currency, currency_length)
        cdef Sum* sums = self._sum_of(start, <unsigned int>label)
        sums.count += 1
        sums.sum_minor += amount_minor
        sums.min_minor = min(sums.min_minor, amount_minor)
        sums.max_minor = max(sums.max_minor, amount_minor)
        return 0

    cdef long _label_of(
        self, int dimension, Bytes name, size_t name_length, Bytes currency, size_t currency_length
    ) except -1 nogil:
        """Return the number of a label, a new one where it did not have any."""
        cdef unsigned int hash = hash_of(name, name_length) + 31 * hash_of(currency, currency_length)
        cdef unsigned int place, index
        cdef Label* label
        cdef char* text
        hash += <unsigned int>dimension
        place = hash & self._label_places.mask
        while self._label_places.indexes[place]:
            index = self._label_places.indexes[place] - 1
            label = &self._labels[index]
            if label.hash == hash and label.dimension == dimension:
                if label.name_length == name_length and label.currency_length == currency_length:
                    text = self._text + label.at
                    if memcmp(text, name, name_length) == 0:
                        if memcmp(text + name_length, currency, currency_length) == 0:
                            return index
            place = (place + 1) & self._label_places.mask
        with gil:
            return self._new_label(hash, dimension, name[:name_length], currency[:currency_length])

    def _new_label(self, unsigned int hash, int dimension, bytes name, bytes currency):
        cdef bytes text = name + currency
        cdef size_t length = PyBytes_GET_SIZE(text), index
        cdef Label* label
        self._labels = <Label*>_with_room(
            self._labels, &self._label_room, self._label_count + 1, sizeof(Label)
        )
        self._text = <char*>_with_room(
            self._text, &self._text_room, self._text_length + length, 1
        )
        label = &self._labels[self._label_count]
        label.hash, label.dimension = hash, dimension
        label.at = <unsigned int>self._text_length
        label.name_length = <unsigned short>PyBytes_GET_SIZE(name)
        label.currency_length = <unsigned short>PyBytes_GET_SIZE(currency)
        memcpy(self._text + self._text_length, PyBytes_AS_STRING(text), length)
        self._text_length += length
        if 2 * (self._label_count + 1) > self._label_places.mask:
            _widen(&self._label_places)
            for index in range(self._label_count):
                _set(&self._label_places, self._labels[index].hash, <unsigned int>index)
        _set(&self._label_places, hash, <unsigned int>self._label_count)
        self._label_count += 1
        return self._label_count - 1

    cdef Sum* _sum_of(self, long long start, unsigned int label) except NULL nogil:
        """Return what is summed up by a label in the window that begins at `start`."""
        cdef unsigned long long mixed = (<unsigned long long>start * 0x9E3779B97F4A7C15ULL) ^ label
        cdef unsigned int hash, place, index
        cdef Sum* found
        mixed *= 0xD6E8FEB86659FD93ULL
        hash = <unsigned int>(mixed >> 32)
        place = hash & self._sum_places.mask
        while self._sum_places.indexes[place]:
            found = &self._sums[self._sum_places.indexes[place] - 1]
            if found.start == start and found.label == label:
                return found
            place = (place + 1) & self._sum_places.mask
        self._sums = <Sum*>_with_room(
            self._sums, &self._sum_room, self._sum_count + 1, sizeof(Sum)
        )
        if 2 * (self._sum_count + 1) > self._sum_places.mask:
            _widen(&self._sum_places)
            for index in range(self._sum_count):
                _set(&self._sum_places, self._sums[index].hash, index)
        _set(&self._sum_places, hash, <unsigned int>self._sum_count)
        found = &self._sums[self._sum_count]
        self._sum_count += 1
        found.start, found.label, found.hash = start, label, hash
        found.count = found.sum_minor = 0
        found.min_minor, found.max_minor = (1LL << 62), -(1LL << 62)
        return found

    def take_written(self):
        """Return what was added since the last call, as `PartialSums` does."""
        cdef size_t index, size = sizeof(int)
        cdef Label* label
        cdef Sum* sums
        cdef bytes written, dimension
        cdef char* at
        for index in range(self._sum_count):
            label = &self._labels[self._sums[index].label]
            size += NUMBERS * 8 + 3 * 4 + label.name_length + label.currency_length
            size += PyBytes_GET_SIZE(<bytes>_DIMENSIONS[label.dimension])
        written = PyBytes_FromStringAndSize(NULL, size)
        at = write_number(PyBytes_AS_STRING(written), self._sum_count, 4)
        for index in range(self._sum_count):
            sums = &self._sums[index]
            label = &self._labels[sums.label]
            dimension = <bytes>_DIMENSIONS[label.dimension]
            at = write_number(at, sums.start, 8)
            at = write_number(at, sums.count, 8)
            at = write_number(at, sums.sum_minor, 8)
            at = write_number(at, sums.min_minor, 8)
            at = write_number(at, sums.max_minor, 8)
            at = _write_text(at, PyBytes_AS_STRING(dimension), PyBytes_GET_SIZE(dimension))
            at = _write_text(at, self._text + label.at, label.name_length)
            at = _write_text(at, self._text + label.at + label.name_length, label.currency_length)
        self._forget()
        return written

    def _forget(self):
        self._label_count = self._sum_count = self._text_length = 0
        _clear(&self._label_places)
        _clear(&self._sum_places)
