"""What a server counts, in the format of Prometheus."""

import prometheus_client as prometheus

SECONDS = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30)
ROWS = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024)


class Metrics:
    """Counts of one server; several servers in one process do not mix."""

    def __init__(self):
        self.registry = prometheus.CollectorRegistry()
        own = {"registry": self.registry}
        self.requests = prometheus.Counter(
            "tfgan_zoo_requests_total", "Requests by their end.", ("protocol", "model", "code"), **own
        )
        self.seconds = prometheus.Histogram(
            "tfgan_zoo_request_seconds", "From request to answer.", ("protocol", "model"), buckets=SECONDS, **own
        )
        self.batches = prometheus.Histogram(
            "tfgan_zoo_batch_rows", "Rows that were computed together.", ("model",), buckets=ROWS, **own
        )
        self.waiting = prometheus.Gauge("tfgan_zoo_requests_waiting", "Requests that wait or are computed.", **own)
        self.versions = prometheus.Gauge("tfgan_zoo_versions_loaded", "Versions in memory.", ("model",), **own)

    def ended(self, protocol: str, model: str, code: str, seconds: float) -> None:
        """Count a request. `model` is "" where there is none of that name, so that clients cannot invent series."""
        self.requests.labels(protocol, model, code).inc()
        self.seconds.labels(protocol, model).observe(seconds)

    def text(self) -> bytes:
        """All counts, for a scrape."""
        return prometheus.generate_latest(self.registry)
