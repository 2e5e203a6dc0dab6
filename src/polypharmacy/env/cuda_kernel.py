"""The step function as a CUDA kernel, from the same source. Import it only where numba-cuda is installed."""

from numba import cuda

from polypharmacy.env import dynamics

_step = cuda.jit(device=True)(dynamics.step)


@cuda.jit
def step_kernel(  # type: ignore[no-untyped-def]
    rules, facts, answer, alone, link_start, link, burden, need_start, need, term_start, term, left, word,
    open_at_start, first_load, pair_slots, pair_number, without, state, known, mask, load, actions, rewards, dones,
    grades, advance,
):  # fmt: skip
    """`dynamics.step`, each thread from cuda.grid(1) on in strides of cuda.gridsize(1): any launch shape will do."""
    _step(
        rules, facts, answer, alone, link_start, link, burden, need_start, need, term_start, term, left, word,
        open_at_start, first_load, pair_slots, pair_number, without, state, known, mask, load, actions, rewards, dones,
        grades, advance, cuda.grid(1), cuda.gridsize(1),
    )  # fmt: skip
