/* A ProfitDLL client in C, on the simulator: log in, subscribe a ticker, count its trades.

   cc -o client client.c -ldl
   ./client PATH_TO/libprofitdll_sim16.so

   With the vendor's library on Windows the same calls work through LoadLibrary and GetProcAddress; leave out QtSim*. */

#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

typedef uint16_t wch;
typedef struct { const wch *ticker, *exchange; int32_t feed; } Asset;

static volatile int connected, trades;

static void on_state(int32_t type, int32_t result) {
    if (type == 2 && result == 4) connected = 1; /* market data are connected */
}

/* Called on the library's own thread: copy what is needed and return; never call the library from here. */
static void on_trade(Asset asset, const wch *date, uint32_t number, double price, double volume, int32_t quantity,
                     int32_t buyer, int32_t seller, int32_t type, wch edit) {
    if (trades++ == 0)
        printf("first trade: %c%c%c.. %.1f x %d, %s\n", (char)asset.ticker[0], (char)asset.ticker[1], (char)asset.ticker[2],
               price, quantity, type == 2 ? "buyer was the aggressor" : "seller was the aggressor");
    (void)date, (void)number, (void)volume, (void)buyer, (void)seller, (void)edit;
}

/* The slots that must hold a function of the right type. */
static void no_daily(Asset a, const wch *d, double o, double h, double l, double c, double v, double j, double x, double n,
                     double b, double s, int32_t q, int32_t t, int32_t oc, int32_t qb, int32_t qs, int32_t tb, int32_t ts) {
    (void)a, (void)d, (void)o, (void)h, (void)l, (void)c, (void)v, (void)j, (void)x, (void)n, (void)b, (void)s, (void)q;
    (void)t, (void)oc, (void)qb, (void)qs, (void)tb, (void)ts;
}
static void no_progress(Asset a, int32_t p) { (void)a, (void)p; }
static void no_tiny(Asset a, double p, int32_t q, int32_t s) { (void)a, (void)p, (void)q, (void)s; }

int main(int argc, char **argv) {
    void *library = argc > 1 ? dlopen(argv[1], RTLD_NOW) : NULL;
    if (!library) return fprintf(stderr, "usage: client LIBRARY (%s)\n", argc > 1 ? dlerror() : "no path"), 2;
    int32_t (*initialise)(const wch *, const wch *, const wch *, void *, void *, void *, void *, void *, void *, void *, void *);
    int32_t (*subscribe)(const wch *, const wch *);
    int32_t (*finalise)(void);
    int64_t (*step)(int64_t);
    *(void **)&initialise = dlsym(library, "DLLInitializeMarketLogin");
    *(void **)&subscribe = dlsym(library, "SubscribeTicker");
    *(void **)&finalise = dlsym(library, "DLLFinalize");
    *(void **)&step = dlsym(library, "QtSimStep");
    int32_t result = initialise(u"key", u"user", u"password", on_state, on_trade, no_daily, NULL, NULL, NULL, no_progress, no_tiny);
    if (result) return fprintf(stderr, "initialise answered 0x%08X\n", (unsigned)result), 1;
    for (int i = 0; !connected && i < 500; i++) usleep(10000);
    if (!connected) return fputs("no connection after five seconds\n", stderr), 1;
    if ((result = subscribe(u"WDOU25", u"F"))) return fprintf(stderr, "subscribe answered 0x%08X\n", (unsigned)result), 1;
    step(5000); /* the simulated market stands still until told to go on */
    printf("%d synthetic trades\n", trades);
    return finalise() || !trades;
}
