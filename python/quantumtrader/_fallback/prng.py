"""Random numbers from integers only; the twin of ``crates/qt-venue/src/prng.rs``.

xoshiro256++ (Blackman and Vigna, 2021) seeded by splitmix64. "Q16" is fixed point with 16 fractional bits.
"""

from __future__ import annotations

ONE = 1 << 16
"""One in Q16."""
_LN_2 = 45_426
_CURVE = 22_545
_MASK = (1 << 64) - 1


class Rng:
    """A xoshiro256++ generator.

    Parameters
    ----------
    seed : int
        0 to 2**64 - 1.
    """

    __slots__ = ("_a", "_b", "_c", "_d")

    def __init__(self, seed: int) -> None:
        words = []
        for _ in range(4):
            seed = (seed + 0x9E3779B97F4A7C15) & _MASK
            x = ((seed ^ (seed >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
            x = ((x ^ (x >> 27)) * 0x94D049BB133111EB) & _MASK
            words.append(x ^ (x >> 31))
        self._a, self._b, self._c, self._d = words

    def next_u64(self) -> int:
        """Return 64 random bits."""
        a, b, c, d = self._a, self._b, self._c, self._d
        x = (a + d) & _MASK
        out = (((x << 23) | (x >> 41)) + a) & _MASK
        t = (b << 17) & _MASK
        c ^= a
        d ^= b
        self._b = b ^ c
        self._a = a ^ d
        self._c = c ^ t
        self._d = ((d << 45) | (d >> 19)) & _MASK
        return out

    def below(self, n: int) -> int:
        """Return a number in ``0..n - 1``, for ``n`` below 2**32."""
        return ((self.next_u64() >> 32) * n) >> 32

    def chance(self, per_mille: int) -> bool:
        """Return True with probability ``per_mille`` / 1000."""
        return self.below(1000) < per_mille

    def _exp2_q16(self) -> int:
        x = self.next_u64() | 1
        zeros = 64 - x.bit_length()
        m = ((x << (zeros + 1)) & _MASK) >> 48
        curve = (((m * (ONE - m)) >> 16) * _CURVE) >> 16
        return ((zeros + 1) << 16) - m - curve

    def exp_q16(self) -> int:
        """Return an exponential variate of mean 1 in Q16."""
        return (self._exp2_q16() * _LN_2) >> 16

    def pareto(self, inverse_tail: int, cap: int) -> int:
        """Return a Pareto variate >= 1 rounded down, at most ``cap``."""
        e = (self._exp2_q16() * inverse_tail) >> 16
        whole, m = e >> 16, e & (ONE - 1)
        curve = (((m * (ONE - m)) >> 16) * _CURVE) >> 16
        return cap if whole >= 20 else min(((ONE + m - curve) << whole) >> 16, cap)
