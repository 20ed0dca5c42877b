"""Fills the last column of distances.csv with what marnet says, without the Corinth Canal.

    python -m pip install searoute==1.6.0
    python marnet.py    # in this folder
"""
import csv

import searoute

at = {}
for name in ("ports.csv", "table_ports.csv"):
    for code, _, lat, lon in list(csv.reader(open(name)))[1:]:
        at[code] = [float(lon), float(lat)]

network = searoute.setup_M()
network.remove_edges_from(
    [(a, b) for a, b in network.edges if all(22.9 < lon < 23.1 and 37.8 < lat < 38.1 for lon, lat in (a, b))]
)

lines = open("distances.csv").read().splitlines()
with open("distances.csv", "w") as out:
    for line in lines:
        if line.startswith(("#", "from,")):
            print(line, file=out)
            continue
        a, b, nm, shut, table, _ = line.split(",")
        try:
            way = searoute.searoute(at[a], at[b], units="naut", M=network, restrictions=["northwest"] + [s for s in [shut] if s])
            marnet = round(way["properties"]["length"])
        except Exception:
            marnet = ""  # no way
        print(a, b, nm, shut, table, marnet, sep=",", file=out)
