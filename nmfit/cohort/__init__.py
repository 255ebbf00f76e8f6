"""Many people: the group first, each person towards it, judged beside what predicts people without any model."""

from .contrast import contrast
from .fit import fit_cohort
from .result import CohortResult
from .saved import load_cohort
from .status import Status, status

__all__ = ["CohortResult", "Status", "contrast", "fit_cohort", "load_cohort", "status"]
