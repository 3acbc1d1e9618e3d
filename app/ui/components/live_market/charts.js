// Candles and depth as SVG. A few paths each, so that drawing again costs little.

const SVG = "http://www.w3.org/2000/svg";
const SHOWN = { least: 12, usual: 60, most: 240 };
const VOLUME_SHARE = 0.2;
const AXIS_HEIGHT = 20;
const GLYPH = 6.6;

function svgElement(name, attributes, text) {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  if (text !== undefined) element.textContent = text;
  return element;
}

const path = (name, d) => svgElement("path", { class: name, d });

/** The lines and labels of a scale of prices or sizes at the right edge. */
function scaleOf(values, width, top, y, label) {
  const lines = path("grid", values.map((each) => `M0 ${y(each)}H${width}`).join(""));
  const texts = values.map((each) =>
    svgElement("text", { x: width + 5, y: Math.max(y(each) + 3.5, top + 8) }, label(each)),
  );
  return [lines, ...texts];
}

function tag(x, y, text, anchor) {
  const width = text.length * GLYPH + 8;
  const left = Math.max(anchor === "middle" ? x - width / 2 : x, 0);
  const group = svgElement("g", { class: "tag" });
  group.append(
    svgElement("rect", { x: left, y: y - 8, width, height: 16, rx: 3 }),
    svgElement("text", { x: left + 4, y: y + 4 }, text),
  );
  return group;
}

/** Which candles are in view; `back` intervals lie between the newest and the right edge. */
class Zoom {
  constructor() {
    this.shown = SHOWN.usual;
    this.back = 0;
  }

  by(factor) {
    this.shown = Math.round(Math.min(Math.max(this.shown * factor, SHOWN.least), SHOWN.most));
  }

  move(intervals, most) {
    this.back = Math.round(Math.min(Math.max(this.back + intervals, 0), most));
  }
}

class CandleChart {
  constructor(svg, readout, zoom) {
    this.svg = svg;
    this.readout = readout;
    this.zoom = zoom;
    this.cross = svgElement("g", {});
    this.pointer = null;
  }

  /** Draw `candles`, oldest first, of `length` milliseconds each. */
  draw(candles, length, units, name) {
    Object.assign(this, { units, length });
    const { width: all, height } = this.svg.getBoundingClientRect();
    this.svg.replaceChildren();
    this.svg.setAttribute("aria-label", `Prices of ${name} over time`);
    if (!all) return;
    if (!candles.length) {
      this.candles = [];
      this.readout.textContent = "Nothing traded yet. The first trade begins the chart.";
      return;
    }
    const newest = candles.at(-1).start;
    this.reach = (newest - candles[0].start) / length;
    this.zoom.move(0, this.reach);
    const end = newest - this.zoom.back * length;
    const count = Math.max(Math.min(this.zoom.shown, Math.ceil(this.reach) + 1), SHOWN.least * 2);
    const first = end - (Math.min(this.zoom.shown, count) - 1) * length;
    const shown = candles.filter((each) => each.start >= first && each.start <= end);
    const inView = shown.length ? shown : candles.slice(-1);
    const low = least(inView.map((each) => each.low));
    const high = greatest(inView.map((each) => each.high));
    const room = (high - low) / 12n + 1n;
    const bottom = low > room ? low - room : 0n;
    const top = high + room;
    const values = marks(bottom, top, 6);
    const label = (ticks) => units.price(ticks);
    const margin = greatest(values.map((each) => label(each).length)) * GLYPH + 8;
    const width = all - margin;
    const floor = height - AXIS_HEIGHT;
    const places = (end - first) / length + 1;
    const step = width / places;
    const y = (ticks) => Math.round((1 - share(ticks, bottom, top)) * floor * 10) / 10;
    const x = (start) => ((start - first) / length + 0.5) * step;
    Object.assign(this, { x, y, width, floor, step, first, bottom, top, candles: shown });

    const half = Math.max(Math.min(step * 0.34, 6), 0.7);
    const most = greatest(inView.map((each) => each.lots)) || 1n;
    const parts = { up: "", down: "", bulkUp: "", bulkDown: "" };
    for (const each of shown) {
      const way = each.close >= each.open ? "up" : "down";
      const at = x(each.start);
      const [upper, lower] = [y(each.open), y(each.close)].sort((a, b) => a - b);
      const body = Math.max(lower - upper, 1);
      parts[way] += `M${at} ${y(each.high)}V${y(each.low)}M${at - half} ${upper}h${2 * half}v${body}h${-2 * half}z`;
      const bulk = share(each.lots, 0n, most) * floor * VOLUME_SHARE;
      parts[way === "up" ? "bulkUp" : "bulkDown"] += `M${at - half} ${floor}v${-bulk}h${2 * half}v${bulk}z`;
    }
    this.svg.append(
      ...scaleOf(values, width, 0, y, label),
      ...this.times(first, places),
      path("bulk up", parts.bulkUp),
      path("bulk down", parts.bulkDown),
      path("up", parts.up),
      path("down", parts.down),
      this.cross,
    );
    this.point();
  }

  when(start) {
    return this.length < 3_600_000 ? minute(start) : `${day(start)} ${minute(start)}`;
  }

  /** Labels of the time axis, each at a start of a candle. */
  times(first, places) {
    const every = Math.ceil(70 / this.step);
    const texts = [];
    for (let place = Math.floor(every / 2); place < places; place += every) {
      const start = first + place * this.length;
      const text = this.length >= 14_400_000 ? day(start) : minute(start);
      const at = { x: this.x(start), y: this.floor + 15, "text-anchor": "middle" };
      if (at.x > 18 && at.x < this.width - 18) texts.push(svgElement("text", at, text));
    }
    return texts;
  }

  /** Move the cross hair to where the pointer is, and say what stands there. */
  point() {
    this.cross.replaceChildren();
    if (!this.candles?.length) return;
    let shown = this.candles.at(-1);
    if (this.pointer) {
      const wanted = this.first + Math.floor(this.pointer.x / this.step) * this.length;
      shown = this.candles.findLast((each) => each.start <= wanted) ?? this.candles[0];
      const at = this.x(shown.start);
      this.cross.append(path("cross", `M${at} 0V${this.floor}`));
      if (this.pointer.y !== null && this.pointer.y < this.floor) {
        const part = BigInt(Math.round((1 - this.pointer.y / this.floor) * 1_000_000));
        const ticks = this.bottom + ((this.top - this.bottom) * part) / 1_000_000n;
        this.cross.append(
          path("cross", `M0 ${this.pointer.y}H${this.width}`),
          tag(this.width + 1, this.pointer.y, this.units.price(ticks)),
        );
      }
      this.cross.append(tag(at, this.floor + 11, this.when(shown.start), "middle"));
    }
    const { units } = this;
    const price = (name, ticks) => `${name} ${units.price(ticks)}`;
    say(this.readout, [
      this.when(shown.start),
      price("Open", shown.open),
      price("High", shown.high),
      price("Low", shown.low),
      price("Close", shown.close),
      `Volume ${units.size(shown.lots)} ${units.base.symbol}`,
    ]);
  }

  /** Listen to pointer and keys; `again` draws anew. */
  listen(again) {
    const { svg } = this;
    svg.onpointermove = (event) => {
      if (this.dragged !== undefined) {
        const moved = Math.round((event.offsetX - this.dragged) / this.step);
        if (moved) {
          this.dragged = event.offsetX;
          this.zoom.move(moved, this.reach);
          again();
        }
      }
      this.pointer = { x: event.offsetX, y: event.offsetY };
      this.point();
    };
    svg.onpointerdown = (event) => {
      svg.setPointerCapture(event.pointerId);
      this.dragged = event.offsetX;
    };
    svg.onpointerup = svg.onpointercancel = () => (this.dragged = undefined);
    svg.onpointerleave = svg.onblur = () => {
      this.pointer = null;
      this.point();
    };
    svg.onkeydown = (event) => {
      const way = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
      if (!way || !this.candles?.length) return;
      event.preventDefault();
      const from = this.pointer ? Math.floor(this.pointer.x / this.step) : Math.round(this.width / this.step);
      const place = Math.min(Math.max(from + way, 0), Math.round(this.width / this.step) - 1);
      this.pointer = { x: (place + 0.5) * this.step, y: null };
      this.point();
    };
  }
}

class DepthChart {
  constructor(svg, readout) {
    this.svg = svg;
    this.readout = readout;
    this.cross = svgElement("g", {});
    this.pointer = null;
  }

  draw(bids, asks, units) {
    Object.assign(this, { bids, asks, units });
    const { width: all, height } = this.svg.getBoundingClientRect();
    this.svg.replaceChildren();
    this.svg.setAttribute("aria-label", `${units.base.symbol} bid and asked up to each price`);
    this.drawn = false;
    if (!all) return;
    if (!bids.length && !asks.length) {
      this.readout.textContent = "The book is empty.";
      return;
    }
    const prices = [...bids, ...asks].map((each) => each.ticks);
    this.low = least(prices);
    this.high = greatest(prices);
    const deepest = greatest([...bids, ...asks].map((each) => each.total));
    const values = marks(0n, deepest, 6).filter((each) => each);
    const label = (lots) => units.size(lots);
    const margin = greatest([...values, deepest].map((each) => label(each).length)) * GLYPH + 8;
    this.width = all - margin;
    this.floor = height - AXIS_HEIGHT;
    this.x = (ticks) => share(ticks, this.low, this.high) * this.width;
    const y = (lots) => (1 - share(lots, 0n, deepest)) * (this.floor - 4) + 4;
    this.svg.append(...scaleOf(values, this.width, 0, y, label), ...this.priceLabels());
    for (const [name, levels, edge] of [["up", bids, 0], ["down", asks, this.width]]) {
      if (!levels.length) continue;
      const start = this.x(levels[0].ticks);
      const steps = levels.map((each) => `H${this.x(each.ticks)}V${y(each.total)}`).join("");
      const line = `M${start} ${this.floor}${steps}H${edge}`;
      this.svg.append(path(`${name} area`, `${line}V${this.floor}z`), path(`${name} step`, line));
    }
    this.svg.append(this.cross);
    this.drawn = true;
    this.point();
  }

  priceLabels() {
    return marks(this.low, this.high, 6)
      .map((ticks) => ({ ticks, x: this.x(ticks) }))
      .filter(({ x }) => x > 24 && x < this.width - 24)
      .map(({ ticks, x }) =>
        svgElement("text", { x, y: this.floor + 15, "text-anchor": "middle" }, this.units.price(ticks)),
      );
  }

  point() {
    this.cross.replaceChildren();
    if (!this.drawn) return;
    const { units, bids, asks } = this;
    if (this.pointer === null) {
      const side = (levels, word) =>
        levels.length ? [`${units.size(levels.at(-1).total)} ${units.base.symbol} ${word}`] : [];
      say(this.readout, [...side(bids, "bid"), ...side(asks, "asked"), "within the prices shown"]);
      return;
    }
    const part = BigInt(Math.round((this.pointer / this.width) * 1_000_000));
    const ticks = this.low + ((this.high - this.low) * part) / 1_000_000n;
    const bought = asks.findLast((each) => each.ticks <= ticks);
    const sold = bids.findLast((each) => each.ticks >= ticks);
    this.cross.append(path("cross", `M${this.pointer} 0V${this.floor}`));
    const found = bought ?? sold;
    const what = found ? `${units.size(found.total)} ${units.base.symbol} ${bought ? "asked" : "bid"}` : "nothing";
    say(this.readout, [`Up to ${units.price(ticks)}`, what]);
  }

  listen() {
    const { svg } = this;
    svg.onpointermove = (event) => {
      this.pointer = Math.min(Math.max(event.offsetX, 0), this.width);
      this.point();
    };
    svg.onpointerleave = svg.onblur = () => {
      this.pointer = null;
      this.point();
    };
    svg.onkeydown = (event) => {
      const way = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
      if (!way || !this.drawn) return;
      event.preventDefault();
      const from = this.pointer ?? this.width / 2;
      this.pointer = Math.min(Math.max(from + (way * this.width) / 40, 0), this.width);
      this.point();
    };
  }
}

function say(readout, parts) {
  readout.replaceChildren(
    ...parts.map((text) => Object.assign(document.createElement("span"), { textContent: text })),
  );
}
