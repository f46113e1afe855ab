"""Mutations of annotations and of the confidence."""

from oracle.readings import grid_floor

from .target import mutation
from .true_answer import text_of

PROJECTION = "PARTIAL_PROJECTION"


@mutation("document", 3)
def projection(target):
    """Over the newest complete bucket or the last; spelled so that it is told, or only guessed."""
    rng = target.rng
    starts = target.starts
    if rng.random() < 0.6:
        # The data set says that it is complete up to its end: only the annotation knows better.
        end = starts[-1] + target.length
        target.meta["lastUpdated"] = text_of(min(end, grid_floor(target.now, "15m")))
    start = starts[target.place if rng.random() < 0.5 else -1]
    begin, end = text_of(start), text_of(start + target.length)
    times = rng.choice((
        {"startDate": begin, "endDate": end}, {"startDate": begin, "endDate": end},
        {"startDate": end, "endDate": begin}, {"startDate": begin[:10], "endDate": end[:10]},
        {"startDate": begin}, {"endDate": end}, {}, {"startDate": None, "endDate": None},
        {"startDate": "", "endDate": ""}, {"startDate": begin[:-1], "endDate": end[:-1]},
        {"startDate": text_of(start + 60), "endDate": text_of(start + target.length - 60)},
        {"startDate": start, "endDate": start + target.length},
        {"startDate": begin, "endDate": begin},
        {"startDate": begin, "endDate": end, "isInstantaneous": True}))
    before = rng.choice((0, 0, 0, 1, 1_000, 1_100))
    for _ in range(before):
        target.annotate(startDate=text_of(0), endDate=text_of(1))
    target.annotate(eventType=rng.choice((PROJECTION, PROJECTION, PROJECTION.lower(),
                                          "Partial_Projection")), **times)
    info = target.meta["confidenceInfo"]
    shape = rng.randrange(12)
    if shape == 0:
        info["annotations"] = info["annotations"][-1]
    elif shape == 1:
        info["annotations"] = [info["annotations"]]
    elif shape == 2:
        info["annotations"] = {"0": info["annotations"][-1]}


@mutation("document")
def annotations_shape(target):
    target.meta["confidenceInfo"]["annotations"] = target.rng.choice(
        (None, {}, "none", 0, [None], [7], ["x"], [[]], [{}], [[[[]]]], True))


@mutation("document")
def annotations_missing(target):
    del target.meta["confidenceInfo"]["annotations"]


@mutation("document", 2)
def remarks(target):
    """Of every type, over the sample or beside it."""
    rng = target.rng
    for _ in range(rng.randrange(1, 6)):
        start = target.starts[target.place] + rng.choice((-3, -1, 0, 0, 0, 1)) * target.length
        start += rng.choice((0, 0, 100))
        fields = {"startDate": text_of(start),
                  "endDate": text_of(start + rng.choice((0, 100, target.length)))}
        fields["eventType"] = rng.choice(
            ("EVENT", "GENERAL", "OUTAGE", "PIPELINE", "TRAFFIC_ANOMALY", "NEW_TYPE", "outage", ""))
        target.annotate(**fields)


@mutation("document")
def confidence(target):
    target.meta["confidenceInfo"]["level"] = target.rng.choice(
        (None, 0, 1, 6, -1, "5", "x", 2.5, 1e30, [], {}, True))


@mutation("document")
def confidence_info(target):
    if target.rng.random() < 0.3:
        del target.meta["confidenceInfo"]
    else:
        target.meta["confidenceInfo"] = target.rng.choice((None, {}, {"level": 2}, [], "high", 5))
