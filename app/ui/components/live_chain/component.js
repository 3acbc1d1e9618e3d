// Follows the chain for one part of a page: a countdown that ticks here, and a rerun of that part
// when a sale it shows has changed. All parts of a page share one socket.

const LONGEST_BACKOFF = 30_000;
const LONGEST_GAP = 15_000;

const feed = (window.gavelbookChainFeed ??= openFeed());

function openFeed() {
  const parts = new Set();
  let socket = null;
  let timer = null;
  let backoff = 1_000;
  const state = { message: null, live: false, receivedAt: 0 };

  const tell = () => parts.forEach((part) => part());
  const connect = () => {
    timer = null;
    const address = new URL("/live/chain", window.location.href);
    address.protocol = address.protocol.replace("http", "ws");
    socket = new WebSocket(address);
    socket.onmessage = (event) => {
      try {
        state.message = JSON.parse(event.data);
      } catch {
        return;
      }
      backoff = 1_000;
      state.live = true;
      state.receivedAt = performance.now();
      tell();
    };
    socket.onclose = () => {
      socket = null;
      state.live = false;
      tell();
      if (parts.size) {
        timer = setTimeout(connect, backoff * (0.75 + Math.random() / 2));
        backoff = Math.min(backoff * 2, LONGEST_BACKOFF);
      }
    };
  };
  return {
    state,
    join(part) {
      parts.add(part);
      if (!socket && timer === null) connect();
    },
    leave(part) {
      parts.delete(part);
      if (parts.size) return;
      clearTimeout(timer);
      timer = null;
      state.live = false;
      if (socket) socket.onclose = null;
      socket?.close();
      socket = null;
    },
  };
}

function clockText(seconds) {
  const left = Math.max(Math.ceil(seconds), 0);
  const days = Math.floor(left / 86_400);
  const two = (number) => String(number).padStart(2, "0");
  const time = [Math.floor(left / 3_600) % 24, Math.floor(left / 60) % 60, left % 60];
  return (days ? `${days} d ` : "") + time.map(two).join(":");
}

function follow(root) {
  const find = (name) => root.querySelector(name);
  let data = null;
  let trigger = null;
  let began = 0;
  let chainTime = 0;
  let heard = null;
  let gap = 1_000;
  let askedAt = performance.now();

  const now = () => chainTime + (performance.now() - began) / 1_000;
  // The clock of a chain stands between blocks and jumps; it does not go back.
  const setClock = (time, at) => {
    const expected = chainTime + (at - began) / 1_000;
    if (chainTime && time < expected && expected - time < 60) return;
    chainTime = time;
    began = at;
  };
  const changed = () => {
    const sales = feed.state.message?.sales;
    if (!sales) return false;
    const known = Object.entries(data.versions);
    if (data.every_sale && Object.keys(sales).length !== known.length) return true;
    return known.some(([address, version]) => address in sales && sales[address] !== version);
  };
  const draw = () => {
    const text = (name, value) => {
      const place = find(name);
      if (place.textContent !== value) place.textContent = value;
    };
    text(".label", data.label);
    text(".time", data.until === null ? "" : clockText(data.until - now()));
    text(".after", data.after);
    text(".how", feed.state.live ? "Live" : `Updates every ${data.slow_seconds} s`);
    find(".feed").classList.toggle("live", feed.state.live);
  };
  const look = () => {
    if (!data) return;
    if (feed.state.message !== heard) {
      heard = feed.state.message;
      setClock(heard.time, feed.state.receivedAt);
    }
    draw();
    if (document.hidden) return;
    const waited = performance.now() - askedAt;
    const over = data.until !== null && now() >= data.until;
    const seconds = feed.state.live ? data.refresh_seconds : data.slow_seconds;
    const old = seconds !== null && waited >= seconds * 1_000;
    if (old || ((changed() || over) && waited >= gap)) {
      askedAt = performance.now();
      gap = Math.min(gap * 2, LONGEST_GAP);
      trigger("changed", Math.round(askedAt));
    }
  };
  feed.join(look);
  const ticking = setInterval(look, 1_000);
  document.addEventListener("visibilitychange", look);
  return {
    show(next, setTriggerValue) {
      const moved = !data || JSON.stringify(next.versions) !== JSON.stringify(data.versions);
      if (moved || next.until !== data.until) gap = 1_000;
      data = next;
      trigger = setTriggerValue;
      setClock(next.now, performance.now());
      look();
    },
    stop() {
      feed.leave(look);
      clearInterval(ticking);
      document.removeEventListener("visibilitychange", look);
    },
  };
}

export default function (component) {
  const { parentElement, data, setTriggerValue } = component;
  parentElement.chainPart ??= follow(parentElement);
  parentElement.chainPart.show(data, setTriggerValue);
  return () => {
    parentElement.chainPart?.stop();
    delete parentElement.chainPart;
  };
}
