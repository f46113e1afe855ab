"""A Radar API that answers truly, and then spoils its answers in every layer: what they say, how
that is spelled, and how it is sent."""
