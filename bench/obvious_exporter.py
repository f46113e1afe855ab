"""The exporter one would write first in Python: prometheus_client and one connection, one request
after the other. The same command line, and the same series, as obvious_exporter.cpp."""

import http.client
import json
import signal
import socketserver
import statistics
import sys
import threading
import time
import urllib.parse
import wsgiref.simple_server

from prometheus_client import CollectorRegistry, Gauge, make_wsgi_app

FILTERED = ["query", "arc", "dkim", "dmarc", "spf", "tls_version"]
# The exporter's families that are about one query, and their labels.
FAMILIES = {
    **dict.fromkeys(["email_spoof_ratio", "email_not_spoof_ratio", "email_spoof_window_mean_ratio",
                     "email_spoof_window_stddev_ratio", "query_info"], FILTERED),
    **dict.fromkeys(["query_success", "query_last_success_timestamp_seconds",
                     "query_sample_timestamp_seconds", "query_last_updated_timestamp_seconds",
                     "query_next_poll_timestamp_seconds", "query_poll_interval_seconds",
                     "query_aggregation_interval_seconds", "query_confidence_level", "query_polls",
                     "query_failures"], ["query"]),
    "query_annotations": ["query", "event_type"],
}
EVENT_TYPES = ["EVENT", "GENERAL", "OUTAGE", "PARTIAL_PROJECTION", "PIPELINE", "TRAFFIC_ANOMALY",
               "OTHER"]


class Server(socketserver.ThreadingMixIn, wsgiref.simple_server.WSGIServer):
    """As prometheus_client's start_http_server has it, which does not tell which port is free."""

    daemon_threads = True


class Handler(wsgiref.simple_server.WSGIRequestHandler):
    def log_message(self, *_):
        pass


def poll(connection, path, token, labels, gauges):
    connection.request("GET", path, headers={"Authorization": f"Bearer {token}"})
    result = json.loads(connection.getresponse().read())["result"]
    series = result["serie_0"]
    spoof = [float(each) / 100 for each in series["SPOOF"]]
    latest = len(spoof) - 2  # the last bucket is still filling
    now = time.time()
    by_filter = {"email_spoof_ratio": spoof[latest],
                 "email_not_spoof_ratio": float(series["NOT_SPOOF"][latest]) / 100,
                 "email_spoof_window_mean_ratio": statistics.fmean(spoof[:latest]),
                 "email_spoof_window_stddev_ratio": statistics.pstdev(spoof[:latest]),
                 "query_info": 1}
    by_query = {"query_success": 1, "query_last_success_timestamp_seconds": now,
                "query_sample_timestamp_seconds": now - 900,
                "query_last_updated_timestamp_seconds": now,
                "query_next_poll_timestamp_seconds": now + 86400,
                "query_poll_interval_seconds": 86400, "query_aggregation_interval_seconds": 900,
                "query_confidence_level": result["meta"]["confidenceInfo"]["level"],
                "query_polls": 1, "query_failures": 0}
    for name, value in by_filter.items():
        gauges[name].labels(**labels).set(value)
    for name, value in by_query.items():
        gauges[name].labels(query=labels["query"]).set(value)
    for event_type in EVENT_TYPES:
        gauges["query_annotations"].labels(query=labels["query"], event_type=event_type).set(0)


def main(base_url, token, query_file):
    registry = CollectorRegistry()
    gauges = {name: Gauge(f"cloudflare_radar_{name}", "As the exporter's family of that name.",
                          labels, registry=registry) for name, labels in FAMILIES.items()}
    server = wsgiref.simple_server.make_server("127.0.0.1", 0, make_wsgi_app(registry), Server,
                                               Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print("listening on", server.server_port, flush=True)

    url = urllib.parse.urlsplit(base_url)
    connection = http.client.HTTPConnection(url.netloc)
    with open(query_file, encoding="ascii") as file:
        for line in file:
            query, labels = line.split()
            poll(connection, f"{url.path}/radar/email/security/timeseries_groups/spoof?{query}",
                 token, dict(pair.split("=") for pair in labels.split(",")), gauges)
    print("all polled", flush=True)
    signal.pause()


if __name__ == "__main__":
    main(*sys.argv[1:])
