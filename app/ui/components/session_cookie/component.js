// Hands a one-time ticket to the server, which sets or drops a cookie that no script can read.
const done = (window.__gavelbookCookieTasks ??= new Set());

export default function ({ data, setTriggerValue }) {
  const { ticket, name } = data;
  if (done.has(name)) return;
  done.add(name);
  const request = ticket
    ? { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ ticket }) }
    : { method: "DELETE" };
  fetch("/session", { ...request, credentials: "same-origin" })
    .catch(() => undefined)
    .then(() => setTriggerValue("done", name));
}
