"""How sure a counted figure is: 95 % intervals of a share, a rate, an AUC, without any library.

A share of n (accuracy, misses) gets Wilson's score interval, which stays within 0 to 1 and is
of use at both ends. A count of rare events in some time (false accepts) gets the exact interval of
a Poisson count, so that "none in seven minutes" is not taken for "none". An area under a ROC curve
gets Newcombe's interval, which leaves room below 1 where the scores seen were all told apart.
"""

from __future__ import annotations

import math

CONFIDENCE = 0.95
_Z = 1.959963984540054  # the standard normal's 97.5 % point: 2.5 % are left on either side
_TAIL = (1 - CONFIDENCE) / 2
_HALVINGS = 100  # of the bracket; a double has 53 bits, so the last ones change nothing


def wilson(successes: int, n: int) -> tuple[float, float]:
    """95 % interval of a share of which `successes` of `n` were seen; (0, 1) for n = 0.

    Source: E. B. Wilson, "Probable inference, the law of succession, and statistical
    inference", Journal of the American Statistical Association 22 (1927).
    """
    if not 0 <= successes <= n:
        raise ValueError(f"{successes} of {n}")
    if n == 0:
        return 0.0, 1.0
    share = successes / n
    centre = share + _Z * _Z / (2 * n)
    spread = _Z * math.sqrt(share * (1 - share) / n + _Z * _Z / (4 * n * n))
    scale = 1 + _Z * _Z / n
    low = 0.0 if successes == 0 else (centre - spread) / scale
    high = 1.0 if successes == n else (centre + spread) / scale
    return low, high


def poisson(count: int) -> tuple[float, float]:
    """95 % interval of the mean of a Poisson count of which `count` was seen.

    Source: F. Garwood, "Fiducial limits for the Poisson distribution", Biometrika 28 (1936).
    """
    if count < 0:
        raise ValueError(f"{count} events")
    low = 0.0 if count == 0 else _mean_where(count - 1, 1 - _TAIL)
    return low, _mean_where(count, _TAIL)


def area(auc: float, positives: int, negatives: int) -> tuple[float, float]:
    """95 % interval of the area under a ROC curve, seen with so many positives and negatives.

    All areas whose own spread (Hanley and McNeil's, taken at that area as Wilson takes a share's)
    reaches what was seen. It holds the true area in 96 to 99.5 % of draws, while DeLong's, with
    areas above 0.99 and some dozens of each kind, holds it in 35 to 90 % and is a point at 1.
    Source: R. G. Newcombe, "Confidence intervals for an effect size measure based on the
    Mann-Whitney statistic. Part 2: asymptotic methods and evaluation", Statistics in Medicine 25
    (2006), method 5.
    """
    if not 0 <= auc <= 1 or positives < 1 or negatives < 1:
        raise ValueError(f"an area of {auc} of {positives} positives and {negatives} negatives")
    return _reaching(auc, 0.0, positives, negatives), _reaching(auc, 1.0, positives, negatives)


def _reaching(auc: float, end: float, positives: int, negatives: int) -> float:
    """The area farthest from `auc` towards `end` whose spread reaches `auc`."""
    more = (positives + negatives) / 2 - 1
    inside, outside = auc, end
    for _ in range(_HALVINGS):
        middle = (inside + outside) / 2
        bulge = 1 + more * ((1 - middle) / (2 - middle) + middle / (1 + middle))
        variance = middle * (1 - middle) * bulge / (positives * negatives)
        if abs(auc - middle) <= _Z * math.sqrt(variance):
            inside = middle
        else:
            outside = middle
    return inside


def _mean_where(count: int, probability: float) -> float:
    """The mean at which at most `count` events have that probability; it falls with the mean."""
    low, high = 0.0, count + 10.0 * math.sqrt(count + 1.0) + 10.0
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        if _at_most(count, middle) > probability:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def _at_most(count: int, mean: float) -> float:
    """Probability of `count` or fewer events; summed by logarithms, which do not underflow."""
    if mean <= 0:
        return 1.0
    return math.fsum(
        math.exp(k * math.log(mean) - mean - math.lgamma(k + 1)) for k in range(count + 1)
    )
