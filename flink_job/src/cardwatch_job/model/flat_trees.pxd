# The layout of flat_trees.pyx, for those who score without the interpreter's lock.

cdef struct Node:
    double threshold
    double value
    int feature
    int left


cdef struct Forest:
    # Trees, whose leaves are added up: nodes of all, and where each tree begins.
    Node* nodes
    int* roots
    int trees
    int features  # numbers in a row
    double base


cdef class FlatTrees:
    cdef Forest forest

    cdef int _check(self, const float[::1] numbers) except -1


# Write the raw scores of finite rows, which stand behind one another.
cdef void score_rows(Forest* forest, const float* rows, int count, double* scores) noexcept nogil
