"""Ask a server for images from many clients at once and print images/s and the time of a request.

Needs Python's standard library alone:

    python export/load_test.py dcgan_mnist --clients 16 --seconds 30 --count 1 --url http://localhost:8501
"""

import argparse
import concurrent.futures
import statistics
import time

import client_example


def run(url: str, model: str, clients: int, seconds: float, count: int) -> dict[str, float]:
    """Images a second, and the 50th and 99th percentile of a request's milliseconds."""
    end = time.perf_counter() + seconds

    def client(number: int) -> list[float]:
        times = []
        while (began := time.perf_counter()) < end:
            client_example.ask(url, model, count, seed=number * 1_000_000 + len(times))
            times.append(1000 * (time.perf_counter() - began))
        return times

    with concurrent.futures.ThreadPoolExecutor(clients) as pool:
        began = time.perf_counter()
        times = [one for each in pool.map(client, range(clients)) for one in each]
        took = time.perf_counter() - began
    hundredths = statistics.quantiles(times, n=100) if len(times) > 1 else times * 99
    return {"images/s": count * len(times) / took, "p50 ms": hundredths[49], "p99 ms": hundredths[98]}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("model")
    options = {"clients": 8, "seconds": 10.0, "count": 1, "url": "http://localhost:8501"}
    for option, default in options.items():
        parser.add_argument(f"--{option}", type=type(default), default=default)
    given = vars(parser.parse_args())
    for name, value in run(given.pop("url"), given.pop("model"), **given).items():
        print(f"{name:10} {value:10.1f}")
