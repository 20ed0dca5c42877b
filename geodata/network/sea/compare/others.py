"""Asks PyPI searoute and scgraph for the distances read from stdin and times them.

stdin:  {"pairs": [[lon, lat, lon, lat, "suez"|"panama"|""], ...], "scgraph_data": "…/marnet.py"}
stdout: {"searoute": {"nm": [...], "us": [...]}, "scgraph": {...}}; null where there is no answer.
"""
import json
import sys
import time


def timed(ask, pairs, rounds):
    nm, us = [], []
    for p in pairs:  # once to warm up
        try:
            nm.append(ask(p))
        except Exception:
            nm.append(None)
    for _ in range(rounds):
        for p, known in zip(pairs, nm):
            if known is None:
                continue
            start = time.perf_counter_ns()
            ask(p)
            us.append((time.perf_counter_ns() - start) / 1e3)
    return {"nm": nm, "us": us}


def with_searoute():
    import searoute

    def ask(p):
        shut = ["northwest"] + [x for x in [p[4]] if x]
        return searoute.searoute(p[:2], p[2:4], units="naut", restrictions=shut)["properties"]["length"]

    return ask


def with_scgraph(data):
    from scgraph import GeoGraph

    # Release 3 fetches its graphs from GitHub; the same one is inside release 2.
    names = {}
    source = open(data).read().replace("from scgraph.core import GeoGraph", "")
    exec(source.split("marnet_geograph")[0], names)
    graph = GeoGraph(graph=names["graph"], nodes=names["nodes"])

    def ask(p):
        if p[4]:
            raise ValueError("scgraph cannot shut a passage")
        return graph.get_shortest_path(
            origin_node={"longitude": p[0], "latitude": p[1]},
            destination_node={"longitude": p[2], "latitude": p[3]},
            output_units="km",
            algorithm_fn="contraction_hierarchy",
        )["length"] / 1.852

    return ask


asked = json.load(sys.stdin)
json.dump(
    {
        "searoute": timed(with_searoute(), asked["pairs"], 1),
        "scgraph": timed(with_scgraph(asked["scgraph_data"]), asked["pairs"], 3),
    },
    sys.stdout,
)
