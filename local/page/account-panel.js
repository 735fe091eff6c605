// The panel of the links that set a password.
import { account, forget } from "/page/account.js";
import * as actions from "/page/actions.js";
import { byId, make, prose } from "/page/dom.js";
import { status } from "/page/exchange.js";

// Once: to a person who came by a link this panel comes first.
export async function begin() {
  if (account.link === null) return;
  byId("content").prepend(byId("account"));
  await actions.alone(show);
}

async function show() {
  const exchange = await actions.showCode(account.link.code);
  outcome(exchange);
  if (exchange.status === 200) ask(exchange.json);
  else if (exchange.code === "invalid_code" || exchange.status === 404) end("This link no longer works.");
  else say("The server did not say whom this link is for. Reload the page to ask again.");
}

// The form, for the user whom the code names. The name is a field so that a password manager saves it too.
function ask(shown) {
  const { purpose, username } = shown;
  say(purpose === "invitation"
    ? `With this link you become the user \`${username}\`.`
    : `This link sets a new password for \`${username}\` and ends every session of that user.`);
  const password = make("input", { id: "account-password", type: "password", autocomplete: "new-password", required: true });
  const form = make("form", { id: "account-form", class: "row" },
    make("label", {}, "User ", make("input", { id: "account-username", autocomplete: "username", value: username, readonly: true })),
    make("label", {}, "New password ", password),
    make("button", { class: "primary" }, "Set the password"));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    actions.alone(() => set(shown, password.value));
  });
  byId("account-form").replaceWith(form);
  password.focus();
}

async function set({ purpose, username }, password) {
  const exchange = await actions.setPassword(purpose, username, account.link.code, password);
  outcome(exchange);
  if (exchange.code === "invalid_code") return end("This link no longer works.");
  if (exchange.status !== 201 && exchange.status !== 204) return;
  forget();
  byId("username").value = username;
  byId("password").value = password;
  const login = await actions.logIn(username, password);
  outcome(exchange, login);
  end(login.status === 200 ? `The password is set, and \`${username}\` is logged in.` : "The password is set.");
}

// What a reload shows is the page without the link.
function end(text) {
  forget();
  say(text);
  byId("account-form").replaceChildren();
}

const say = (text) => byId("account-text").replaceChildren(...prose(text));

function outcome(...exchanges) {
  byId("account-outcome").replaceChildren(
    ...exchanges.flatMap((exchange) => [make("p", {}, `${exchange.title} `, status(exchange)), make("p", { class: "reason" }, prose(exchange.reason))]),
    make("p", { class: "small" }, make("a", { href: "#answer-title" }, "The request and the answer")));
}
