"""What an answer of the Radar API may put on the page, worked out a second time.

Written from the documented contract of the metrics and of the API alone, in another language and
without a look at the exporter's parser, so that the two can only agree by both being right."""
