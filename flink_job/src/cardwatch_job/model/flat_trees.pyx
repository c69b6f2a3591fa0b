# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True
"""What `Trees` is, in machine code and without the interpreter's lock.

One tree is walked by all rows before the next, so that its nodes stay near the core. Sums are added
up in the same order as by `Trees`, so scores are equal to the last bit; `tests/unit/model` says so.
"""

from cpython.array cimport array, clone
from libc.math cimport isfinite
from libc.stdlib cimport free, malloc

cdef array _DOUBLES = array("d")


cdef class FlatTrees:
    """Scores rows by trees."""

    def __cinit__(self, arrays, *, int features, double base=0.0):
        cdef int count = len(arrays.feature), number
        cdef short[::1] feature = arrays.feature
        cdef int[::1] left = arrays.left
        cdef double[::1] threshold = arrays.threshold
        cdef double[::1] value = arrays.value
        cdef int[::1] roots = arrays.roots
        cdef Forest* forest = &self.forest
        forest.trees = len(arrays.roots)
        forest.nodes = <Node*>malloc(count * sizeof(Node))
        forest.roots = <int*>malloc(forest.trees * sizeof(int))
        if forest.nodes == NULL or forest.roots == NULL:
            raise MemoryError
        for number in range(count):
            forest.nodes[number].feature = feature[number]
            forest.nodes[number].left = left[number]
            forest.nodes[number].threshold = threshold[number]
            forest.nodes[number].value = value[number]
        for number in range(forest.trees):
            forest.roots[number] = roots[number]
        forest.features = features
        forest.base = base

    def __dealloc__(self):
        free(self.forest.nodes)
        free(self.forest.roots)

    @property
    def features(self):
        """How many numbers a row has."""
        return self.forest.features

    @property
    def base(self):
        """What every raw score begins with."""
        return self.forest.base

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
            score_rows(&self.forest, &numbers[0], count, &sums[0])
        return scores

    def explain(self, row):
        """Return what all rows get on average, and by how much each feature changed it."""
        cdef const float[::1] numbers = row
        cdef array changes = clone(_DOUBLES, self.forest.features, True)
        cdef double[::1] change = changes
        cdef Forest* forest = &self.forest
        cdef double bias = forest.base
        cdef int tree
        cdef Node* node
        cdef Node* child
        self._check(numbers)
        if len(row) != forest.features:
            raise ValueError(f"one row has {forest.features} features, not {len(row)}")
        for tree in range(forest.trees):
            node = forest.nodes + forest.roots[tree]
            bias += node.value
            while node.feature >= 0:
                child = forest.nodes + node.left + (numbers[node.feature] > node.threshold)
                change[node.feature] += child.value - node.value
                node = child
        return bias, changes.tolist()

    cdef int _check(self, const float[::1] numbers) except -1:
        """Return how many rows there are."""
        cdef Py_ssize_t index
        if numbers.shape[0] % self.forest.features:
            raise ValueError(
                f"{numbers.shape[0]} numbers are no rows of {self.forest.features} features"
            )
        for index in range(numbers.shape[0]):
            if not isfinite(numbers[index]):
                raise ValueError("a feature is no finite number")
        return <int>(numbers.shape[0] // self.forest.features)


cdef void score_rows(Forest* forest, const float* rows, int count, double* scores) noexcept nogil:
    cdef int tree, row
    cdef Node* node
    cdef const float* numbers
    for row in range(count):
        scores[row] = forest.base
    for tree in range(forest.trees):
        numbers = rows
        for row in range(count):
            node = forest.nodes + forest.roots[tree]
            while node.feature >= 0:
                node = forest.nodes + node.left + (numbers[node.feature] > node.threshold)
            scores[row] += node.value
            numbers += forest.features
