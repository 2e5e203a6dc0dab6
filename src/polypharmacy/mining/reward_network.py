"""The network that predicts rewards: its value, its gradients and its training, in loops over the few drugs of a row.

A row holds some nine of five hundred drugs, so the first layer costs a fiftieth of a dense product; that, not a
library, is what makes a step cheap.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numba
import numpy as np

from polypharmacy.mining.combinations import Combinations

FIRST_DECAY, SECOND_DECAY, TINY = 0.9, 0.999, 1e-8
"""Adam's (Kingma and Ba 2015)."""
LEAST_GAIN = 1e-4
"""Share by which a loss must fall to count as fallen for the plateau."""
_compiled = numba.njit(cache=True, nogil=True, fastmath=True, error_model="numpy")


@dataclass(frozen=True, eq=False)
class Rows:
    """Sparse rows: row r holds values[offsets[r]:offsets[r + 1]] (float32) at those members (int32); the rest are 0."""

    offsets: np.ndarray
    members: np.ndarray
    values: np.ndarray

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @classmethod
    def of(cls, table: np.ndarray) -> "Rows":
        """From a dense table, [rows, inputs]."""
        flat = np.ascontiguousarray(table, np.float32).ravel()
        places = np.flatnonzero(flat != 0)
        offsets = np.searchsorted(places, np.arange(len(table) + 1) * table.shape[1])
        return cls(offsets.astype(np.int64), (places % table.shape[1]).astype(np.int32), flat[places])

    @classmethod
    def of_combinations(cls, held: Combinations) -> "Rows":
        return cls(held.offsets, held.members.astype(np.int32), np.ones(len(held.members), np.float32))


@dataclass(frozen=True)
class Training:
    """Minibatches of `batch` for at most `epochs`, Adam at `rate`, a tenth of it when the error over all rows has not
    fallen for `patience` / 2 epochs, an end when it has not for `patience`; the weights with the least are kept.
    """

    epochs: int = 100
    batch: int = 64
    rate: float = 0.01
    patience: int = 25


@dataclass(frozen=True, eq=False)
class RewardNetwork:
    """`layers` hidden layers of `width` ReLUs, then one reward.

    values: float32 [parameters], layer after layer: weights [from, to], then biases [to]; all but the last bias make
    a table of `width` columns. Anything with a number for each parameter (a gradient, U) is laid out alike.
    """

    inputs: int
    width: int
    layers: int
    values: np.ndarray

    @classmethod
    def start(cls, inputs: int, width: int, layers: int, draw: np.random.Generator) -> "RewardNetwork":
        """Weights and biases uniform within 1 / sqrt(inputs of their layer) of 0.

        Raises ValueError when a size is below 1.
        """
        if min(inputs, width, layers) < 1:
            raise ValueError("inputs, width and layers are at least 1")
        parts = []
        for fan_in, fan_out in _shapes(inputs, width, layers):
            reach = 1 / np.sqrt(fan_in)
            parts.append(draw.uniform(-reach, reach, (fan_in + 1) * fan_out))
        return cls(inputs, width, layers, np.concatenate(parts).astype(np.float32))

    def copy(self) -> "RewardNetwork":
        return RewardNetwork(self.inputs, self.width, self.layers, self.values.copy())

    def by_layer(self) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Weights [from, to] and biases [to] of each layer, the last included; they share memory with `values`."""
        start = 0
        for fan_in, fan_out in _shapes(self.inputs, self.width, self.layers):
            stop = start + fan_in * fan_out
            yield self.values[start:stop].reshape(fan_in, fan_out), self.values[stop : stop + fan_out]
            start = stop + fan_out

    def predict(self, rows: Rows) -> np.ndarray:
        """Rewards, float32 [rows]."""
        return self.predict_uncertain(rows, np.zeros(0, np.float32))[0]

    def predict_uncertain(self, rows: Rows, inverse: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Rewards, and g' diag(inverse) g with g the gradient by every parameter; float32 [rows] each.

        inverse: float32 [parameters]; of no length, the second answer is 0.
        """
        mean, square = np.empty(len(rows), np.float32), np.zeros(len(rows), np.float32)
        _predict(*self._plain(rows), rows.values**2, inverse, mean, square)
        return mean, square

    def add_squared_gradients(self, rows: Rows, total: np.ndarray) -> None:
        """Add each row's squared gradient to `total`, float32 [parameters]."""
        _add_squares(*self._plain(rows), rows.values**2, total)

    def train(self, rows: Rows, y: np.ndarray, how: Training, draw: np.random.Generator, decay: float = 0.0) -> float:
        """Least squares on rewards y [rows], in place, plus decay / 2 times the squared weights; the least mean squared
        error after an epoch.
        """
        y = np.asarray(y, np.float32)
        count = len(self.values)
        first, second, gradient = (np.zeros(count, np.float32) for _ in range(3))
        best, kept, waited = np.inf, self.values.copy(), 0
        rate, lowest, flat = how.rate, np.inf, 0
        for epoch in range(how.epochs):
            order = draw.permutation(len(y))
            steps = epoch * -(-len(y) // how.batch)
            _epoch(*self._plain(rows), y, order, how.batch, rate, np.float32(decay), steps, first, second, gradient)
            loss = float(np.mean((self.predict(rows) - y) ** 2))
            flat = 0 if loss < lowest * (1 - LEAST_GAIN) else flat + 1
            lowest = loss if flat == 0 else lowest
            if flat > how.patience // 2:
                rate, flat = rate / 10, 0
            waited = 0 if loss < best else waited + 1
            if loss < best:
                best = loss
                kept[:] = self.values
            elif waited >= how.patience:
                break
        self.values[:] = kept
        return best

    def _plain(self, rows: Rows) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, int, int, int]:
        return rows.offsets, rows.members, rows.values, self.values, self.inputs, self.width, self.layers


def _shapes(inputs: int, width: int, layers: int) -> list[tuple[int, int]]:
    return [(inputs, width), *[(width, width)] * (layers - 1), (width, 1)]


@_compiled  # type: ignore[untyped-decorator]
def _forward(
    begin: int, end: int, members: np.ndarray, x: np.ndarray, inputs: int, table: np.ndarray, out: np.ndarray
) -> float:
    """Outputs of the hidden layers into out [layers, width]; the reward without the last bias.

    Row by row of the table: loops along a row compile to vector instructions.
    """
    layers, width = out.shape
    at, here = inputs, out[0]
    row = table[at]
    for j in range(width):
        here[j] = row[j]
    for place in range(begin, end):
        by, row = x[place], table[members[place]]
        for j in range(width):
            here[j] += by * row[j]
    for j in range(width):
        here[j] = max(here[j], np.float32(0))
    at += 1
    for layer in range(1, layers):
        below, here = out[layer - 1], out[layer]
        row = table[at + width]
        for j in range(width):
            here[j] = row[j]
        for i in range(width):
            by, row = below[i], table[at + i]
            for j in range(width):
                here[j] += by * row[j]
        for j in range(width):
            here[j] = max(here[j], np.float32(0))
        at += width + 1
    row, reward = table[at], np.float32(0)
    for j in range(width):
        reward += here[j] * row[j]
    return reward  # type: ignore[return-value]


@_compiled  # type: ignore[untyped-decorator]
def _backward(inputs: int, table: np.ndarray, out: np.ndarray, back: np.ndarray) -> None:
    """The reward's gradient by what enters each hidden layer's units, into back [layers, width]."""
    layers, width = out.shape
    at = len(table) - 1
    row, here, above = table[at], out[layers - 1], back[layers - 1]
    for j in range(width):
        above[j] = row[j] if here[j] > 0 else np.float32(0)
    for layer in range(layers - 1, 0, -1):
        at -= width + 1
        above, here, below = back[layer], out[layer - 1], back[layer - 1]
        for i in range(width):
            total, row = np.float32(0), table[at + i]
            for j in range(width):
                total += above[j] * row[j]
            below[i] = total if here[i] > 0 else np.float32(0)


@_compiled  # type: ignore[untyped-decorator]
def _add_products(
    begin: int,
    end: int,
    members: np.ndarray,
    x: np.ndarray,
    inputs: int,
    out: np.ndarray,
    back: np.ndarray,
    last: float,
    into: np.ndarray,
) -> None:
    """Add a gradient to the table `into`: a layer's is the outer product of what flowed in (x, out) and what flows
    back; `last` flows back into the last layer.
    """
    layers, width = out.shape
    here = back[0]
    for place in range(begin, end):
        by, row = x[place], into[members[place]]
        for j in range(width):
            row[j] += by * here[j]
    at = inputs
    for layer in range(layers):
        here = back[layer]
        if layer:
            for i in range(width):
                by, row = out[layer - 1, i], into[at + i]
                for j in range(width):
                    row[j] += by * here[j]
            at += width
        row = into[at]
        for j in range(width):
            row[j] += here[j]
        at += 1
    row, here = into[at], out[layers - 1]
    for j in range(width):
        row[j] += last * here[j]


@_compiled  # type: ignore[untyped-decorator]
def _product(
    begin: int,
    end: int,
    members: np.ndarray,
    x: np.ndarray,
    inputs: int,
    out: np.ndarray,
    back: np.ndarray,
    by_parameter: np.ndarray,
) -> float:
    """The scalar product of such a gradient (its last part 1) and a table."""
    layers, width = out.shape
    here, total = back[0], np.float32(0)
    for place in range(begin, end):
        part, row = np.float32(0), by_parameter[members[place]]
        for j in range(width):
            part += here[j] * row[j]
        total += part * x[place]
    at = inputs
    for layer in range(layers):
        here = back[layer]
        if layer:
            for i in range(width):
                part, row = np.float32(0), by_parameter[at + i]
                for j in range(width):
                    part += here[j] * row[j]
                total += part * out[layer - 1, i]
            at += width
        row = by_parameter[at]
        for j in range(width):
            total += here[j] * row[j]
        at += 1
    row, here = by_parameter[at], out[layers - 1]
    for j in range(width):
        total += here[j] * row[j]
    return total  # type: ignore[return-value]


@_compiled  # type: ignore[untyped-decorator]
def _square(table: np.ndarray) -> None:
    for i in range(table.shape[0]):
        for j in range(table.shape[1]):
            table[i, j] *= table[i, j]


@_compiled  # type: ignore[untyped-decorator]
def _predict(
    offsets: np.ndarray,
    members: np.ndarray,
    x: np.ndarray,
    values: np.ndarray,
    inputs: int,
    width: int,
    layers: int,
    squares: np.ndarray,
    inverse: np.ndarray,
    mean: np.ndarray,
    square: np.ndarray,
) -> None:
    out, back = np.empty((layers, width), np.float32), np.empty((layers, width), np.float32)
    table = values[:-1].reshape(-1, width)
    inverses = inverse[: len(values) - 1].reshape(-1, width)
    for row in range(len(mean)):
        begin, end = offsets[row], offsets[row + 1]
        mean[row] = values[-1] + _forward(begin, end, members, x, inputs, table, out)
        if len(inverse):
            _backward(inputs, table, out, back)
            _square(out)
            _square(back)
            square[row] = inverse[-1] + _product(begin, end, members, squares, inputs, out, back, inverses)


@_compiled  # type: ignore[untyped-decorator]
def _add_squares(
    offsets: np.ndarray,
    members: np.ndarray,
    x: np.ndarray,
    values: np.ndarray,
    inputs: int,
    width: int,
    layers: int,
    squares: np.ndarray,
    total: np.ndarray,
) -> None:
    out, back = np.empty((layers, width), np.float32), np.empty((layers, width), np.float32)
    table, into = values[:-1].reshape(-1, width), total[:-1].reshape(-1, width)
    for row in range(len(offsets) - 1):
        begin, end = offsets[row], offsets[row + 1]
        _forward(begin, end, members, x, inputs, table, out)
        _backward(inputs, table, out, back)
        _square(out)
        _square(back)
        _add_products(begin, end, members, squares, inputs, out, back, np.float32(1), into)
        total[-1] += 1


@_compiled  # type: ignore[untyped-decorator]
def _epoch(
    offsets: np.ndarray,
    members: np.ndarray,
    x: np.ndarray,
    values: np.ndarray,
    inputs: int,
    width: int,
    layers: int,
    y: np.ndarray,
    order: np.ndarray,
    batch: int,
    rate: float,
    decay: float,
    steps: int,
    first: np.ndarray,
    second: np.ndarray,
    gradient: np.ndarray,
) -> None:
    """One pass over the rows in this order, an Adam step a minibatch; `steps` were made before."""
    out, back = np.empty((layers, width), np.float32), np.empty((layers, width), np.float32)
    table, into = values[:-1].reshape(-1, width), gradient[:-1].reshape(-1, width)
    for low in range(0, len(order), batch):
        high = min(low + batch, len(order))
        for number in range(low, high):
            row = order[number]
            begin, end = offsets[row], offsets[row + 1]
            away = values[-1] + _forward(begin, end, members, x, inputs, table, out) - y[row]
            _backward(inputs, table, out, back)
            error = np.float32(2 * away / (high - low))
            for layer in range(layers):
                for j in range(width):
                    back[layer, j] *= error
            _add_products(begin, end, members, x, inputs, out, back, error, into)
            gradient[-1] += error
        steps += 1
        _adam(values, gradient, first, second, rate, decay, steps)


@_compiled  # type: ignore[untyped-decorator]
def _adam(
    values: np.ndarray,
    gradient: np.ndarray,
    first: np.ndarray,
    second: np.ndarray,
    rate: float,
    decay: float,
    steps: int,
) -> None:
    size = np.float32(rate / (1 - FIRST_DECAY**steps))
    root = np.float32(1 / np.sqrt(1 - SECOND_DECAY**steps))
    fresh, squared = np.float32(1 - FIRST_DECAY), np.float32(1 - SECOND_DECAY)
    tiny, least = np.float32(TINY), np.float32(1e-20)
    for p in range(len(values)):
        g = gradient[p] + decay * values[p]
        mean = first[p] + fresh * (g - first[p])
        mean = mean if abs(mean) > least else np.float32(0)  # numbers too small for full precision are slow
        square = second[p] + squared * (g * g - second[p])
        first[p], second[p] = mean, square
        values[p] -= size * mean / (root * np.sqrt(square) + tiny)
        gradient[p] = np.float32(0)
