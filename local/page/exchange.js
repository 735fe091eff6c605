// The panel with the last call: what was sent, what came back, and why.
import { abbreviate } from "/page/token.js";
import { byId, make, prose } from "/page/dom.js";
import { instant } from "/page/words.js";

const KEPT = 40;

let shown = null;
export const latest = () => shown;

export function show(exchange) {
  shown = exchange;
  byId("exchange").replaceChildren(
    make("h3", {}, exchange.title),
    block("Request", exchange.shownCurl, exchange.curl),
    make("h4", {}, "Answer ", status(exchange)),
    make("pre", { tabindex: "0", "aria-label": "The answer" }, answer(exchange)),
    make("h4", {}, "Why"),
    make("p", { id: "reason", class: "reason" }, prose(exchange.reason)),
  );
  announce(`${exchange.title}: ${words(exchange)}. ${exchange.reason.replaceAll("`", "")}`);
}

// One line in the list of earlier calls.
export function remember(exchange) {
  const list = byId("history").querySelector("ol");
  list.prepend(make("li", {}, `${instant(exchange.now)} ${exchange.method} ${exchange.path} `, status(exchange)));
  while (list.children.length > KEPT) list.lastChild.remove();
}

export function announce(text) {
  byId("announcement").textContent = text;
}

const words = ({ status, code }) => (status === 0 ? "no answer" : `${status}${code ? ` ${code}` : ""}`);

export function status(exchange) {
  const good = exchange.status >= 200 && exchange.status < 300;
  return make("span", { class: `badge ${good ? "good" : "bad"}` }, words(exchange));
}

function answer({ status, headers, text, json }) {
  if (status === 0) return "No answer.";
  const body = text ? `\n\n${abbreviate(JSON.stringify(json, null, 2))}` : "";
  return `HTTP/1.1 ${status}\n${headers.join("\n")}${body}`;
}

function block(title, shown, copied) {
  const copy = make("button", { type: "button", class: "copy" }, "Copy");
  copy.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(copied);
      copy.textContent = "Copied";
      announce("The command is copied, with the whole token.");
    } catch {
      copy.textContent = "Not allowed";
    }
  });
  return make("div", { class: "block" }, make("h4", {}, title), copy, make("pre", { tabindex: "0", "aria-label": "The request as a curl command" }, shown));
}
