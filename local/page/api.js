// Calls to the service, each kept as what a person would type and what the server said.
import { abbreviate } from "/page/token.js";

const SHOWN_HEADERS = ["content-type", "cache-control", "retry-after", "www-authenticate", "allow"];

export const quoted = (text) => `'${text.replace(/'/g, "'\\''")}'`;

function curl(method, path, body, bearer) {
  const lines = [`curl -si ${location.origin}${path}`];
  if (method !== "GET" && !(method === "POST" && body)) lines[0] += ` -X ${method}`;
  if (bearer) lines.push(`-H 'Authorization: Bearer ${bearer}'`);
  if (body) lines.push("-H 'Content-Type: application/json'", `-d ${quoted(JSON.stringify(body))}`);
  return lines.join(" \\\n  ");
}

// `hidden` is what to show in place of secrets in the body, `bearer` a token for the header.
export async function call(method, path, { body = null, hidden = {}, bearer = null } = {}) {
  const command = curl(method, path, body && { ...body, ...hidden }, bearer);
  const exchange = { method, path, curl: command, shownCurl: abbreviate(command), headers: [] };
  let response;
  try {
    response = await fetch(path, {
      method,
      cache: "no-store",
      headers: {
        ...(body && { "content-type": "application/json" }),
        ...(bearer && { authorization: `Bearer ${bearer}` }),
      },
      body: body && JSON.stringify(body),
    });
    exchange.text = await response.text();
  } catch {
    return { ...exchange, status: 0, text: "", json: {} };
  }
  exchange.status = response.status;
  exchange.headers = SHOWN_HEADERS.filter((name) => response.headers.has(name))
    .map((name) => `${name}: ${response.headers.get(name)}`);
  try {
    exchange.json = exchange.text ? JSON.parse(exchange.text) : {};
  } catch {
    exchange.json = {};
  }
  exchange.code = exchange.json.code ?? challenged(response.headers.get("www-authenticate"));
  return exchange;
}

// The error of RFC 6750, where API Gateway rejects a token and its body names none.
const challenged = (header) => header?.match(/error=.(\w+)/)?.[1];
