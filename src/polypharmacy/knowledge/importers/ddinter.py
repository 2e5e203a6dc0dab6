"""DDInter's CSV: DDInterID_A,Drug_A,DDInterID_B,Drug_B,Level.

Xiong G, Yang Z, Yi J, et al. DDInter: an online drug-drug interaction database. Nucleic Acids Res 2022;50:D1200-D1207.
"""

import csv
from pathlib import Path
from typing import Any

from polypharmacy.knowledge.importers.resolver import Resolver
from polypharmacy.knowledge.layer import ImportProblem, LayerPair
from polypharmacy.knowledge.vocabulary import Severity

COLUMNS = ("DDInterID_A", "Drug_A", "DDInterID_B", "Drug_B", "Level")
LEVELS = {
    "Major": Severity.AVOID,
    "Moderate": Severity.ADJUST,
    "Minor": Severity.AWARE,
    "Unknown": Severity.AWARE,
}


def read_ddinter(path: Path, resolver: Resolver) -> dict[str, Any]:
    """Pairs by DDInter's level; of a pair listed twice the higher stands."""
    pairs: dict[tuple[str, str], LayerPair] = {}
    rows = skipped = 0
    with path.open(encoding="utf-8-sig", newline="") as file:
        try:
            reader = csv.reader(file)
            header = next(reader, [])
            if tuple(h.strip() for h in header) != COLUMNS:
                raise ImportProblem(f"{path.name}, line 1: expected the columns {','.join(COLUMNS)}")
            for row in reader:
                if not row:
                    continue
                rows += 1
                where = f"{path.name}, line {reader.line_num}"
                if len(row) != len(COLUMNS):
                    raise ImportProblem(f"{where}: {len(row)} cells where {len(COLUMNS)} are expected")
                level = row[4].strip()
                if level not in LEVELS:
                    raise ImportProblem(f"{where}: Level {level!r} is none of {', '.join(LEVELS)}")
                key = resolver.pair(row[1], row[3])
                if key is None:
                    skipped += 1
                    continue
                held = pairs.get(key)
                if held is None or LEVELS[level].rank > held.severity.rank:
                    pairs[key] = LayerPair(a=key[0], b=key[1], level=level, severity=LEVELS[level])
        except (UnicodeDecodeError, csv.Error) as error:
            raise ImportProblem(f"{path.name}, after line {rows + 1}: not a readable CSV file ({error})") from None
    if rows == 0:
        raise ImportProblem(f"{path.name}: no rows under the header")
    return {"rows": rows, "skipped": skipped, "pairs": tuple(pairs[k] for k in sorted(pairs))}
