"""Mutations of the shares, and of the arrays that they stand in."""

import math

from .target import mutation

# No mail, in the ways in which sibling data sets say so.
GAPS = [("0.0", "0.0"), (None, None), ("", ""), ("NaN", "NaN"), (0, 0), ("0", "0.000"),
        (0.0, "0"), ("1e-999", "0"), ("nan", "nan"), (None, ""), ("", "0"), (None, "NaN")]
# Two shares that cannot be.
BROKEN = [(None, "80"), ("20", None), ("", "80"), ("x", "80"), ("-0.5", "100"), ("101", "0"),
          ("60", "60"), ("1e999", "0"), ("+10", "90"), (" 10", "90"), ("10 ", "90"),
          ("0x10", "90"), ("1,5", "90"), ("1_0", "90"), ("inf", "0"), ("infinity", "0"),
          (True, "90"), ([], "90"), ({}, "90"), ("10%", "90"), ("NaN", "90"), (-1, 101),
          ("50", "50.2"), ("10\u0000", "90"), ("\u0661\u0660", "90"), (["10"], ["90"])]
# Two that can, in unusual spellings. {} is a number that tells the answer.
SPELLINGS = [("1.4e-05", "99.999986"), ("1", "99"), ("1.0", "99.0"), ("{}", "1"), ("{}", "0.5"),
             ("1E1", "90"), ("100", "0"), ("0", "100"), ("0.0", "100.0"), ("99.99", "0.01"),
             ("050", "50"), (".5", "99.5"), ("5.", "95"), ("-0", "100"), ("100.005", "0"),
             ("33.333333333333333333333333", "66"), ("2e1", "8e1"), ("50.005", "50.004")]


@mutation("document", 3)
def without_mail(target):
    """One bucket, a few around the newest, or all."""
    choice = target.rng.randrange(8)
    if choice == 0:
        places = range(len(target.starts))
    elif choice == 1:
        places = range(target.place - target.rng.randrange(4), target.place + 1)
    else:
        places = [target.some_place()]
    gap = target.rng.choice(GAPS)
    for place in places:
        target.put(place, *gap)


@mutation("document", 3)
def broken_pair(target):
    """Mostly in a bucket that is used, at times in one that is not."""
    target.put(target.some_place(), *target.rng.choice(BROKEN))


@mutation("document", 2)
def spelling(target):
    spoof, not_spoof = target.rng.choice(SPELLINGS)
    spoof = spoof.format(target.rng.randrange(1_000_000, 60_000_000) / 1e6)
    target.put(target.some_place(), spoof, not_spoof)


@mutation("document")
def numbers_for_strings(target):
    for name in ("SPOOF", "NOT_SPOOF"):
        numbers = [float(each) for each in target.series[name]]
        if not all(map(math.isfinite, numbers)):
            raise ValueError("JSON has no such number")
        target.series[name] = numbers


@mutation("document")
def filling_bucket(target):
    """Whatever stands in a bucket that is not complete is not looked at."""
    for place, start in enumerate(target.starts):
        if start + target.length > target.updated:
            target.put(place, *target.rng.choice(BROKEN + GAPS))


@mutation("document")
def first_bucket(target):
    """Likewise in the first one, where it begins before the time that was asked for."""
    target.put(0, *target.rng.choice(BROKEN + GAPS))


@mutation("document")
def class_arrays(target):
    """Missing, empty, or of another type."""
    names = target.rng.choice((["SPOOF"], ["NOT_SPOOF"], ["SPOOF", "NOT_SPOOF"]))
    choice = target.rng.randrange(6)
    for name in names:
        if choice == 0:
            del target.series[name]
        elif choice == 1:
            target.series[name] = []
        elif choice == 2:
            target.series[name.lower()] = target.series.pop(name)
        else:
            target.series[name] = (None, {}, "10")[choice - 3]


@mutation("document")
def without_classes(target):
    """How a series without any mail comes: with timestamps alone."""
    for name in ("SPOOF", "NOT_SPOOF"):
        del target.series[name]


@mutation("document", 2)
def third_class(target):
    """That shares the hundred, or is nonsense that nobody asked for."""
    third = []
    for place, spoof in enumerate(target.series["SPOOF"]):
        share = target.rng.randrange(1, 1_500_000) / 1e6
        target.series["NOT_SPOOF"][place] = f"{max(100 - float(spoof) - share, 0):.6f}"
        third.append(f"{share:.6f}")
    target.series["UNKNOWN"] = target.rng.choice((third, third, [], None, "x", [None] * len(third)))


@mutation("document")
def sums(target):
    """Of all buckets: from 90 to what cannot be."""
    by = target.rng.choice((-8, -2.4, -0.01, 0.005, 0.01, 0.02, 5))
    for place, value in enumerate(target.series["NOT_SPOOF"]):
        target.series["NOT_SPOOF"][place] = f"{max(float(value) + by, 0):.6f}"


@mutation("document")
def swapped_classes(target):
    """True as well; only the names tell the classes apart."""
    series = target.series
    target.result[target.own.name] = {name: series[name] for name in reversed(series)}
