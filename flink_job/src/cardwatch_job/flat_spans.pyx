# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True
"""Writes the spans of judged transactions: what `JudgedBatch` does without it, in machine code.

`tests/integration/job/spans_alike.py` holds it against that.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.mem cimport PyMem_Free, PyMem_Realloc
from libc.stdint cimport uint64_t
from libc.string cimport memcpy

from cardwatch_job.flat_profiles cimport put_int

from cardwatch_contracts.spans import quoted
from cardwatch_contracts.trace_context import TraceContext
from cardwatch_job.span_forms import ALERT, alerted_form, finding_form, ids_of, sampled_form

cdef extern from "Python.h":
    const char* PyUnicode_AsUTF8AndSize(object text, Py_ssize_t* length) except NULL
    char* PyOS_double_to_string(double, char, int, int, int*) except NULL

cdef extern from *:
    """
    #include <stdint.h>
    #include <string.h>

    /* BLAKE2b of at most one block, 8 bytes long, no key: https://www.rfc-editor.org/rfc/rfc7693 */
    static const uint64_t blake2b_iv[8] = {
        0x6a09e667f3bcc908ULL, 0xbb67ae8584caa73bULL, 0x3c6ef372fe94f82bULL, 0xa54ff53a5f1d36f1ULL,
        0x510e527fade682d1ULL, 0x9b05688c2b3e6c1fULL, 0x1f83d9abfb41bd6bULL, 0x5be0cd19137e2179ULL};
    static const uint8_t blake2b_sigma[12][16] = {
        {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15},
        {14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3},
        {11, 8, 12, 0, 5, 2, 15, 13, 10, 14, 3, 6, 7, 1, 9, 4},
        {7, 9, 3, 1, 13, 12, 11, 14, 2, 6, 5, 10, 4, 0, 15, 8},
        {9, 0, 5, 7, 2, 4, 10, 15, 14, 1, 11, 12, 6, 8, 3, 13},
        {2, 12, 6, 10, 0, 11, 8, 3, 4, 13, 7, 5, 15, 14, 1, 9},
        {12, 5, 1, 15, 14, 13, 4, 10, 0, 7, 6, 3, 9, 2, 8, 11},
        {13, 11, 7, 14, 12, 1, 3, 9, 5, 0, 15, 4, 8, 6, 2, 10},
        {6, 15, 14, 9, 11, 3, 0, 8, 12, 2, 13, 7, 1, 4, 10, 5},
        {10, 2, 8, 4, 7, 6, 1, 5, 15, 11, 9, 14, 3, 12, 13, 0},
        {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15},
        {14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3}};

    #define BLAKE2B_TURN(x, n) (((x) >> (n)) | ((x) << (64 - (n))))
    #define BLAKE2B_MIX(a, b, c, d, x, y) do { \\
        v[a] += v[b] + (x); v[d] = BLAKE2B_TURN(v[d] ^ v[a], 32); \\
        v[c] += v[d];       v[b] = BLAKE2B_TURN(v[b] ^ v[c], 24); \\
        v[a] += v[b] + (y); v[d] = BLAKE2B_TURN(v[d] ^ v[a], 16); \\
        v[c] += v[d];       v[b] = BLAKE2B_TURN(v[b] ^ v[c], 63); } while (0)

    /* `block` is 128 bytes, zero behind `length`. The digest's first byte is the lowest. */
    static uint64_t blake2b_8(const uint8_t *block, uint64_t length) {
        uint64_t m[16], v[16];
        int i;
        for (i = 0; i < 16; i++) {
            int j;
            for (m[i] = 0, j = 7; j >= 0; j--) m[i] = m[i] << 8 | block[8 * i + j];
        }
        for (i = 0; i < 8; i++) v[i] = v[i + 8] = blake2b_iv[i];
        v[0] ^= 0x01010000 ^ 8;
        v[12] ^= length;
        v[14] = ~v[14];
        for (i = 0; i < 12; i++) {
            const uint8_t *s = blake2b_sigma[i];
            BLAKE2B_MIX(0, 4, 8, 12, m[s[0]], m[s[1]]);
            BLAKE2B_MIX(1, 5, 9, 13, m[s[2]], m[s[3]]);
            BLAKE2B_MIX(2, 6, 10, 14, m[s[4]], m[s[5]]);
            BLAKE2B_MIX(3, 7, 11, 15, m[s[6]], m[s[7]]);
            BLAKE2B_MIX(0, 5, 10, 15, m[s[8]], m[s[9]]);
            BLAKE2B_MIX(1, 6, 11, 12, m[s[10]], m[s[11]]);
            BLAKE2B_MIX(2, 7, 8, 13, m[s[12]], m[s[13]]);
            BLAKE2B_MIX(3, 4, 9, 14, m[s[14]], m[s[15]]);
        }
        return (blake2b_iv[0] ^ 0x01010000 ^ 8) ^ v[0] ^ v[8];
    }
    """
    uint64_t blake2b_8(const unsigned char* block, uint64_t length) nogil

cdef enum:
    BLOCK = 128
    ID_DIGITS = 16
    DIGITS = 20  # of a 64-bit number, with its sign
    MILLION = 1_000_000


cdef class _Writer:
    """What is being written."""

    cdef char* data
    cdef Py_ssize_t length, room

    def __dealloc__(self):
        PyMem_Free(self.data)

    cdef bytes taken(self):
        """Return what was written, and begin anew."""
        cdef bytes written = PyBytes_FromStringAndSize(self.data, self.length)
        self.length = 0
        return written

    cdef int make_room(self, Py_ssize_t more) except -1:
        cdef char* data
        if self.length + more > self.room:
            data = <char*>PyMem_Realloc(self.data, 2 * (self.length + more))
            if data == NULL:
                raise MemoryError
            self.data, self.room = data, 2 * (self.length + more)
        return 0

    cdef int put(self, const char* text, Py_ssize_t length) except -1:
        self.make_room(length)
        memcpy(self.data + self.length, text, length)
        self.length += length
        return 0

    cdef int put_bytes(self, bytes text) except -1:
        return self.put(PyBytes_AS_STRING(text), PyBytes_GET_SIZE(text))

    cdef int put_str(self, str text) except -1:
        cdef Py_ssize_t length
        cdef const char* characters = PyUnicode_AsUTF8AndSize(text, &length)
        return self.put(characters, length)

    cdef int put_quoted(self, str text) except -1:
        """Write a text as JSON."""
        cdef Py_ssize_t length, at
        cdef const char* characters = PyUnicode_AsUTF8AndSize(text, &length)
        for at in range(length):
            # A quotation mark, a backslash, a control character.
            if characters[at] == 34 or characters[at] == 92 or 0 <= characters[at] < 32:
                return self.put_str(quoted(text))
        self.put(b'"', 1)
        self.put(characters, length)
        return self.put(b'"', 1)

    cdef int put_int(self, long long number) except -1:
        self.make_room(DIGITS)
        self.length = put_int(self.data + self.length, number) - self.data
        return 0

    cdef int put_float(self, double number) except -1:
        """Write a number as `repr` does."""
        cdef char* digits = PyOS_double_to_string(number, b"r", 0, 2, NULL)  # 2: with a point
        cdef Py_ssize_t length = 0
        try:
            while digits[length]:
                length += 1
            return self.put(digits, length)
        finally:
            PyMem_Free(digits)

    cdef int put_head(
        self, tuple pieces, context, str parent_id, long long start_ns, long long end_ns
    ) except -1:
        """Begin a span, up to the first attribute in which it differs from others."""
        self.put_bytes(pieces[0])
        self.put_str(context.trace_id)
        self.put_bytes(pieces[1])
        self.put_str(context.span_id)
        self.put_bytes(pieces[2])
        self.put_str(parent_id)
        self.put_bytes(pieces[3])
        self.put_int(start_ns)
        self.put_bytes(pieces[4])
        self.put_int(end_ns)
        return self.put_bytes(pieces[5])

    cdef int put_transaction(
        self, tuple pieces, long long offset, long long queued_ms, ids
    ) except -1:
        """Write in which a transaction's span differs."""
        self.put_int(offset)
        self.put_bytes(pieces[6])
        self.put_int(queued_ms)
        self.put_bytes(pieces[7])
        self.put_quoted(ids.transaction_id)
        self.put_bytes(pieces[8])
        self.put_quoted(ids.bank_id)
        return self.put_bytes(pieces[9])

    cdef int put_events(self, tuple findings, long long time_ns) except -1:
        """Write a finding as an event, for each."""
        cdef tuple pieces
        cdef bint is_first = True
        self.put(b',"events":[', 11)
        for finding in findings:
            if not is_first:
                self.put(b",", 1)
            is_first = False
            pieces = finding_form(finding.detector, finding.unit, finding.mode).pieces
            self.put_bytes(pieces[0])
            self.put_int(time_ns)
            self.put_bytes(pieces[1])
            self.put_float(finding.observed)
            self.put_bytes(pieces[2])
            self.put_float(finding.threshold)
            self.put_bytes(pieces[3])
        return self.put(b"]", 1)


def write_judged(judged, int subtask, long long start_ns, long long end_ns, str link):
    """Return the spans of transactions that could be read, as `JudgedBatch.written` does."""
    cdef _Writer out = _Writer()
    cdef list written = []
    cdef long long queued_ms
    cdef tuple pieces
    for each in judged:
        record, sent, alert = each.record, each.context, each.alert
        queued_ms = max(0, start_ns // MILLION - <long long>record.timestamp_ms)
        context = each.processing
        if context is None:
            context = processing_of(record, sent)
        if alert is None:
            pieces = sampled_form(record.topic, record.partition, subtask).pieces
            ids = ids_of(record.value or b"")
        else:
            pieces = alerted_form(
                record.topic, record.partition, subtask, alert.config, alert.generation
            ).pieces
            ids = alert.transaction
        out.put_head(pieces, context, sent.span_id, start_ns, end_ns)
        out.put_transaction(pieces, record.offset, queued_ms, ids)
        if alert is None:
            out.put_str(link)
            out.put_bytes(pieces[10])
            written.append(out.taken())
            continue
        out.put_quoted(alert.alert_id)
        out.put_bytes(pieces[10])
        out.put_events(alert.findings, end_ns)
        out.put_str(link)
        out.put_bytes(pieces[11])
        written.append(out.taken())
        pieces = ALERT.pieces
        out.put_head(pieces, sending_of(context), context.span_id, end_ns, end_ns)
        out.put_quoted(alert.alert_id)
        out.put_bytes(pieces[6])
        out.put_bytes(pieces[7])
        written.append(out.taken())
    return written


cdef class _Name:
    """What a span's id is made of: texts with a NUL between two of them."""

    cdef unsigned char text[BLOCK]
    cdef Py_ssize_t length

    cdef bint add(self, str part) except -1:
        """Add a text; return whether there is room for it."""
        cdef Py_ssize_t length
        cdef const char* characters = PyUnicode_AsUTF8AndSize(part, &length)
        if self.length + length + 1 > BLOCK:
            return False
        if self.length:
            self.text[self.length] = 0
            self.length += 1
        memcpy(self.text + self.length, characters, length)
        self.length += length
        return True

    cdef str id(self):
        cdef uint64_t digest = blake2b_8(self.text, self.length)
        cdef char digits[ID_DIGITS]
        cdef int at, half
        for at in range(ID_DIGITS):
            half = (digest >> (8 * (at // 2) + (0 if at % 2 else 4))) & 15
            digits[at] = <char>(48 + half if half < 10 else 87 + half)
        return digits[:ID_DIGITS].decode("ascii")


def processing_of(record, context):
    """Return the context of a transaction's span, as `TraceContext.child` does."""
    cdef _Name name = _Name()
    if (
        name.add(context.trace_id) and name.add(context.span_id) and name.add("process")
        and name.add(record.topic) and name.add(str(record.partition))
        and name.add(str(record.offset))
    ):
        return TraceContext(context.trace_id, name.id(), True)
    return context.child("process", record.topic, record.partition, record.offset)


def sending_of(context):
    """Return the context of the span of sending its alert, as `TraceContext.child` does."""
    cdef _Name name = _Name()
    if name.add(context.trace_id) and name.add(context.span_id) and name.add("send"):
        return TraceContext(context.trace_id, name.id(), True)
    return context.child("send")
