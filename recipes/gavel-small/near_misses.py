"""Makes near misses by rule from pairs that fit: a negation, another size, an accessory for the thing, a
colour or material that stands in an attribute. What the change does to the fit, it does to the label."""

import argparse
import random
import re

from common import read, write

MATERIALS = "acrylic canvas ceramic cotton glass leather mesh metal plastic rubber stainless steel suede vinyl wood wooden wool"
COLOURS = "black blue brown gold green pink red silver white"
KINDS = "battery bluetooth digital electric gel led solar wireless"
WORDS = f"{MATERIALS} {COLOURS} {KINDS}".split()
MEASURE = re.compile(
    r"(\d+(?:\.\d+)?)[ -]?(inch|in|ft|feet|oz|ounce|lb|gal|gallon|gb|tb|mm|cm|ml|pack|piece|pc|watt|volt|quart|person|cup)\b"
)
SIZES = [2, 3, 4, 5, 6, 8, 9, 10, 12, 13, 14, 15, 16, 18, 20, 24, 27, 30, 32, 36, 40, 42, 48, 55, 60, 64, 65, 75, 100, 128, 256]
NEGATIONS = ["{q} not {w}", "{q} no {w}", "{q} without {w}", "{q} non {w}", "not {w} {q}", "{q}, not {w}"]
SIZED = ["{q} {n} {u}", "{n} {u} {q}", "{q} {n}{u}", "{n}-{u} {q}"]
ACCESSORIES = [
    "Case for {q}", "Replacement Filter for {q}", "{q} Carrying Case", "Protective Cover for {q}", "Charger for {q}",
    "{q} Cleaning Kit", "Replacement Parts for {q}", "Screen Protector for {q}", "{q} Stand", "Battery for {q}",
    "Care Cream for {q}", "Mounting Bracket for {q}", "Storage Bag for {q}", "Adapter Compatible with {q}",
]  # fmt: skip
ACCESSORY_WORDS = re.compile("case|cover|filter|charger|kit|stand|battery|bag|bracket|cream|adapter|protector|parts")

# Probabilities of grades 4 to 1.
UNWANTED = [0.04, 0.12, 0.50, 0.34]
OTHER_SIZE = [0.06, 0.24, 0.56, 0.14]
ACCESSORY = [0.03, 0.10, 0.45, 0.42]
MOST = {"negation": 1300, "harmless": 1300, "size": 1200, "accessory": 900, "attribute": 1500}
SEED = 11


class Maker:
    def __init__(self, rng):
        self.rng = rng
        self.rows = []
        self.made = dict.fromkeys(MOST, 0)

    def room(self, kind):
        return self.made[kind] < MOST[kind]

    def add(self, kind, query, title, distribution, attributes=None):
        row = {"id": f"near-{len(self.rows)}", "query": query, "title": title, "distribution": distribution}
        self.rows.append(row | ({"attributes": attributes} if attributes else {}))
        self.made[kind] += 1

    def negation(self, row, inside, outside):
        form = self.rng.choice(NEGATIONS)
        if inside and self.room("negation"):
            query = form.format(q=row["query"], w=self.rng.choice(inside))
            self.add("negation", query, row["title"], UNWANTED)
        elif self.room("harmless") and self.rng.random() < 0.4:
            query = form.format(q=row["query"], w=self.rng.choice(outside))
            self.add("harmless", query, row["title"], row["distribution"])

    def size(self, row):
        found = MEASURE.search(row["title"].lower())
        if not found or re.search(r"\d", row["query"]) or not self.room("size"):
            return
        number, unit = found.groups()
        other = self.rng.choice([size for size in SIZES if str(size) != number])
        form = self.rng.choice(SIZED)
        self.add("size", form.format(q=row["query"], n=other, u=unit), row["title"], OTHER_SIZE)
        fits = form.format(q=row["query"], n=number, u=unit)
        self.rows.append(row | {"id": f"near-{len(self.rows)}", "query": fits})

    def accessory(self, row):
        query = row["query"]
        if self.room("accessory") and self.rng.random() < 0.35 and not ACCESSORY_WORDS.search(query.lower()):
            title = self.rng.choice(ACCESSORIES).format(q=query.title())
            self.add("accessory", query, title, ACCESSORY)

    def attribute(self, row, inside):
        if not inside or not self.room("attribute") or self.rng.random() < 0.5:
            return
        word = inside[0]
        title = re.sub(rf"(?i)[,/ -]*\b{word}\b", "", row["title"], count=1).strip(" ,-")
        name = "material" if word in MATERIALS.split() else "color" if word in COLOURS.split() else "type"
        query, distribution = self.rng.choice(
            [
                (row["query"], row["distribution"]),
                (f"{word} {row['query']}", row["distribution"]),
                (f"{row['query']} not {word}", UNWANTED),
            ]
        )
        self.add("attribute", query, title, distribution, {name: word})


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", nargs="+", required=True, help="pairs with distributions")
    parser.add_argument("--out", required=True)
    parser.add_argument("--rows", type=int, default=4500)
    args = parser.parse_args()
    rng = random.Random(SEED)
    rows = [row for path in args.data for row in read(path)]
    fitting = [row for row in rows if sum(row["distribution"][:2]) > 0.75 and 2 <= len(row["query"].split()) <= 5]
    rng.shuffle(fitting)
    maker = Maker(rng)
    for row in fitting:
        title = set(re.findall("[a-z]+", row["title"].lower()))
        query = set(re.findall("[a-z]+", row["query"].lower()))
        inside = [word for word in WORDS if word in title - query]
        outside = [word for word in WORDS if word not in title | query]
        maker.negation(row, inside, outside)
        maker.size(row)
        maker.accessory(row)
        maker.attribute(row, inside)
    rng.shuffle(maker.rows)
    write(args.out, maker.rows[: args.rows])
    print(maker.made)


if __name__ == "__main__":
    main()
