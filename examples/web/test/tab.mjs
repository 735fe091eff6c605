// What a person sees and does in a tab of the app, in any engine.
import assert from "node:assert/strict";
import { setTimeout as delay } from "node:timers/promises";
import { USERS } from "./servers.mjs";

const PATIENCE = 120_000;

export async function shows(tab, text) {
  const deadline = Date.now() + PATIENCE;
  const look = () => tab.run(`(document.body?.innerText ?? "").includes(${JSON.stringify(text)})`).catch(() => false);
  while (!(await look())) {
    if (Date.now() > deadline) throw new Error(`"${text}" does not come; the page says: ${await tab.run("document.body?.innerText")}`);
    await delay(100);
  }
}

export async function press(tab, name) {
  const named = `button.textContent === ${JSON.stringify(name)}`;
  const pressed = await tab.run(`[...document.querySelectorAll("button")].some((button) => ${named} && (button.click(), true))`);
  assert(pressed, `there is no button ${name}`);
}

export async function signIn(tab) {
  const fill = (name, text) => `document.querySelector("[name=${name}]").value = ${JSON.stringify(text)}`;
  await tab.run(`(${fill("username", "demo")}, ${fill("password", USERS.demo)}, document.querySelector("form").requestSubmit())`);
}

export async function setPassword(tab, password) {
  await tab.run(`(document.querySelector("[name=password]").value = ${JSON.stringify(password)}, document.querySelector("form").requestSubmit())`);
}
