// Repeats what a toast says in a place that screen readers listen to.

const TOAST = "[data-testid=stToast]";
const TEXT = "[data-testid=stToastText]";
const TOGETHER = 150;

const listening = new WeakMap();

/** Called when it is mounted and each time the page runs. */
export default function ({ parentElement }) {
  if (listening.has(parentElement)) return;
  const place = parentElement.querySelector("p");
  let said = [];
  let saying = null;
  const hear = (toast) => {
    const text = (toast.querySelector(TEXT) ?? toast).textContent.trim();
    // It is a dialog that names itself by a heading which it has not got.
    toast.removeAttribute("aria-labelledby");
    toast.setAttribute("aria-label", text);
    said.push(text);
    clearTimeout(saying);
    // Toasts that come together are read together.
    saying = setTimeout(() => {
      place.textContent = said.join(" ");
      said = [];
    }, TOGETHER);
  };
  const observer = new MutationObserver((changes) => {
    for (const { addedNodes } of changes) {
      for (const node of addedNodes) {
        if (!(node instanceof Element)) continue;
        if (node.matches(TOAST)) hear(node);
        else node.querySelectorAll(TOAST).forEach(hear);
      }
    }
  });
  observer.observe(document.body, { childList: true, subtree: true });
  listening.set(parentElement, observer);
  return () => {
    observer.disconnect();
    clearTimeout(saying);
    listening.delete(parentElement);
  };
}
