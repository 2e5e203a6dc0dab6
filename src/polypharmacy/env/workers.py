"""Processes to share work with."""

import multiprocessing
import threading
from concurrent.futures import ProcessPoolExecutor


def process_pool(workers: int) -> ProcessPoolExecutor:
    """Forked where that is safe (no other thread runs, so no lock is copied held), spawned elsewhere."""
    forks = "fork" in multiprocessing.get_all_start_methods() and threading.active_count() == 1
    return ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("fork" if forks else "spawn"))
