from __future__ import annotations

from quantumtrader.types import PX_NONE, Action, Kind


class L2Book:
    def __init__(self) -> None:
        self.sides = {1: {}, -1: {}}
        self.valid = True
        self.gaps = 0

    def apply(self, r):
        kind, action, side = r[12], r[13], r[14]
        if kind == Kind.GAP:
            self.gaps += 1
            self.valid = False
            return
        if kind != Kind.LEVEL:
            return
        if action == Action.SNAPSHOT_BEGIN:
            self.sides = {1: {}, -1: {}}
            self.valid = False
        elif action == Action.SNAPSHOT_END:
            self.valid = True
        elif action == Action.CLEAR:
            if side == 0:
                self.sides = {1: {}, -1: {}}
                self.valid = True
            else:
                self.sides[side] = {}
        elif action == Action.DELETE or r[6] == 0:
            self.sides[side].pop(r[4], None)
        else:
            self.sides[side][r[4]] = r[6]

    def size_at(self, side, px):
        return self.sides.get(side, {}).get(px, 0)

    def levels(self, side, n):
        return [(p, self.sides[side][p]) for p in sorted(self.sides[side], reverse=side > 0)[:n]]

    def best(self):
        b = self.levels(1, 1) or [(PX_NONE, 0)]
        a = self.levels(-1, 1) or [(PX_NONE, 0)]
        return (*b[0], *a[0])


class OrderBook(L2Book):
    pass
