"""The mean over replicas and its 95 % interval by Student's distribution: what plot and report draw."""
import warnings

import numpy as np

STUDENT = [12.71, 4.30, 3.18, 2.78, 2.57, 2.45, 2.36, 2.31, 2.26, 2.23]  # 97.5 % quantile by degrees of freedom


def quantile(degrees):
    """97.5 %, by degrees of freedom; NaN where there are none."""
    return np.where(degrees < 1, np.nan, np.where(degrees <= len(STUDENT), np.take(STUDENT, degrees - 1, mode="clip"),
                                                  1.96 + 2.5 / np.maximum(degrees, 1)))


def over_replicas(values):
    """Mean, and half of its interval, of values (replica, ...): of the replicas that have a value there. NaN where none has, or for
    the half just one."""
    n = np.isfinite(values).sum(axis=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # where nothing is known
        return np.nanmean(values, axis=0), quantile(n - 1) * np.nanstd(values, axis=0, ddof=1) / np.sqrt(n)


def over_tasks(values):
    """Mean over tasks, of values (replica, iteration, task, ...): of those that have a value."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return np.nanmean(values, axis=2)
