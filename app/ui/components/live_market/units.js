// Amounts are BigInt from decimal text, exact; they become numbers for places on the screen only.

function decimalText(units, decimals, digits = 0) {
  const size = units < 0n ? -units : units;
  const unit = 10n ** BigInt(decimals);
  const whole = String(size / unit).replace(/\B(?=(\d{3})+$)/g, ",");
  const part = decimals ? String(size % unit).padStart(decimals, "0").replace(/0+$/, "") : "";
  const fraction = part.padEnd(digits, "0");
  return (units < 0n ? "-" : "") + whole + (fraction && "." + fraction);
}

/** How a market's ticks and lots are written. */
class Units {
  constructor(terms) {
    this.base = terms.base;
    this.quote = terms.quote;
    this.pricedThing = terms.pricedThing;
    this.lotSize = BigInt(terms.lotSize);
    this.priceUnit = BigInt(terms.priceUnit);
    this.priceDigits = terms.priceDigits;
    this.sizeDigits = terms.sizeDigits;
  }

  price(ticks) {
    return decimalText(ticks * this.priceUnit, this.quote.decimals, this.priceDigits);
  }

  size(lots) {
    return decimalText(lots * this.lotSize, this.base.decimals, this.sizeDigits);
  }

  money(units) {
    return `${decimalText(units, this.quote.decimals)} ${this.quote.symbol}`;
  }
}

/** `part / whole` in percent with two digits, rounded to nearest. */
function percentText(part, whole) {
  const size = part < 0n ? -part : part;
  const hundredths = (size * 20000n + whole) / (2n * whole);
  return `${part < 0n ? "−" : "+"}${hundredths / 100n}.${String(hundredths % 100n).padStart(2, "0")} %`;
}

/** Round values from `low` to `high`, some `wanted` of them, for an axis. */
function marks(low, high, wanted) {
  const least = (high - low) / BigInt(wanted) || 1n;
  const power = 10n ** BigInt(String(least).length - 1);
  const step = [1n, 2n, 5n, 10n].map((factor) => factor * power).find((each) => each >= least);
  const found = [];
  for (let at = ((low + step - 1n) / step) * step; at <= high; at += step) found.push(at);
  return found;
}

/** Where `value` lies between `low` and `high`, from 0 to 1. */
function share(value, low, high) {
  return high === low ? 0.5 : Number(((value - low) * 1_000_000n) / (high - low)) / 1_000_000;
}

const greatest = (values) => values.reduce((best, each) => (each > best ? each : best));
const least = (values) => values.reduce((best, each) => (each < best ? each : best));

const time = (milliseconds, from, to) => new Date(milliseconds).toISOString().slice(from, to);
const clock = (milliseconds) => time(milliseconds, 11, 19);
const minute = (milliseconds) => time(milliseconds, 11, 16);
const day = (milliseconds) => new Date(milliseconds).toUTCString().slice(5, 11);
