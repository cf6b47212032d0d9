/* Calls a feed back in a loop, as the vendor's thread does: what one callback costs, without an interpreter around it. */

#include <stdint.h>
#include <string.h>
#include <time.h>

typedef uint16_t wch;
typedef struct { const wch *ticker, *exchange; int32_t feed; } Asset;
typedef struct { uint8_t version; const wch *ticker, *exchange; uint8_t feed; } Identifier;
typedef struct { uint16_t year, month, weekday, day, hour, minute, second, ms; } SystemTime;
typedef struct {
    uint8_t version;
    SystemTime date;
    uint32_t number;
    double price;
    int64_t qty;
    double volume;
    int32_t buyer, seller;
    uint8_t type;
} Trade;

typedef void (*NewTrade)(Asset, const wch *, uint32_t, double, double, int32_t, int32_t, int32_t, int32_t, wch);
typedef void (*ConnectorTrade)(Identifier, void *, uint32_t);
typedef void (*OfferBookV2)(Asset, int32_t, int32_t, int32_t, int64_t, int32_t, int64_t, double, wch, wch, wch, wch, wch,
                            const wch *, void *, void *);

static const wch TICKER[] = u"WDOV26", EXCHANGE[] = u"F", DATE[] = u"11/09/2026 09:30:00.123";
static const Asset ASSET = {TICKER, EXCHANGE, 0};
static const Identifier IDENTIFIER = {0, TICKER, EXCHANGE, 0};

int32_t translate_trade(void *handle, Trade *out) {
    *out = *(const Trade *)handle;
    return 0;
}

void trades(NewTrade call, int64_t n) {
    for (int64_t i = 0; i < n; i++)
        call(ASSET, DATE, (uint32_t)i, 5400.0 + (double)(i & 63) * 0.5, 1e6, 1 + (i & 7), 85, 3, 2 + (i & 1), 0);
}

void connector_trades(ConnectorTrade call, int64_t n) {
    Trade trade = {0, {2026, 9, 5, 11, 9, 30, 0, 123}, 0, 5400.0, 1, 1e6, 85, 3, 2};
    for (int64_t i = 0; i < n; i++) {
        trade.number = (uint32_t)i;
        trade.price = 5400.0 + (double)(i & 63) * 0.5;
        call(IDENTIFIER, &trade, 0);
    }
}

void offers(OfferBookV2 call, int64_t n) {
    for (int64_t i = 0; i < n; i++)
        call(ASSET, 0, i & 15, i & 1, 1 + (i & 7), 85, i, 5400.0 + (double)(i & 63) * 0.5, 1, 1, 0, 1, 1, DATE, 0, 0);
}

void clocks(void *unused, int64_t n) {
    struct timespec t;
    (void)unused;
    for (int64_t i = 0; i < n; i++) clock_gettime(CLOCK_REALTIME, &t);
}
