// What the browser's wallets say, once for the page: it survives reruns, page changes and
// components that are mounted twice.

const STORED = "gavelbook.wallet";
const LEGACY = "injected";
const LEGACY_WAIT = 400;
const REFUSED = 4001;
const ASKED_ALREADY = -32002;
const CHAIN_UNKNOWN = 4902;
const ICON = /^data:image\/(svg\+xml|png|jpeg|webp|gif)[;,]/;
const ICON_LENGTH = 200_000;

class Trouble extends Error {
  constructor(code, message) {
    super(message);
    this.code = code;
  }
}

class Wallets {
  constructor() {
    this.found = new Map();
    this.chosen = null;
    this.account = null;
    this.chainId = null;
    this.searched = false;
    // By the id of a request: its answer, or null while the wallet is asked.
    this.answers = new Map();
    this.views = new Map();
    window.addEventListener("eip6963:announceProvider", (event) => this.announced(event.detail));
    window.dispatchEvent(new Event("eip6963:requestProvider"));
    setTimeout(() => this.searchEnded(), LEGACY_WAIT);
  }

  announced(detail) {
    const { info, provider } = detail ?? {};
    if (!info?.uuid || typeof provider?.request !== "function" || this.found.has(info.uuid)) return;
    this.add(info.uuid, {
      name: String(info.name || "Wallet").slice(0, 40),
      icon: iconOf(info.icon),
      rdns: String(info.rdns || info.name || "").slice(0, 100),
      provider,
    });
  }

  searchEnded() {
    this.searched = true;
    if (!this.found.size && typeof window.ethereum?.request === "function") {
      const provider = window.ethereum;
      this.add(LEGACY, { name: "Browser wallet", icon: null, rdns: LEGACY, provider });
    }
    this.changed();
  }

  add(id, wallet) {
    this.found.set(id, wallet);
    this.changed();
    if (!this.chosen && remembered() === wallet.rdns) {
      this.use(wallet, "eth_accounts").catch(() => {});
    }
  }

  async connect(wallet) {
    if (!(await this.use(wallet, "eth_requestAccounts"))) {
      throw new Trouble("no_account", `${wallet.name} gave no account.`);
    }
  }

  async use(wallet, method) {
    const accounts = await wallet.provider.request({ method });
    const chainId = accounts?.[0] && (await wallet.provider.request({ method: "eth_chainId" }));
    if (!chainId) return false;
    this.chosen = wallet;
    this.listen(wallet);
    this.adopt(accounts, chainId);
    remember(wallet.rdns);
    return true;
  }

  listen(wallet) {
    if (wallet.heard) return;
    wallet.heard = true;
    const own = (then) => (value) => this.chosen === wallet && then(value);
    wallet.provider.on?.("accountsChanged", own((accounts) => this.adopt(accounts, this.chainId)));
    wallet.provider.on?.("chainChanged", own((chainId) => this.adopt([this.account], chainId)));
  }

  adopt(accounts, chainId) {
    this.account = accounts?.[0] ?? null;
    this.chainId = chainIdOf(chainId);
    if (!this.account) this.chosen = null;
    this.changed();
  }

  async changeAccount() {
    const { provider } = this.chosen;
    await provider.request({ method: "wallet_requestPermissions", params: [{ eth_accounts: {} }] });
    await this.refresh();
  }

  async refresh() {
    const { provider } = this.chosen;
    const accounts = await provider.request({ method: "eth_accounts" });
    this.adopt(accounts, await provider.request({ method: "eth_chainId" }));
  }

  leave() {
    forget();
    this.chosen = null;
    this.account = null;
    this.changed();
  }

  async switchTo(chain) {
    const { provider } = this.chosen;
    const change = { method: "wallet_switchEthereumChain", params: [{ chainId: chain.chainId }] };
    try {
      await provider.request(change);
    } catch (error) {
      if ((error?.data?.originalError?.code ?? error?.code) !== CHAIN_UNKNOWN) throw error;
      await provider.request({ method: "wallet_addEthereumChain", params: [chain] });
      await provider.request(change);
    }
    await this.refresh();
  }

  // Asks the wallet once for each id, however often the request is seen.
  take(requests) {
    for (const request of requests) {
      if (this.answers.has(request.id) || request.withdrawn) continue;
      this.answers.set(request.id, null);
      this.ask(request)
        .then((value) => ({ value }), (error) => ({ code: codeOf(error), message: textOf(error) }))
        .then((answer) => {
          this.answers.set(request.id, answer);
          this.changed();
        });
    }
  }

  async ask(request) {
    if (!this.chosen) throw new Trouble("not_connected", "No wallet is connected.");
    const wallet = this.chosen;
    await this.refresh();
    if (this.chosen !== wallet) throw new Trouble("not_connected", "The wallet was disconnected.");
    if (this.account.toLowerCase() !== request.account.toLowerCase()) {
      throw new Trouble("account_switched", `${wallet.name} now uses another account.`);
    }
    if (this.chainId !== request.chainId) {
      throw new Trouble("wrong_chain", `${wallet.name} is on another network.`);
    }
    if (request.domain && request.domain !== window.location.host) {
      throw new Trouble("wrong_page", `The message is for ${request.domain}.`);
    }
    return wallet.provider.request({ method: request.method, params: request.params });
  }

  answersTo(requests) {
    const known = requests.map(({ id }) => [id, this.answers.get(id)]);
    return Object.fromEntries(known.filter(([, answer]) => answer));
  }

  session() {
    if (!this.account) return null;
    const { name, rdns } = this.chosen;
    return { account: this.account, chainId: this.chainId, wallet: name, rdns };
  }

  changed() {
    for (const view of this.views.values()) view();
  }
}

function iconOf(icon) {
  return typeof icon === "string" && icon.length < ICON_LENGTH && ICON.test(icon) ? icon : null;
}

function chainIdOf(value) {
  return typeof value === "number" ? `0x${value.toString(16)}` : String(value).toLowerCase();
}

function codeOf(error) {
  const code = error?.data?.originalError?.code ?? error?.code;
  if (code === REFUSED || code === "ACTION_REJECTED") return "refused";
  if (code === ASKED_ALREADY) return "asked_already";
  return typeof code === "string" ? code : "wallet_failed";
}

function textOf(error) {
  return String(error?.message ?? error).slice(0, 300);
}

function remembered() {
  try {
    return localStorage.getItem(STORED);
  } catch {
    return null;
  }
}

function remember(rdns) {
  try {
    localStorage.setItem(STORED, rdns);
  } catch {
    // A browser that keeps nothing asks again the next time.
  }
}

function forget() {
  try {
    localStorage.removeItem(STORED);
  } catch {
    // Nothing was kept.
  }
}
