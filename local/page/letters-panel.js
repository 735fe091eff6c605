// The panel of emails ("letters" in the code): this server sends none, and shows them here.
import * as actions from "/page/actions.js";
import { byId, make, prose } from "/page/dom.js";
import { status } from "/page/exchange.js";

// How often, in milliseconds, and how many times to look for a letter that was just asked for.
const PAUSE = 300;
const LOOKS = 10;

let letters = [];

export async function begin() {
  if (!(await read())) return;
  byId("letters").hidden = false;
  draw();
  byId("letters-form").addEventListener("submit", (event) => {
    event.preventDefault();
    actions.alone(ask);
  });
  byId("letters-look").addEventListener("click", () => actions.alone(async () => void ((await read()) && draw())));
}

async function ask() {
  const exchange = await actions.askForLetter(byId("letters-username").value);
  byId("letters-outcome").replaceChildren(
    make("p", {}, `${exchange.title} `, status(exchange)),
    make("p", { class: "reason" }, prose(exchange.reason)));
  if (exchange.status !== 202) return;
  const before = letters.length;
  for (let look = 0; look < LOOKS && letters.length === before; look += 1) {
    await new Promise((resolve) => void setTimeout(resolve, PAUSE));
    await read();
  }
  draw();
}

// Whether this server has letters at all.
async function read() {
  const response = await fetch("/local/mail", { cache: "no-store" }).catch(() => null);
  if (!response?.ok) return false;
  ({ letters } = await response.json());
  return true;
}

function draw() {
  byId("letters-list").replaceChildren(...(letters.length ? letters.map(letter) : [make("p", { class: "muted" }, "No email yet.")]));
}

function letter({ to, subject, text }, index) {
  const details = make("details", { open: index === 0 },
    make("summary", {}, `${subject}, to ${to}`),
    make("pre", { tabindex: "0", "aria-label": `The email to ${to}` }, ...linked(text)));
  return details;
}

// The text, in which a link can be followed.
function linked(text) {
  return text.split(/(https?:\/\/\S+)/).map((part, index) => (index % 2 ? make("a", { href: part }, part) : part));
}
