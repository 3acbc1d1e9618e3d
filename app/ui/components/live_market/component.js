// The live part of the market page: follows the stream and draws at most a few times a second.

const INTERVALS = { "1m": 60_000, "5m": 300_000, "15m": 900_000, "1h": 3_600_000, "4h": 14_400_000, "1d": 86_400_000 };
const DAY_INTERVAL = "15m";
const DRAW_PAUSE = 120;
const HISTORY = 300;
const HISTORY_PAUSE = 5_000;
const UNDONE_PAUSE = 1_500;
const TELL_DELAY = 250;
const TELL_PAUSE = 1_000;
const LOST_PAUSE = 3_000;
const ATTENTION = 60_000;
const STATE_WORDS = {
  connecting: "Connecting",
  live: "Live",
  lost: "Connection lost, trying again. What is shown may be old.",
  stopped: "The exchange does not stream this market.",
};

// What somebody chose to see outlives the component, which is made anew now and then.
const choices = (window.__gavelbookMarket ??= { interval: "1m", view: "book", zoom: new Zoom(), touched: 0 });
for (const each of ["pointerdown", "keydown", "pointermove"]) {
  addEventListener(each, () => (choices.touched = Date.now()), { passive: true });
}

class LiveMarket {
  constructor(parent, tell) {
    this.root = parent.querySelector(".market");
    this.tell = tell;
    this.find = (selector) => this.root.querySelector(selector);
    this.ladder = new Ladder(this.find(".book"), (ticks) => this.pick(ticks));
    this.tape = new Tape(this.find(".tape"));
    this.candles = new CandleChart(this.find(".candles"), this.find(".candle-readout"), choices.zoom);
    this.depth = new DepthChart(this.find(".depth"), this.find(".depth-readout"));
    this.stale = new Set(["book", "tape", "candles"]);
    this.told = 0;
    this.setControls();
    this.resizing = new ResizeObserver(() => this.drawSoon("book", "candles"));
    this.resizing.observe(this.find(".charts"));
    this.seen = () => this.drawSoon();
    document.addEventListener("visibilitychange", this.seen);
  }

  /** Take what the page says: the market, and what is the account's own. */
  take(data) {
    this.own = {
      buy: new Set(data.own.buy),
      sell: new Set(data.own.sell),
      fills: data.own.fills,
    };
    if (this.data?.stream !== data.stream || this.data?.market !== data.market) this.open(data);
    this.data = data;
    this.known = this.watchedPart();
    this.drawSoon("book");
  }

  open(data) {
    this.feed?.close();
    this.data = data;
    this.units = new Units(data.terms);
    this.ledger = new Ledger();
    this.snapshots = 0;
    this.setState("connecting");
    const stream = new URL(data.stream || "/v1/stream", location.href);
    stream.protocol = stream.protocol.replace("http", "ws");
    this.api = new URL(".", stream.href.replace(/^ws/, "http"));
    this.feed = new Feed(
      stream.href,
      (channel, whole, news) => this.hear(channel, whole, news),
      (state, words) => this.setState(state, words),
    );
    this.follow();
    this.drawSoon("book", "tape", "candles");
  }

  follow() {
    const { market } = this.data;
    const intervals = new Set([DAY_INTERVAL, choices.interval]);
    const candles = [...intervals].map((each) => `candles.${market}.${each}`);
    this.feed.follow([`book.${market}`, `trades.${market}`, ...candles]);
  }

  close() {
    this.feed?.close();
    this.resizing.disconnect();
    document.removeEventListener("visibilitychange", this.seen);
    clearTimeout(this.telling);
    clearTimeout(this.losing);
    clearTimeout(this.drawing);
    clearTimeout(this.fetching);
    clearTimeout(this.reading);
    cancelAnimationFrame(this.frame);
    this.ledger = null;
  }

  setState(state, words) {
    const { state: shown } = this.root.dataset;
    // What the exchange does not stream stays so, whatever else it says.
    if (shown === state || (shown === "stopped" && state !== "connecting")) return;
    this.root.dataset.state = state;
    this.find(".words").textContent = words || STATE_WORDS[state];
    clearTimeout(this.losing);
    // The page asks the exchange itself, and says more.
    if (state === "lost") this.losing = setTimeout(() => this.tellSoon(), LOST_PAUSE);
    if (state === "live" && shown === "lost") this.tellSoon();
  }

  // News

  hear(channel, whole, news) {
    const [kind, , interval] = channel.split(".");
    if (kind === "book") {
      this.ledger.takeBook(whole, news);
      if (whole && (this.snapshots += 1) > 1) this.tellChanged();
      else if (this.touchesLevels(news)) this.tellChanged();
      if (this.watchedPart() !== this.known && Date.now() - choices.touched < ATTENTION) this.tellSoon();
      this.drawSoon("book");
    } else if (kind === "trades") {
      this.ledger.takeTrades(whole, news);
      if (!whole && this.touchesTrades(news)) this.tellChanged();
      if (news.trades.some((trade) => trade.state === "BUSTED")) this.readAgain();
      this.drawSoon("tape");
    } else {
      if (whole) this.fetchHistory(interval);
      this.ledger.takeCandles(interval, news.candles);
      this.drawSoon("candles");
    }
  }

  touchesLevels({ bids, asks }) {
    return (
      bids.some(([ticks]) => this.own.buy.has(ticks)) || asks.some(([ticks]) => this.own.sell.has(ticks))
    );
  }

  touchesTrades({ trades, settlements }) {
    const { buy, sell, fills } = this.own;
    return (
      trades.some(({ takerSide, ticks, fillId }) => (takerSide === "buy" ? sell : buy).has(ticks) || fills.includes(fillId)) ||
      (settlements ?? []).some((settled) => fills.some((fillId) => covers(settled, fillId)))
    );
  }

  /** Tell the page that something of the account's moved; at most once a second. */
  tellChanged() {
    const { buy, sell, fills } = this.own;
    if (buy.size || sell.size || fills.length) this.tellSoon();
  }

  tellSoon() {
    if (this.telling) return;
    const wait = Math.max(TELL_DELAY, this.told + TELL_PAUSE - Date.now());
    this.telling = setTimeout(() => {
      this.telling = null;
      this.told = Date.now();
      this.known = this.watchedPart();
      this.tell("changed", this.told);
    }, wait);
  }

  /** Take a price for the order: here where its field is shown, so that what is typed next comes after it. */
  pick(ticks) {
    const field = document.querySelector(this.data.priceField);
    if (field) typeInto(field, this.units.price(BigInt(ticks)));
    else this.tell("level", { ticks });
  }

  /** What an order as it is being written would trade with, as text to compare. */
  watchedPart() {
    const { watched } = this.data;
    if (!watched) return "";
    const buys = watched.side === "buy";
    let left = BigInt(watched.lots);
    const part = [];
    for (const { ticks, lots } of (buys ? this.ledger.asks : this.ledger.bids).levels()) {
      const limit = watched.ticks === null ? ticks : BigInt(watched.ticks);
      if (left <= 0n || (buys ? ticks > limit : ticks < limit)) break;
      part.push(`${ticks}:${lots < left ? lots : left}`);
      left -= lots;
    }
    return part.join();
  }

  /** Read candles anew: a trade was undone, and the exchange takes it out of them. */
  readAgain() {
    clearTimeout(this.reading);
    this.reading = setTimeout(() => {
      for (const interval of this.ledger.candles.keys()) {
        this.ledger.candles.delete(interval);
        this.fetchHistory(interval);
      }
    }, UNDONE_PAUSE);
  }

  /** Read candles from before; the stream brings the newest only. */
  async fetchHistory(interval) {
    const { ledger } = this;
    const path = `markets/${this.data.market}/candles?interval=${interval}&limit=${HISTORY}`;
    try {
      const answer = await fetch(new URL(path, this.api));
      if (!answer.ok) throw new Error(answer.statusText);
      const { candles } = await answer.json();
      if (this.ledger !== ledger) return;
      const known = ledger.candlesOf(interval);
      const newest = Math.max(0, ...known.keys());
      // The stream knows more of the newest one than the page of history.
      ledger.takeCandles(interval, candles.filter((each) => Number(each.start) !== newest));
      this.drawSoon("candles");
    } catch {
      clearTimeout(this.fetching);
      if (this.ledger === ledger) {
        this.fetching = setTimeout(() => this.fetchHistory(interval), HISTORY_PAUSE);
      }
    }
  }

  // Drawing

  /** Draw what is stale with one of the next frames; a hidden tab draws once it is seen again. */
  drawSoon(...parts) {
    for (const part of parts) this.stale.add(part);
    if (this.drawing || document.hidden || !this.stale.size) return;
    this.drawing = setTimeout(() => {
      this.frame = requestAnimationFrame(() => {
        this.drawing = null;
        if (this.ledger && this.units) this.draw();
      });
    }, DRAW_PAUSE);
  }

  draw() {
    const stale = this.stale;
    this.stale = new Set();
    const { ledger, units, data } = this;
    if (stale.has("book")) {
      const [bids, asks] = [ledger.bids.levels(), ledger.asks.levels()];
      this.ladder.draw(bids, asks, units, this.own, data.name);
      this.depth.draw(bids.slice(0, 60), asks.slice(0, 60), units);
    }
    if (stale.has("tape")) this.tape.draw(ledger.trades, units);
    if (stale.has("candles")) this.drawCandles();
    this.drawFigures();
  }

  drawCandles() {
    const { interval } = choices;
    this.candles.draw(this.ledger.sortedCandles(interval), INTERVALS[interval], this.units, this.data.name);
    this.find(".now").hidden = !choices.zoom.back;
  }

  drawFigures() {
    const { ledger, units } = this;
    const put = (selector, text, title = "") => {
      const place = this.find(selector);
      if (place.textContent !== text) place.textContent = text;
      place.title = title;
    };
    const last = ledger.last();
    const quote = units.quote.symbol;
    put(".last", last === null ? "no trade yet" : `${units.price(last)} ${quote}`);
    const [bid, ask] = [ledger.bids.levels()[0], ledger.asks.levels()[0]];
    put(".bid", bid ? units.price(bid.ticks) : "none", bid ? `${units.size(bid.lots)} ${units.base.symbol}` : "");
    put(".ask", ask ? units.price(ask.ticks) : "none", ask ? `${units.size(ask.lots)} ${units.base.symbol}` : "");
    const spread = bid && ask ? `${units.price(ask.ticks - bid.ticks)} ${quote}` : "none";
    put(".spread", spread);
    const today = ledger.lastDay(Date.now());
    put(".high", today ? units.price(today.high) : "none");
    put(".low", today ? units.price(today.low) : "none");
    put(".volume", today ? `${units.size(today.lots)} ${units.base.symbol}` : "none", today ? `${units.money(today.quote)} in all` : "");
    const change = today && last !== null ? last - today.first : null;
    const place = this.find(".change");
    place.className = `change ${change > 0n ? "rose" : change < 0n ? "fell" : ""}`;
    put(".change", change === null ? "" : percentText(change, today.first), "in 24 hours");
  }

  // Controls

  setControls() {
    const intervals = this.find(".intervals");
    for (const interval of Object.keys(INTERVALS)) {
      const button = Object.assign(document.createElement("button"), { type: "button", textContent: interval });
      button.onclick = () => {
        choices.interval = interval;
        choices.zoom.back = 0;
        this.showChoices();
        this.follow();
        this.drawSoon("candles");
      };
      intervals.append(button);
    }
    for (const button of this.root.querySelectorAll(".views button")) {
      button.onclick = () => {
        choices.view = button.dataset.view;
        this.showChoices();
        this.drawSoon("book", "candles");
      };
    }
    const zoom = (factor) => {
      choices.zoom.by(factor);
      this.drawCandles();
    };
    this.find(".in").onclick = () => zoom(0.7);
    this.find(".out").onclick = () => zoom(1.4);
    this.find(".now").onclick = () => {
      choices.zoom.back = 0;
      this.drawCandles();
    };
    this.candles.listen(() => this.drawCandles());
    this.depth.listen();
    this.showChoices();
  }

  showChoices() {
    this.root.dataset.view = choices.view;
    for (const button of this.root.querySelectorAll(".intervals button")) {
      button.setAttribute("aria-pressed", String(button.textContent === choices.interval));
    }
    for (const button of this.root.querySelectorAll(".views button")) {
      button.setAttribute("aria-pressed", String(button.dataset.view === choices.view));
    }
  }
}

/** Replace the text of a field as somebody would who then leaves it. */
function typeInto(field, text) {
  // Setting the property itself is hidden from React, which draws the field.
  Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, "value").set.call(field, text);
  field.dispatchEvent(new InputEvent("input", { bubbles: true }));
  field.dispatchEvent(new FocusEvent("focusout", { bubbles: true }));
}

const shownIn = new WeakMap();

/** Called when it is mounted and each time `data` changes. */
export default function ({ parentElement, data, setTriggerValue }) {
  let live = shownIn.get(parentElement);
  if (!live) {
    live = new LiveMarket(parentElement, (...news) => live.setTrigger(...news));
    shownIn.set(parentElement, live);
  }
  live.setTrigger = setTriggerValue;
  live.take(data);
  return () => {
    live.close();
    shownIn.delete(parentElement);
  };
}
