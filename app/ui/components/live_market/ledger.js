// What is known of a market: the book, trades and candles, followed from the stream.

const KEPT_TRADES = 100;
const MOST_CANDLES = 500;
const DAY = 24 * 60 * 60 * 1_000;

class Side {
  constructor(best) {
    this.best = best;
    this.lots = new Map();
    this.sorted = null;
  }

  load(levels) {
    this.lots = new Map(levels.map(([ticks, lots]) => [ticks, BigInt(lots)]));
    this.sorted = null;
  }

  apply(levels) {
    for (const [ticks, lots] of levels) {
      if (lots === "0") this.lots.delete(ticks);
      else this.lots.set(ticks, BigInt(lots));
    }
    if (levels.length) this.sorted = null;
  }

  /** Levels with their running totals, best first. */
  levels() {
    if (!this.sorted) {
      const prices = [...this.lots.keys()].map(BigInt).sort((a, b) => (a < b ? -1 : 1));
      if (this.best === "highest") prices.reverse();
      let total = 0n;
      this.sorted = prices.map((ticks) => {
        const lots = this.lots.get(String(ticks));
        total += lots;
        return { ticks, lots, total };
      });
    }
    return this.sorted;
  }
}

class Ledger {
  constructor() {
    this.bids = new Side("highest");
    this.asks = new Side("lowest");
    this.trades = [];
    this.candles = new Map();
  }

  takeBook(whole, { bids, asks }) {
    this.bids[whole ? "load" : "apply"](bids);
    this.asks[whole ? "load" : "apply"](asks);
  }

  takeTrades(whole, { trades, settlements }) {
    if (whole) this.trades = [];
    for (const trade of trades) {
      const known = this.trades.find((each) => each.fillId === trade.fillId);
      if (known) known.state = trade.state;
      else this.trades.unshift(trade);
    }
    this.trades.length = Math.min(this.trades.length, KEPT_TRADES);
    for (const settled of settlements ?? []) {
      for (const trade of this.trades) {
        if (trade.state !== "BUSTED" && covers(settled, trade.fillId)) trade.state = settled.state;
      }
    }
  }

  /** Candles as they stand now; older ones stay. */
  takeCandles(interval, candles) {
    const kept = this.candlesOf(interval);
    for (const each of candles) {
      const start = Number(each.start);
      kept.set(start, {
        start,
        open: BigInt(each.open),
        high: BigInt(each.high),
        low: BigInt(each.low),
        close: BigInt(each.close),
        lots: BigInt(each.lots),
        quote: BigInt(each.quote),
      });
    }
    const starts = [...kept.keys()].sort((a, b) => a - b);
    for (const start of starts.slice(0, -MOST_CANDLES)) kept.delete(start);
  }

  candlesOf(interval) {
    if (!this.candles.has(interval)) this.candles.set(interval, new Map());
    return this.candles.get(interval);
  }

  /** Oldest first. */
  sortedCandles(interval) {
    return [...this.candlesOf(interval).values()].sort((a, b) => a.start - b.start);
  }

  /** The price of the last trade that stands, in ticks. */
  last() {
    const trade = this.trades.find((each) => each.state !== "BUSTED");
    return trade ? BigInt(trade.ticks) : null;
  }

  /** The last 24 hours from candles of a quarter of an hour; null where nothing was traded. */
  lastDay(now) {
    const candles = this.sortedCandles("15m");
    const recent = candles.filter((each) => each.start >= now - DAY);
    if (!recent.length) return null;
    const older = candles.filter((each) => each.start < now - DAY);
    return {
      first: older.length ? older.at(-1).close : recent[0].open,
      high: greatest(recent.map((each) => each.high)),
      low: least(recent.map((each) => each.low)),
      lots: recent.reduce((sum, each) => sum + each.lots, 0n),
      quote: recent.reduce((sum, each) => sum + each.quote, 0n),
    };
  }
}

function covers(settlement, fillId) {
  const id = BigInt(fillId);
  return BigInt(settlement.firstFill) <= id && id <= BigInt(settlement.lastFill);
}
