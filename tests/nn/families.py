"""All families of random small models, from every group."""

from __future__ import annotations

from collections.abc import Mapping

from tests.nn import (
    cases_binary,
    cases_channels,
    cases_convert,
    cases_dilated,
    cases_fold,
    cases_lookup,
    cases_matmul,
    cases_move,
    cases_pick,
    cases_reduce,
    cases_simple,
    cases_state,
    cases_transpose,
    cases_views,
    cases_weighted,
)
from tests.nn.cases import Family

FAMILIES: Mapping[str, Family] = {
    **cases_binary.FAMILIES,
    **cases_channels.FAMILIES,
    **cases_convert.FAMILIES,
    **cases_dilated.FAMILIES,
    **cases_fold.FAMILIES,
    **cases_lookup.FAMILIES,
    **cases_matmul.FAMILIES,
    **cases_move.FAMILIES,
    **cases_pick.FAMILIES,
    **cases_reduce.FAMILIES,
    **cases_simple.FAMILIES,
    **cases_state.FAMILIES,
    **cases_transpose.FAMILIES,
    **cases_views.FAMILIES,
    **cases_weighted.FAMILIES,
}
