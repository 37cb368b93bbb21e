"""What can go wrong in pricing, each as one sentence with its remedy."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.errors import InvalidInput, NotFound

if TYPE_CHECKING:
    from pathlib import Path


class ProductNotFound(NotFound):
    """Raised for an SKU that no product has."""

    code = "product_not_found"

    def __init__(self, *, sku: str) -> None:
        super().__init__(f'There is no product with the SKU "{sku}". GET /api/v1/products lists them.')


class BatchNotFound(NotFound):
    """Raised for an id that no batch has."""

    code = "batch_not_found"

    def __init__(self, *, batch_id: int) -> None:
        super().__init__(f"There is no batch with the id {batch_id}.")


class RecomputeNotFound(NotFound):
    """Raised for a task id that no pricing job has."""

    code = "task_not_found"

    def __init__(self, *, task_id: str) -> None:
        super().__init__(
            f'No pricing job has the id "{task_id}". Use the task_id that trigger-recompute answered with; '
            "finished jobs are forgotten after the retention time."
        )


class OutOfRange(InvalidInput):
    """Raised for a number that a recompute cannot work with."""

    code = "out_of_range"

    def __init__(self, *, name: str, value: int, least: int, most: int) -> None:
        super().__init__(f"{name} is {value}; give a whole number from {least} to {most}.")


class InvalidRules(InvalidInput):
    """Raised for a rule file that cannot be used; names the field and the remedy."""

    code = "invalid_rules"

    def __init__(self, *, path: Path, problem: str) -> None:
        super().__init__(f"{path}: {problem}")
