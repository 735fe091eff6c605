// A token taken apart: as it is sent, and what each part of it says.
import { make, prose } from "/page/dom.js";
import { gloss, isAccess, meaningInClaims, meaningInHeader } from "/page/token.js";

// `before` has the claims of the token that this one follows, if any.
export function tokenView(token, before = null) {
  const [first, second, third] = token.raw.split(".");
  return [
    make("p", { class: "raw", tabindex: "0", "aria-label": "The token as it is sent" },
      make("span", { class: "part-header" }, first), ".", make("span", { class: "part-claims" }, second), ".", make("span", { class: "part-signature" }, third)),
    make("div", { class: "columns" },
      make("div", {}, make("h3", { class: "part-header" }, "Header"), header(token)),
      make("div", {}, make("h3", { class: "part-claims" }, "Claims"), claims(token, before))),
    make("p", { class: "muted" }, make("span", { class: "part-signature" }, "Signature"), ": made with the server’s private key over the two parts before it. Anybody can read a token; nobody can change one."),
  ];
}

// The members of the header, or those with these names.
export const header = (token, names = Object.keys(token.header)) =>
  fields(token.header, names, (name) => [make("span", {}, prose(meaningInHeader(token, name)))]);

// The claims, or those with these names.
export function claims(token, before = null, names = Object.keys(token.claims).sort((a, b) => rank(token, a) - rank(token, b))) {
  return fields(token.claims, names, (name) => [
    gloss(name, token.claims) && make("strong", { class: "gloss" }, gloss(name, token.claims)),
    make("span", {}, prose(meaningInClaims(token, name))),
    before && name in before && comparison(name, before[name] === token.claims[name]),
  ].filter(Boolean));
}

// What the lesson is about comes first.
const rank = (token, name) => (isAccess(token) ? ["aud", "scope", "exp", "iat"] : ["iat", "exp"]).indexOf(name) >>> 0;

// What the last refresh did to a claim.
function comparison(name, same) {
  if (same) return name === "iat" ? make("em", { class: "kept" }, "kept by the refresh") : null;
  return make("em", { class: "new" }, "new with the refresh");
}

function fields(members, names, meaning) {
  const value = (content) => (typeof content === "string" ? content : JSON.stringify(content));
  return make("dl", { class: "fields" }, names.filter((name) => name in members).map((name) => make("div", {},
    make("dt", {}, name), make("dd", { class: "value" }, value(members[name])), make("dd", {}, meaning(name)))));
}
