import assert from "node:assert/strict";
import { test } from "node:test";
import { createElement, StrictMode } from "react";
import { renderToString } from "react-dom/server";
import { get } from "svelte/store";
import { Latchkey } from "../src/index.js";
import { LatchkeyProvider, useSession } from "../src/react.js";
import App from "../examples/App.js";
import { placeOrder, readOnlyToken } from "../examples/orders.js";
import { session } from "../examples/session.js";
import { link, ownerOf, setPassword } from "../examples/set-password.js";
import { sessionState } from "../examples/svelte.js";
import { useSession as useVue } from "../examples/vue.js";
import { ORDERS, TestWorld, worldOfApis } from "./world.js";

test("the example of the test double runs", async () => {
  await import("../examples/testing.js");
});

test("the React example renders on a server, where nobody is known yet", () => {
  assert.equal(renderToString(createElement(StrictMode, null, createElement(App))), '<p role="status">One moment …</p>');
});

test("a server renders the user that it knows", () => {
  const Name = () => createElement("h1", null, useSession().user?.username ?? "nobody");
  const page = (initialUser: { sub: string; username: string } | null) => {
    const client = new Latchkey({ baseUrl: "/", mode: "cookie", initialUser });
    return renderToString(createElement(LatchkeyProvider, { client }, createElement(Name)));
  };
  assert.equal(page({ sub: "1", username: "ada" }), "<h1>ada</h1>");
  assert.equal(page(null), "<h1>nobody</h1>");
});

test("a hook outside of its provider says where it belongs", () => {
  const Lost = () => createElement("p", null, useSession().status);
  assert.throws(() => renderToString(createElement(Lost)), /LatchkeyProvider/);
});

test("the example of access tokens runs", async () => {
  const world = worldOfApis();
  const client = await world.signedIn();
  assert.deepEqual(await (await placeOrder(client, { amount: 7 })).json(), { echo: { amount: 7 } });
  const { origin, authorization } = world.service.calls.at(-1)!;
  assert.deepEqual([origin, authorization], [ORDERS, "Bearer access-token-1"]);
  assert.equal(world.service.accessTokens.get(await readOnlyToken(client))?.scope, "orders:read");
});

test("the example of links sets the password and signs in", async () => {
  assert.equal(link, undefined, "there is no address here");
  const world = new TestWorld();
  const code = world.service.makeCode("invitation", "alan");
  const { fetch } = globalThis;
  globalThis.fetch = (...request) => world.service.answer(new Request(...request));
  try {
    assert.equal(await ownerOf({ purpose: "invitation", code }), "alan");
    const session = world.client();
    await setPassword(session, { purpose: "invitation", code }, "alan", "four more random words");
    assert.equal(session.getState().user?.username, "alan");
    await setPassword(session, { purpose: "recovery", code: world.service.makeCode("recovery", "ada") }, "ada", "other words");
    assert.equal(session.getState().user?.username, "ada");
  } finally {
    globalThis.fetch = fetch;
  }
});

test("the stores for Vue and Svelte follow the session", async () => {
  const world = new TestWorld();
  world.service.cookieMode = true;
  const { fetch } = globalThis;
  const items = new Map<string, string>();
  const localStorage = {
    getItem: (key: string) => items.get(key) ?? null,
    setItem: (key: string, text: string) => items.set(key, text),
    removeItem: (key: string) => items.delete(key),
  };
  const listen = () => {};
  Object.assign(globalThis, {
    fetch: (...request: Parameters<typeof fetch>) => world.service.answer(new Request(...request)),
    localStorage,
    addEventListener: listen,
    removeEventListener: listen,
  });
  try {
    const vue = useVue();
    const seen: string[] = [];
    const stop = sessionState.subscribe(({ status }) => seen.push(status));
    assert.equal(vue.value.status, "restoring");
    await session.login("ada", "correct horse");
    assert.deepEqual([vue.value.user?.username, get(sessionState).user?.username], ["ada", "ada"]);
    await session.logout();
    assert.equal(vue.value.status, "signed-out");
    assert.deepEqual(seen, ["restoring", "signed-in", "signed-out"]);
    stop();
    session.close();
  } finally {
    globalThis.fetch = fetch;
    for (const name of ["localStorage", "addEventListener", "removeEventListener"]) Reflect.deleteProperty(globalThis, name);
  }
});
