/* What the machine can do when nothing but the work is left: hand-written kernels over the same 64-byte event
   records that the engine reads. They know nothing of gaps, sessions, snapshots or prices outside their
   ladder, which is why they are a floor and not a competitor. `floor.py` compiles and checks them. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#define TICKS 16384 /* dense ladder; `base` is the price of index 0 */
#define LEVEL 3     /* Kind::Level */
#define TRADE 1     /* Kind::Trade */

typedef struct {
    int64_t ts_event, ts_recv, sequence, id;
    int32_t px, px_ask, size, size_ask, ref_a, ref_b;
    uint16_t instrument, flags;
    uint8_t kind, action;
    int8_t side;
    uint8_t reserved;
} Event;

_Static_assert(sizeof(Event) == 64, "the record is 64 bytes");

/* One side per array, the best price of each kept as an index. */
typedef struct {
    int32_t bid[TICKS], ask[TICKS];
    int32_t best_bid, best_ask, base;
} Book;

Book *book_new(int32_t base) {
    Book *b = calloc(1, sizeof *b);
    if (b) {
        b->best_bid = -1;
        b->best_ask = TICKS;
        b->base = base;
    }
    return b;
}

void book_free(void *b) { free(b); }

static inline void book_apply(Book *b, const Event *e) {
    int32_t p = e->px - b->base, q = e->size;
    if (e->side > 0) {
        b->bid[p] = q;
        if (q > 0) {
            if (p > b->best_bid) b->best_bid = p;
        } else if (p == b->best_bid) {
            while (b->best_bid >= 0 && b->bid[b->best_bid] == 0) b->best_bid--;
        }
    } else {
        b->ask[p] = q;
        if (q > 0) {
            if (p < b->best_ask) b->best_ask = p;
        } else if (p == b->best_ask) {
            while (b->best_ask < TICKS && b->ask[b->best_ask] == 0) b->best_ask++;
        }
    }
}

/* Level updates with one branch per side: the side is a coin flip, so the branch predictor cannot help.
   Returns a checksum over the touch after every update. */
int64_t book_branchy(Book *b, const Event *e, int64_t n) {
    int64_t sum = 0;
    for (int64_t i = 0; i < n; i++) {
        if (e[i].kind != LEVEL) continue;
        book_apply(b, &e[i]);
        sum += b->best_bid ^ b->best_ask;
    }
    return sum;
}

/* The same with the side folded into an index: best[s] holds +price for bids and -price for asks, so "better"
   is "greater" on both sides and the coin flip is gone. */
typedef struct {
    int32_t size[2][TICKS];
    int32_t best[2], base;
} Folded;

Folded *folded_new(int32_t base) {
    Folded *b = calloc(1, sizeof *b);
    if (b) {
        b->best[1] = -1;
        b->best[0] = -TICKS;
        b->base = base;
    }
    return b;
}

int64_t book_folded(Folded *b, const Event *e, int64_t n) {
    int64_t sum = 0;
    for (int64_t i = 0; i < n; i++) {
        if (e[i].kind != LEVEL) continue;
        int s = e[i].side > 0;
        int32_t p = e[i].px - b->base, q = e[i].size, key = s ? p : -p, best = b->best[s];
        b->size[s][p] = q;
        int32_t now = q == 0 ? best : (key > best ? key : best);
        if (__builtin_expect(q == 0 && key == best, 0)) {
            int32_t step = s ? -1 : 1;
            while (p >= 0 && p < TICKS && b->size[s][p] == 0) p += step;
            now = s ? p : -p;
        }
        b->best[s] = now;
        sum += b->best[1] ^ -b->best[0];
    }
    return sum;
}

/* After every level update: order-flow imbalance of the update (Cont, Kukanov and Stoikov, 2014), imbalance of
   the five best occupied levels, and the size-weighted mid less the mid, in ticks. One row of three each; NaN
   while the touch is not defined, and the first good touch afterwards only sets the reference. */
int64_t stream(Book *b, const Event *e, int64_t n, double *out) {
    int32_t pb = 0, pa = 0, qb = 0, qa = 0;
    int64_t rows = 0;
    int known = 0;
    for (int64_t i = 0; i < n; i++) {
        if (e[i].kind != LEVEL) continue;
        book_apply(b, &e[i]);
        int32_t nb = b->best_bid, na = b->best_ask;
        double *row = out + 3 * rows++;
        if (nb < 0 || na >= TICKS || nb >= na) {
            row[0] = row[1] = row[2] = __builtin_nan("");
            known = 0;
            continue;
        }
        int32_t sb = b->bid[nb], sa = b->ask[na];
        row[0] = known ? (nb >= pb ? sb : 0) - (nb <= pb ? qb : 0) - (na <= pa ? sa : 0) + (na >= pa ? qa : 0)
                       : __builtin_nan("");
        known = 1;
        int64_t db = 0, da = 0;
        for (int32_t p = nb, k = 0; p >= 0 && k < 5; p--)
            if (b->bid[p]) db += b->bid[p], k++;
        for (int32_t p = na, k = 0; p < TICKS && k < 5; p++)
            if (b->ask[p]) da += b->ask[p], k++;
        row[1] = (double)(db - da) / (double)(db + da);
        row[2] = ((double)nb * sa + (double)na * sb) / (double)(sb + sa) - 0.5 * (nb + na);
        pb = nb, pa = na, qb = sb, qa = sa;
    }
    return rows;
}

/* A do-nothing strategy called every `step` ns over the whole stream: book kept, trades summed. */
int64_t replay(Book *b, const Event *e, int64_t n, int64_t step, int64_t *calls) {
    int64_t sum = 0, next = n ? e[0].ts_event + step : 0;
    *calls = 0;
    for (int64_t i = 0; i < n; i++) {
        while (e[i].ts_event > next) {
            sum += b->best_bid ^ b->best_ask;
            next += step;
            ++*calls;
        }
        if (e[i].kind == LEVEL) book_apply(b, &e[i]);
        else if (e[i].kind == TRADE) sum += e[i].size;
    }
    return sum;
}
