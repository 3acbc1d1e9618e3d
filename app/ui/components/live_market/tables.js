// The ladder and the tape: tables whose rows stay, so that nothing jumps.

const LEVELS = 9;
const TRADES = 8;
const STATES = {
  MATCHED: ["", "matched, not on the chain yet"],
  SUBMITTED: ["", "sent to the chain"],
  SETTLED: ["✓", "settled on the chain"],
  BUSTED: ["✗", "undone"],
};

class Ladder {
  constructor(root, pick) {
    this.root = root;
    this.sides = { asks: this.rows("asks", pick), bids: this.rows("bids", pick) };
  }

  rows(name, pick) {
    const body = this.root.querySelector(`.${name}`);
    return Array.from({ length: LEVELS }, () => {
      const row = body.insertRow();
      const button = Object.assign(document.createElement("button"), { type: "button", hidden: true });
      row.insertCell().append(button);
      button.onclick = () => pick(row.dataset.ticks);
      return { row, button, size: row.insertCell(), total: row.insertCell() };
    });
  }

  draw(bids, asks, units, own, name) {
    this.root.querySelector("caption").textContent = `Order book of ${name}: asks above, bids below`;
    const shown = { bids: bids.slice(0, LEVELS), asks: asks.slice(0, LEVELS) };
    const totals = [...shown.bids.slice(-1), ...shown.asks.slice(-1)].map((each) => each.total);
    const deepest = totals.length ? greatest(totals) : 1n;
    this.side(this.sides.bids, shown.bids, deepest, units, own.buy, "bid");
    this.side([...this.sides.asks].reverse(), shown.asks, deepest, units, own.sell, "asked");
    const middle = this.root.querySelector(".middle td");
    middle.textContent = middleText(shown.bids[0], shown.asks[0], units);
  }

  side(rows, levels, deepest, units, own, word) {
    rows.forEach(({ row, button, size, total }, index) => {
      const level = levels[index];
      row.className = "";
      button.hidden = !level;
      if (!level) {
        size.textContent = total.textContent = "";
        row.style.setProperty("--bar", "0%");
        return;
      }
      const ticks = String(level.ticks);
      const mine = own.has(ticks);
      row.dataset.ticks = ticks;
      row.className = mine ? "full mine" : "full";
      row.style.setProperty("--bar", `${(level.total * 100n) / deepest}%`);
      button.textContent = units.price(level.ticks);
      size.textContent = units.size(level.lots);
      total.textContent = units.size(level.total);
      const label = `Use ${button.textContent} as the price: ${size.textContent} ${units.base.symbol} ${word}`;
      button.title = mine ? `${label}, yours among them` : label;
      button.setAttribute("aria-label", button.title);
    });
  }
}

function middleText(bid, ask, units) {
  if (!bid && !ask) return "The book is empty: the first order sets the price.";
  if (!bid || !ask) return bid ? "Nobody sells." : "Nobody buys.";
  return `Spread ${spreadText(bid, ask, units)}`;
}

function spreadText(bid, ask, units) {
  const spread = ask.ticks - bid.ticks;
  const percent = percentText(2n * spread, ask.ticks + bid.ticks).replace("+", "");
  return `${units.price(spread)} ${units.quote.symbol} (${percent})`;
}

class Tape {
  constructor(root) {
    const body = root.querySelector("tbody");
    this.base = root.querySelector(".base");
    this.rows = Array.from({ length: TRADES }, () => {
      const row = body.insertRow();
      return { row, cells: [0, 1, 2, 3].map(() => row.insertCell()) };
    });
  }

  draw(trades, units) {
    this.base.textContent = `Size, ${units.base.symbol}`;
    this.rows.forEach(({ row, cells }, index) => {
      const trade = trades[index];
      if (!trade) {
        row.className = "";
        for (const cell of cells) cell.textContent = "";
        if (index === 0) cells[0].textContent = "No trade yet";
        return;
      }
      const bought = trade.takerSide === "buy";
      const [mark, word] = STATES[trade.state];
      const texts = [
        `${bought ? "▲" : "▼"} ${units.price(BigInt(trade.ticks))}`,
        units.size(BigInt(trade.lots)),
        clock(Number(trade.time)),
        mark,
      ];
      row.className = `${bought ? "buy" : "sell"} ${trade.state}`;
      row.title = `${bought ? "Bought" : "Sold"} for ${units.money(BigInt(trade.quote))} in all, ${word}`;
      texts.forEach((text, place) => {
        if (cells[place].textContent !== text) cells[place].textContent = text;
      });
    });
  }
}
