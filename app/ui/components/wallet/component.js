// Draws the wallet of the page, and tells Python of its account and its answers.

const TELL_AGAIN_MS = 3_000;

const short = (address) => `${address.slice(0, 6)}…${address.slice(-4)}`;

function imageOf(icon) {
  const image = document.createElement("img");
  image.src = icon;
  image.alt = "";
  return image;
}

class View {
  constructor(root, wallets) {
    this.root = root;
    this.wallets = wallets;
    this.open = false;
    this.busy = false;
    // Python begins with no account, too.
    this.told = "null";
    this.answered = null;
    this.trouble = "";
    this.note = "";
  }

  bind() {
    const section = this.part("wallet");
    section.onclick = (event) => this.clicked(event.target.closest("button"));
    section.onkeydown = (event) => {
      if (event.key !== "Escape" || !this.open) return;
      this.open = false;
      this.draw();
      this.button("choose").focus();
    };
  }

  part(name) {
    return this.root.querySelector(`.${name}`);
  }

  button(what) {
    return this.root.querySelector(`button[data-do="${what}"]`);
  }

  update() {
    this.draw();
    this.tell();
  }

  // Account and answers go together: Python never knows the one without the other.
  tell() {
    const session = this.wallets.session();
    const answers = this.wallets.answersTo(this.data.requests);
    const [said, answered] = [JSON.stringify(session), JSON.stringify(answers)];
    const answersAnew = answered !== "{}" && answered !== this.answered;
    if (said !== this.told || answersAnew) this.setStateValue("told", { session, answers });
    this.told = said;
    this.answered = answered;
    clearTimeout(this.timer);
    // Whoever goes to another app to sign may come back to a connection that lost the answer.
    if (answered !== "{}") this.timer = setTimeout(() => this.tellAgain(), TELL_AGAIN_MS);
  }

  tellAgain() {
    this.answered = null;
    this.tell();
  }

  draw() {
    const { account, chosen, chainId } = this.wallets;
    const { chain } = this.data;
    const right = chainId === chain.chainId;
    this.part("wallet").className = `wallet ${account ? (right ? "right" : "wrong") : ""}`;
    this.part("who").textContent = account ? chosen.name : "No wallet connected";
    const icon = this.part("icon");
    icon.hidden = !chosen?.icon;
    if (chosen?.icon) icon.src = chosen.icon;
    const address = this.part("address");
    address.hidden = !account;
    address.textContent = account ? short(account) : "";
    address.title = account ?? "";
    address.setAttribute("aria-label", account ? `Account ${account}` : "");
    this.part("chain").textContent = account ? (right ? chain.chainName : "Wrong network") : "";
    this.button("switch").textContent = `Switch to ${chain.chainName}`;
    for (const what of ["copy", "account", "leave"]) this.button(what).hidden = !account;
    this.button("switch").hidden = !account || right;
    this.button("choose").hidden = Boolean(account);
    this.button("choose").setAttribute("aria-expanded", String(this.open));
    for (const button of this.root.querySelectorAll("button")) button.disabled = this.busy;
    this.drawChoice(!account && this.open);
    this.part("note").textContent = this.note;
    this.part("trouble").textContent = this.trouble || (account && !right ? this.wrongChain() : "");
  }

  wrongChain() {
    const { name } = this.wallets.chosen;
    return `${name} is on another network. Nothing can be signed before it is on ${this.data.chain.chainName}.`;
  }

  drawChoice(open) {
    const list = this.part("wallets");
    list.hidden = !open;
    const wallets = [...this.wallets.found.values()];
    if (open && !wallets.length && this.wallets.searched && !this.note) {
      this.note = "This browser has no wallet. Install one, or use an account with a password.";
    }
    // Redrawn only when it changed: a button that is replaced loses the focus.
    const names = JSON.stringify(wallets.map(({ name, rdns }) => [name, rdns]));
    if (list.dataset.names === names) return;
    list.dataset.names = names;
    list.replaceChildren(
      ...wallets.map((wallet) => {
        const item = document.createElement("li");
        const button = document.createElement("button");
        button.type = "button";
        button.append(...(wallet.icon ? [imageOf(wallet.icon)] : []), wallet.name);
        button.onclick = (event) => {
          event.stopPropagation();
          this.run(`Confirm in ${wallet.name}.`, () => this.wallets.connect(wallet), "copy");
        };
        item.append(button);
        return item;
      }),
    );
  }

  clicked(button) {
    const { account, chosen } = this.wallets;
    const name = chosen?.name ?? "the wallet";
    const deeds = {
      choose: () => this.choose(),
      copy: () => this.copy(account),
      leave: () => this.run("", () => this.wallets.leave(), "choose"),
      account: () => this.run(`Choose in ${name}.`, () => this.wallets.changeAccount(), "account"),
      switch: () =>
        this.run(`Confirm in ${name}.`, () => this.wallets.switchTo(this.data.chain), "copy"),
    };
    deeds[button?.dataset.do]?.();
  }

  choose() {
    this.open = !this.open;
    this.note = this.trouble = "";
    this.draw();
    if (this.open) this.root.querySelector(".wallets button")?.focus();
  }

  async copy(address) {
    try {
      await navigator.clipboard.writeText(address);
      this.note = "Address copied.";
    } catch {
      this.note = address;
    }
    this.draw();
  }

  async run(note, deed, focus) {
    this.busy = true;
    this.note = note;
    this.trouble = "";
    this.draw();
    try {
      await deed();
      this.open = false;
    } catch (error) {
      this.trouble = troubleOf(error);
    }
    this.busy = false;
    this.note = "";
    this.update();
    const target = this.button(focus);
    (target.hidden ? this.root.querySelector("button:not([hidden])") : target)?.focus();
  }
}

function troubleOf(error) {
  const said = {
    refused: "You refused in the wallet. Nothing changed.",
    asked_already: "The wallet already asks you something: open it and answer there.",
  };
  return said[codeOf(error)] ?? `The wallet said: ${textOf(error)}`;
}

export default function ({ key, parentElement, data, setStateValue }) {
  const wallets = (window.gavelbookWallets ??= new Wallets());
  const view = (parentElement.gavelbookView ??= new View(parentElement, wallets));
  view.data = data;
  view.setStateValue = setStateValue;
  view.answered = null;
  view.bind();
  wallets.views.set(key, () => view.update());
  wallets.take(data.requests);
  view.update();
  return () => {
    wallets.views.delete(key);
    clearTimeout(view.timer);
    // What it has told is lost with it.
    delete parentElement.gavelbookView;
  };
}
