"""The peers of Kerb's assignment solver: one question a line, one answer a line.

Started with the folder of the instances. Says "ready" and the versions, then reads "peer instance" and answers
"milliseconds objective". Only the peer's own solving is timed: not reading the file, not building its model.
"""

import sys
import time
from importlib.metadata import version
from pathlib import Path

import numpy as np
from ortools.graph.python import linear_sum_assignment, min_cost_flow
from scipy.sparse import csr_array
from scipy.sparse.csgraph import min_weight_full_bipartite_matching


class Instance:
    """Little-endian 32-bit numbers: rows, columns, edges; penalties; where rows start; columns; costs."""

    def __init__(self, path):
        numbers = np.fromfile(path, dtype="<u4").astype(np.int64)
        self.rows, self.columns, edges = (int(number) for number in numbers[:3])
        ends = np.cumsum([3, self.rows, self.rows + 1, edges, edges])
        self.penalties, self.starts, self.edge_columns, self.costs = (
            numbers[start:end] for start, end in zip(ends, ends[1:])
        )
        self.edge_rows = np.repeat(np.arange(self.rows), np.diff(self.starts))


def timed(solve):
    start = time.perf_counter()
    result = solve()
    return (time.perf_counter() - start) * 1e3, result


def ortools_flow(instance):
    """One unit from each row over an edge, or past all columns at the penalty, to one sink."""
    rows, columns = np.arange(instance.rows), np.arange(instance.columns) + instance.rows
    sink = instance.rows + instance.columns
    tails = np.concatenate([instance.edge_rows, rows, columns])
    heads = np.concatenate([instance.edge_columns + instance.rows, np.full(len(rows) + len(columns), sink)])
    costs = np.concatenate([instance.costs, instance.penalties, np.zeros_like(columns)])
    flow = min_cost_flow.SimpleMinCostFlow()
    flow.add_arcs_with_capacity_and_unit_cost(tails, heads, np.ones_like(tails), costs)
    flow.set_nodes_supplies(rows, np.ones_like(rows))
    flow.set_node_supply(sink, -instance.rows)
    elapsed_ms, status = timed(flow.solve)
    if status != flow.OPTIMAL:
        sys.exit(f"OR-tools' min-cost flow ends with {status}")
    return elapsed_ms, flow.optimal_cost()


def ortools_assignment(instance):
    """A perfect assignment of a table twice as large: each row has a column to be left out at, each column a row to
    be left free by, and the mirror of each edge lets those two be paired at no cost."""
    rows, columns = np.arange(instance.rows), np.arange(instance.columns)
    lefts = np.concatenate(
        [instance.edge_rows, rows, columns + instance.rows, instance.edge_columns + instance.rows]
    )
    rights = np.concatenate(
        [instance.edge_columns, rows + instance.columns, columns, instance.edge_rows + instance.columns]
    )
    costs = np.concatenate(
        [instance.costs, instance.penalties, np.zeros_like(columns), np.zeros_like(instance.costs)]
    )
    assignment = linear_sum_assignment.SimpleLinearSumAssignment()
    assignment.add_arcs_with_cost(lefts, rights, costs)
    elapsed_ms, status = timed(assignment.solve)
    if status != assignment.OPTIMAL:
        sys.exit(f"OR-tools' assignment ends with {status}")
    return elapsed_ms, assignment.optimal_cost()


def scipy(instance):
    """A column of its own for each row that is left out. All costs are one higher, as 0 would be no edge."""
    rows = np.arange(instance.rows)
    at = (
        np.concatenate([instance.edge_rows, rows]),
        np.concatenate([instance.edge_columns, rows + instance.columns]),
    )
    costs = np.concatenate([instance.costs, instance.penalties]) + 1
    table = csr_array((costs, at), shape=(instance.rows, instance.columns + instance.rows))
    elapsed_ms, (chosen_rows, chosen_columns) = timed(lambda: min_weight_full_bipartite_matching(table))
    return elapsed_ms, int(table[chosen_rows, chosen_columns].sum()) - instance.rows


PEERS = {"ortools-flow": ortools_flow, "ortools-assignment": ortools_assignment, "scipy": scipy}


def main():
    folder = Path(sys.argv[1])
    print(f"ready ortools {version('ortools')}, scipy {version('scipy')}", flush=True)
    for line in sys.stdin:
        peer, name = line.split()
        elapsed_ms, objective = PEERS[peer](Instance(folder / name))
        print(f"{elapsed_ms:.3f} {objective}", flush=True)


if __name__ == "__main__":
    main()
