"""The best one-to-one map between two sets."""

import numpy as np


def best_map(gain: np.ndarray) -> np.ndarray:
    """The column for each row, no column twice, that makes the sum of `gain` largest; -1 for rows that are left over.

    Successive shortest augmenting paths with potentials (Kuhn 1955, Munkres 1957), in O(n^3).

    Args:
        gain: float (n, m).

    Returns:
        int64 (n,), each from -1 to m - 1.
    """
    rows, columns = gain.shape
    if rows > columns:  # then it is the columns that each get a row
        back = best_map(gain.T)
        found = np.full(rows, -1)
        found[back] = np.arange(columns)
        return found
    cost = -np.asarray(gain, np.float64)
    row_potential, column_potential = np.zeros(rows), np.zeros(columns)
    owner = np.full(columns, -1)  # the row of each column
    for new in range(rows):
        distance, before = np.full(columns, np.inf), np.full(columns, -1)
        done, row, last = np.zeros(columns, bool), new, -1
        reached = 0.0  # length of the path to `row`
        while True:
            via = reached + cost[row] - row_potential[row] - column_potential
            shorter = ~done & (via < distance)
            distance[shorter], before[shorter] = via[shorter], last
            last = int(np.where(done, np.inf, distance).argmin())
            done[last], reached, row = True, distance[last], owner[last]
            if row < 0:
                break
        behind = done & (owner >= 0)
        row_potential[new] += reached
        row_potential[owner[behind]] += reached - distance[behind]
        column_potential[done] -= reached - distance[done]
        while last >= 0:  # every row on the path gives its column to the row before it
            previous = before[last]
            owner[last] = owner[previous] if previous >= 0 else new
            last = previous
    found = np.full(rows, -1)
    found[owner[owner >= 0]] = np.flatnonzero(owner >= 0)
    return found
