# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True
"""What `Trees` is, in machine code and without the interpreter's lock.

One tree is walked by all rows before the next, so that its nodes stay near the core. Sums are added
up in the same order as by `Trees`, so scores are equal to the last bit; `tests/unit/model` says so.
"""

from cpython.array cimport array, clone
from libc.math cimport isfinite
from libc.stdlib cimport free, malloc

cdef struct Node:
    double threshold
    double value
    int feature
    int left

cdef array _DOUBLES = array("d")


cdef class FlatTrees:
    """Scores rows by trees."""

    cdef Node* _nodes
    cdef int* _roots
    cdef int _trees
    cdef readonly int features
    cdef readonly double base

    def __cinit__(self, arrays, *, int features, double base=0.0):
        cdef int count = len(arrays.feature), number
        cdef short[::1] feature = arrays.feature
        cdef int[::1] left = arrays.left
        cdef double[::1] threshold = arrays.threshold
        cdef double[::1] value = arrays.value
        cdef int[::1] roots = arrays.roots
        self._trees = len(arrays.roots)
        self._nodes = <Node*>malloc(count * sizeof(Node))
        self._roots = <int*>malloc(self._trees * sizeof(int))
        if self._nodes == NULL or self._roots == NULL:
            raise MemoryError
        for number in range(count):
            self._nodes[number].feature = feature[number]
            self._nodes[number].left = left[number]
            self._nodes[number].threshold = threshold[number]
            self._nodes[number].value = value[number]
        for number in range(self._trees):
            self._roots[number] = roots[number]
        self.features = features
        self.base = base

    def __dealloc__(self):
        free(self._nodes)
        free(self._roots)

    def score_all(self, rows):
        """Return the raw scores of rows that stand behind one another."""
        cdef const float[::1] numbers = rows
        cdef array scores
        cdef double[::1] sums
        cdef int count = self._check(numbers)
        scores = clone(_DOUBLES, count, False)
        if count == 0:
            return scores
        sums = scores
        with nogil:
            self.score_rows(&numbers[0], count, &sums[0])
        return scores

    cdef void score_rows(self, const float* rows, int count, double* sums) noexcept nogil:
        """Write the raw scores of finite rows."""
        cdef int tree, row
        cdef Node* node
        cdef const float* numbers
        for row in range(count):
            sums[row] = self.base
        for tree in range(self._trees):
            numbers = rows
            for row in range(count):
                node = self._nodes + self._roots[tree]
                while node.feature >= 0:
                    node = self._nodes + node.left + (numbers[node.feature] > node.threshold)
                sums[row] += node.value
                numbers += self.features

    def explain(self, row):
        """Return what all rows get on average, and by how much each feature changed it."""
        cdef const float[::1] numbers = row
        cdef array changes = clone(_DOUBLES, self.features, True)
        cdef double[::1] change = changes
        cdef double bias = self.base
        cdef int tree
        cdef Node* node
        cdef Node* child
        self._check(numbers)
        if len(row) != self.features:
            raise ValueError(f"one row has {self.features} features, not {len(row)}")
        for tree in range(self._trees):
            node = self._nodes + self._roots[tree]
            bias += node.value
            while node.feature >= 0:
                child = self._nodes + node.left + (numbers[node.feature] > node.threshold)
                change[node.feature] += child.value - node.value
                node = child
        return bias, changes.tolist()

    cdef int _check(self, const float[::1] numbers) except -1:
        """Return how many rows there are."""
        cdef Py_ssize_t index
        if numbers.shape[0] % self.features:
            raise ValueError(
                f"{numbers.shape[0]} numbers are no rows of {self.features} features"
            )
        for index in range(numbers.shape[0]):
            if not isfinite(numbers[index]):
                raise ValueError("a feature is no finite number")
        return <int>(numbers.shape[0] // self.features)
