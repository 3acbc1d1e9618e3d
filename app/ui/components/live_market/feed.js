// One WebSocket to the exchange's stream. docs/api.md says how channels resume and what a gap is.

const PAUSES = [500, 1_000, 2_000, 4_000, 8_000, 15_000];
const LONG_PAUSE = 60_000;
const SILENCE = 45_000;
const TOO_MANY_MESSAGES = 4029;

class Feed {
  constructor(url, hear, stateChanged) {
    this.url = url;
    this.hear = hear;
    this.stateChanged = stateChanged;
    this.channels = new Map();
    this.failures = 0;
    this.ended = false;
    this.watch = setInterval(() => this.checkSilence(), 5_000);
    this.wake = () => this.connectAtOnce();
    addEventListener("online", this.wake);
    document.addEventListener("visibilitychange", this.wake);
    this.connect();
  }

  /** Follow exactly the channels `names`. */
  follow(names) {
    for (const name of this.channels.keys()) {
      if (names.includes(name)) continue;
      this.channels.delete(name);
      this.send({ op: "unsubscribe", channel: name });
    }
    for (const name of names) {
      if (this.channels.has(name)) continue;
      this.channels.set(name, null);
      this.subscribe(name);
    }
  }

  close() {
    this.ended = true;
    clearInterval(this.watch);
    clearTimeout(this.retry);
    removeEventListener("online", this.wake);
    document.removeEventListener("visibilitychange", this.wake);
    this.socket?.close();
  }

  connect() {
    clearTimeout(this.retry);
    this.retry = null;
    const socket = new WebSocket(this.url);
    this.socket = socket;
    this.heard = Date.now();
    socket.onopen = () => {
      for (const name of this.channels.keys()) this.subscribe(name);
    };
    socket.onmessage = (event) => {
      if (this.socket === socket) this.take(JSON.parse(event.data));
    };
    socket.onclose = (event) => {
      if (this.socket === socket) this.lost(event.code);
    };
  }

  lost(code) {
    this.socket = null;
    if (this.ended) return;
    const pause = PAUSES[Math.min(this.failures, PAUSES.length - 1)];
    this.failures += 1;
    this.stateChanged("lost");
    // Not all tabs at once.
    const wait = (code === TOO_MANY_MESSAGES ? LONG_PAUSE : pause) * (0.75 + Math.random() / 2);
    this.retry = setTimeout(() => this.connect(), wait);
  }

  connectAtOnce() {
    if (this.retry && !document.hidden && this.failures < PAUSES.length) this.connect();
  }

  checkSilence() {
    if (!this.socket || Date.now() - this.heard < SILENCE) return;
    const dead = this.socket;
    this.lost(0);
    dead.close();
  }

  send(message) {
    if (this.socket?.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify(message));
  }

  subscribe(channel) {
    const seen = this.channels.get(channel);
    this.send({ op: "subscribe", channel, ...(seen === null ? {} : { resumeFrom: String(seen) }) });
  }

  take(message) {
    this.heard = Date.now();
    if (message.op === "error") {
      this.stateChanged("stopped", message.problem?.detail);
      return;
    }
    if (message.op === "done" || message.op === "heartbeat") this.isLive();
    if (!this.channels.has(message.channel)) return;
    const seen = this.channels.get(message.channel);
    const seq = BigInt(message.seq);
    if (message.op === "delta") {
      if (seen === null || BigInt(message.prev) < seen) return;
      if (BigInt(message.prev) > seen) {
        // One is missing: all of it again.
        this.channels.set(message.channel, null);
        this.subscribe(message.channel);
        return;
      }
    }
    this.channels.set(message.channel, seq);
    this.isLive();
    this.hear(message.channel, message.op === "snapshot", message.data);
  }

  isLive() {
    this.failures = 0;
    this.stateChanged("live");
  }
}
