"""OpenEnv's task list: which episodes there are, by split and index."""

from typing import Any

from polypharmacy.env.bank import SPLITS
from polypharmacy.env.tasks import TASKS


class UnknownSplit(ValueError):
    """A split that there is not."""


class Tasks:
    """OpenEnv's TaskProvider. Index i of a split is case i % size of task i // size, in the order of TASKS."""

    def list_splits(self) -> list[dict[str, str]]:
        return [{"name": name, "type": "test" if name == "unseen_drugs" else name} for name in SPLITS]

    def num_tasks(self, split: str) -> int:
        return len(TASKS) * _size(split)

    def get_task(self, split: str, index: int) -> dict[str, Any]:
        """Raises IndexError for an index the split does not have."""
        task, case = locate(split, index)
        return {"id": f"{split}-{index}", "split": split, "index": index, "task_id": task, "case": case}

    def get_task_range(self, split: str, start: int | None = None, stop: int | None = None) -> list[dict[str, Any]]:
        return [self.get_task(split, i) for i in range(self.num_tasks(split))[start:stop]]

    def list_tasks(self, split: str) -> list[dict[str, Any]]:
        return self.get_task_range(split)


def locate(split: str, index: int) -> tuple[str, int]:
    """The task and the case within it. Raises UnknownSplit, and IndexError outside 0 to 3 x size - 1."""
    size = _size(split)
    if not 0 <= index < len(TASKS) * size:
        raise IndexError(f"index: {split} has tasks 0 to {len(TASKS) * size - 1}, not {index}")
    return list(TASKS)[index // size], index % size


def _size(split: str) -> int:
    if split not in SPLITS:
        raise UnknownSplit(f"split {split!r} is not one of {', '.join(SPLITS)}")
    return SPLITS[split]
