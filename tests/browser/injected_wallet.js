// Wallets as extensions inject them (EIP-1193, announced by EIP-6963). What they answer, and whom
// they sign for, is up to the test: it holds the keys, behind `window.askTestWallet`.
(() => {
  const SPECS = __SPECS__;
  const ICON = `data:image/svg+xml;base64,${btoa(
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 8 8"><circle cx="4" cy="4" r="4"/></svg>',
  )}`;
  window.testWallets = {};
  const make = (name) => {
    const listeners = {};
    let late = () => {};
    return {
      late: (value) => late(value),
      on: (event, then) => (listeners[event] ??= []).push(then),
      emit: (event, value) => (listeners[event] ?? []).forEach((then) => then(value)),
      request: async ({ method, params }) => {
        const { result, error, never, events } = await window.askTestWallet(name, method, params);
        for (const [event, value] of events ?? []) window.testWallets[name].emit(event, value);
        if (never) return new Promise((then) => (late = then));
        if (error) throw Object.assign(new Error(error.message), error);
        return result;
      },
    };
  };
  for (const { name, rdns, legacy, icon } of SPECS) {
    const provider = (window.testWallets[name] = make(name));
    if (legacy) {
      window.ethereum = provider;
      continue;
    }
    const info = Object.freeze({ uuid: `uuid-${rdns}`, name, rdns, icon: icon ?? ICON });
    const announce = () =>
      window.dispatchEvent(
        new CustomEvent("eip6963:announceProvider", { detail: Object.freeze({ info, provider }) }),
      );
    window.addEventListener("eip6963:requestProvider", announce);
    announce();
  }
})();
