"use strict";
(() => {
  const UP = "#2fbf8f", DOWN = "#ef5b6b", DIM = "#8b96a5", LINE = "#232a34", ACCENT = "#5aa9ff", TEXT = "#d7dde6";
  const byId = (id) => document.getElementById(id);
  const LOCALE = WORDS.lang === "pt" ? "pt-BR" : "en-US";
  const num = (v, d) => v.toLocaleString(LOCALE, { minimumFractionDigits: d, maximumFractionDigits: d });
  const two = (n) => String(n).padStart(2, "0");
  // Times are seconds of the instrument's local clock, so they are read back as if they were UTC.
  const clock = (s, day) => {
    const d = new Date(s * 1000), t = `${two(d.getUTCHours())}:${two(d.getUTCMinutes())}:${two(d.getUTCSeconds())}`;
    if (day && WORDS.lang === "pt") return `${two(d.getUTCDate())}/${two(d.getUTCMonth() + 1)}/${d.getUTCFullYear()} ${t}`;
    return day ? `${d.getUTCFullYear()}-${two(d.getUTCMonth() + 1)}-${two(d.getUTCDate())} ${t}` : t;
  };
  const duration = (s) => (s < 60 ? `${s} s` : s < 3600 ? `${s / 60} min` : s < 86400 ? `${s / 3600} h` : `${s / 86400} d`);

  let price = null;
  function drawPrice() {
    const c = DATA.candles, box = byId("price");
    byId("price-hint").textContent = WORDS.price_hint.replace("{bar}", duration(c.step));
    if (!c.t.length) return;
    price = LightweightCharts.createChart(box, {
      autoSize: true,
      localization: { locale: LOCALE, dateFormat: WORDS.lang === "pt" ? "dd/MM/yyyy" : "yyyy-MM-dd", priceFormatter: (v) => num(v, DATA.decimals) },
      layout: { background: { color: "transparent" }, textColor: DIM, attributionLogo: true },
      grid: { vertLines: { color: LINE }, horzLines: { color: LINE } },
      crosshair: { mode: LightweightCharts.CrosshairMode.Normal },
      timeScale: { timeVisible: true, secondsVisible: c.step < 60, borderColor: LINE },
      rightPriceScale: { borderColor: LINE },
    });
    const series = price.addSeries(LightweightCharts.CandlestickSeries, {
      upColor: UP, downColor: DOWN, wickUpColor: UP, wickDownColor: DOWN, borderVisible: false,
      priceFormat: { type: "price", precision: DATA.decimals, minMove: DATA.tick },
    });
    series.setData(c.t.map((t, i) => ({ time: t, open: c.o[i], high: c.h[i], low: c.l[i], close: c.c[i] })));
    const volume = price.addSeries(LightweightCharts.HistogramSeries, {
      priceScaleId: "volume", priceFormat: { type: "volume" }, lastValueVisible: false, priceLineVisible: false,
    });
    price.priceScale("volume").applyOptions({ scaleMargins: { top: 0.84, bottom: 0 } });
    volume.setData(c.t.map((t, i) => ({
      time: t, value: c.v[i], color: c.d[i] > 0 ? UP + "66" : c.d[i] < 0 ? DOWN + "66" : DIM + "55",
    })));
    const few = DATA.trades.length <= 60;
    const slot = (t) => {
      let lo = 0, hi = c.t.length - 1;
      while (lo < hi) { const m = (lo + hi + 1) >> 1; if (c.t[m] <= t) lo = m; else hi = m - 1; }
      return c.t[lo];
    };
    const marksOf = ([id, entry, exit, side, , , , , , , , , net]) => [
      {
        time: slot(entry), position: side > 0 ? "belowBar" : "aboveBar", shape: side > 0 ? "arrowUp" : "arrowDown",
        color: ACCENT, text: few ? `#${id}` : "",
      },
      {
        time: slot(exit), position: side > 0 ? "aboveBar" : "belowBar", shape: "circle", size: 0.6,
        color: net > 0 ? UP : DOWN, text: few ? (net > 0 ? "+" : "") + num(net, 2) : "",
      },
    ];
    const markers = LightweightCharts.createSeriesMarkers(series, []);
    // Thousands of arrows hide the price: of those in view, an even sample is drawn until one zooms in.
    const MOST = 150;
    const mark = (range) => {
      const seen = DATA.trades.filter((t) => !range || (t[2] >= range.from && t[1] <= range.to));
      const every = Math.ceil(seen.length / MOST);
      markers.setMarkers(seen.filter((t, i) => i % every === 0).flatMap(marksOf).sort((a, b) => a.time - b.time));
    };
    mark(null);
    price.timeScale().subscribeVisibleTimeRangeChange(mark);
    price.timeScale().fitContent();
  }

  const cursor = { sync: { key: "time" }, drag: { x: true, y: false } };
  const label = (s, span) => {
    const d = new Date(s * 1000), hm = `${two(d.getUTCHours())}:${two(d.getUTCMinutes())}`;
    if (span > 3 * 86400) return WORDS.lang === "pt" ? `${two(d.getUTCDate())}/${two(d.getUTCMonth() + 1)}` : `${two(d.getUTCMonth() + 1)}-${two(d.getUTCDate())}`;
    return span < 600 ? `${hm}:${two(d.getUTCSeconds())}` : hm;
  };
  // The time axis is labelled once, under the last chart of a group.
  const axes = (last) => [
    {
      stroke: DIM, grid: { stroke: LINE, width: 1 }, ticks: { show: false }, size: last ? 28 : 6, space: 84,
      values: (u, at) => at.map((s) => (last ? label(s, u.scales.x.max - u.scales.x.min) : "")),
    },
    { stroke: DIM, grid: { stroke: LINE, width: 1 }, ticks: { show: false }, size: 74, values: (u, at) => at.map((v) => v.toLocaleString(LOCALE)) },
  ];
  const plots = [];
  function plot(box, height, data, series, last) {
    const options = {
      width: box.clientWidth, height, cursor, axes: axes(last), legend: { live: true },
      tzDate: (s) => uPlot.tzDate(new Date(s * 1000), "Etc/UTC"),
      series: [{ label: WORDS.time, value: (u, v) => (v == null ? "–" : clock(v, true)) }, ...series],
    };
    plots.push([box, new uPlot(options, data, box), height]);
  }
  const step = () => uPlot.paths.stepped({ align: 1 });

  function drawEquity() {
    const e = DATA.equity;
    plot(byId("equity"), 230, [e.t, e.net, e.gross], [
      { label: WORDS.equity_net, stroke: ACCENT, width: 1.6, fill: ACCENT + "18", paths: step() },
      { label: WORDS.equity_gross, stroke: DIM, width: 1, dash: [4, 3], paths: step() },
    ]);
    plot(byId("drawdown"), 120, [e.t, e.drawdown], [
      { label: WORDS.drawdown, stroke: DOWN, width: 1.2, fill: DOWN + "30", paths: step() },
    ], true);
  }

  function drawPanels() {
    const p = DATA.panels, colours = [ACCENT, "#c58af9", "#e7b04b", UP, "#7fd1e0", "#f28b82", "#b8c26f"];
    const shown = Object.entries(p.columns).filter(([, values]) => values.some((v) => v !== null));
    shown.forEach(([name, values], k) => {
      const box = document.createElement("div"), cvd = name === "cvd_session";
      byId("panels").append(box);
      plot(box, cvd ? 170 : 105, [p.t, values], [
        { label: name, stroke: colours[k % colours.length], width: 1.1, fill: cvd ? ACCENT + "14" : undefined },
      ], k === shown.length - 1);
    });
  }

  function canvas(id) {
    const node = byId(id), ratio = window.devicePixelRatio || 1;
    node.width = node.clientWidth * ratio;
    node.height = node.clientHeight * ratio;
    const g = node.getContext("2d");
    g.scale(ratio, ratio);
    g.font = "11px system-ui, sans-serif";
    return [g, node.clientWidth, node.clientHeight];
  }

  // Dark blue over violet and orange to pale yellow; lightness rises all the way, so it reads in grey as well.
  const RAMP = [[13, 18, 38], [46, 30, 96], [128, 42, 122], [211, 81, 80], [247, 164, 52], [252, 247, 180]];
  const heatColour = (v) => {
    const x = Math.pow(v / 255, 1.5) * (RAMP.length - 1), k = Math.min(RAMP.length - 2, Math.floor(x)), f = x - k;
    return RAMP[k].map((c, i) => c + f * (RAMP[k + 1][i] - c));
  };
  function drawHeat() {
    const h = DATA.heat;
    if (!h || !byId("heat")) return;
    const [g, width, height] = canvas("heat"), left = 64, bottom = 20, w = width - left, ht = height - bottom;
    const bytes = Uint8Array.from(atob(h.cells), (c) => c.charCodeAt(0));
    const off = document.createElement("canvas");
    off.width = h.columns;
    off.height = h.rows;
    const og = off.getContext("2d"), image = og.createImageData(h.columns, h.rows);
    bytes.forEach((v, i) => {
      const [r, gr, b] = v ? heatColour(v) : [7, 9, 12];
      image.data.set([r, gr, b, 255], 4 * i);
    });
    og.putImageData(image, 0, 0);
    g.imageSmoothingEnabled = false;
    g.drawImage(off, left, 0, w, ht);
    const y = (px) => ((h.high - px) / (h.high - h.low)) * ht;
    // Columns hold equal numbers of events, so time runs unevenly along the axis.
    const x = (i) => left + ((i + 0.5) / h.columns) * w;
    for (const side of [h.bid, h.ask]) {
      g.beginPath();
      let down = false;
      side.forEach((px, i) => {
        if (px === null) { down = false; return; }
        if (down) g.lineTo(x(i), y(px)); else g.moveTo(x(i), y(px));
        down = true;
      });
      g.strokeStyle = "#ffffffcc";
      g.lineWidth = 1;
      g.stroke();
    }
    const column = (t) => {
      let lo = 0, hi = h.t.length - 1;
      while (lo < hi) { const m = (lo + hi) >> 1; if (h.t[m] < t) lo = m + 1; else hi = m; }
      return lo;
    };
    DATA.fills.t.forEach((t, i) => {
      const cx = x(column(t)), cy = y(DATA.fills.px[i]), s = DATA.fills.side[i];
      g.beginPath();
      g.moveTo(cx, cy - 5 * s);
      g.lineTo(cx - 4, cy + 4 * s);
      g.lineTo(cx + 4, cy + 4 * s);
      g.closePath();
      g.fillStyle = s > 0 ? UP : DOWN;
      g.fill();
      g.strokeStyle = "#000";
      g.stroke();
    });
    g.fillStyle = DIM;
    g.textAlign = "right";
    g.textBaseline = "middle";
    for (let k = 0; k <= 6; k += 1) {
      const px = h.low + ((h.high - h.low) * k) / 6;
      g.fillText(num(px, DATA.decimals), left - 6, Math.min(ht - 6, Math.max(6, y(px))));
    }
    g.textAlign = "center";
    for (let k = 0; k < 8; k += 1) {
      const i = Math.round(((k + 0.5) / 8) * (h.columns - 1));
      g.fillText(clock(h.t[i]), x(i), ht + 11);
    }
  }

  function drawRandom() {
    const r = DATA.random;
    if (!r || !byId("random")) return;
    const [g, width, height] = canvas("random"), net = Number(byId("random").dataset.net), bottom = 20;
    const low = Math.min(r.edges[0], net), high = Math.max(r.edges[r.edges.length - 1], net), span = high - low || 1;
    const x = (v) => 10 + ((v - low) / span) * (width - 20), top = Math.max(...r.counts);
    r.counts.forEach((n, i) => {
      const h = (n / top) * (height - bottom - 16);
      g.fillStyle = "#3a4656";
      g.fillRect(x(r.edges[i]), height - bottom - h, Math.max(1, x(r.edges[i + 1]) - x(r.edges[i]) - 1), h);
    });
    g.fillStyle = net > 0 ? UP : DOWN;
    g.fillRect(x(net) - 1, 14, 2, height - bottom - 14);
    g.fillStyle = TEXT;
    g.textAlign = x(net) > width - 80 ? "right" : x(net) < 80 ? "left" : "center";
    g.fillText(num(net, 2), x(net), 10);
    g.fillStyle = DIM;
    for (let k = 0; k <= 4; k += 1) {
      g.textAlign = k === 0 ? "left" : k === 4 ? "right" : "center";
      g.fillText(num(low + (span * k) / 4, 0), x(low + (span * k) / 4), height - 5);
    }
  }

  function drawTrades() {
    const table = byId("trades");
    if (!table) return;
    const body = table.tBodies[0], rows = DATA.trades.slice();
    let sorted = 0, ascending = true;
    const cell = (row, k) => {
      const v = row[k];
      if (k === 1 || k === 2) return clock(v, true);
      if (k === 3) return v > 0 ? WORDS.long : WORDS.short;
      if (k === 5 || k === 6) return num(v, DATA.decimals);
      if (k >= 10 && k <= 12) return num(v, 2);
      if (k === 13) return WORDS.codes[v] || v;
      if (k >= 7) return num(v, 1);
      return String(v);
    };
    const fill = () => {
      rows.sort((a, b) => (a[sorted] < b[sorted] ? -1 : a[sorted] > b[sorted] ? 1 : a[0] - b[0]) * (ascending ? 1 : -1));
      body.replaceChildren(...rows.map((row) => {
        const tr = document.createElement("tr");
        row.forEach((v, k) => {
          const td = document.createElement("td");
          td.textContent = cell(row, k);
          if (k === 10 || k === 12) td.className = v > 0 ? "up" : v < 0 ? "down" : "";
          tr.append(td);
        });
        tr.addEventListener("click", () => show(row));
        return tr;
      }));
      table.querySelectorAll("th").forEach((th, k) => {
        th.classList.toggle("sorted", k === sorted);
        th.classList.toggle("asc", k === sorted && ascending);
      });
    };
    const show = (row) => {
      if (!price) return;
      const margin = Math.max(30 * DATA.candles.step, row[2] - row[1]);
      price.timeScale().setVisibleRange({ from: row[1] - margin, to: row[2] + margin });
      byId("price").scrollIntoView({ behavior: "smooth", block: "center" });
    };
    table.querySelectorAll("th").forEach((th, k) => th.addEventListener("click", () => {
      ascending = k === sorted ? !ascending : k === 0;
      sorted = k;
      fill();
    }));
    fill();
  }

  drawPrice();
  drawEquity();
  drawPanels();
  drawHeat();
  drawRandom();
  drawTrades();
  let timer = 0;
  window.addEventListener("resize", () => {
    clearTimeout(timer);
    timer = setTimeout(() => {
      plots.forEach(([box, chart, height]) => chart.setSize({ width: box.clientWidth, height }));
      drawHeat();
      drawRandom();
    }, 150);
  });
})();
