"""patient + knowledge -> findings -> ranked plan -> report."""

from polypharmacy.review.finding import Finding, NotEvaluated
from polypharmacy.review.review import Review, review

__all__ = ["Finding", "NotEvaluated", "Review", "review"]
