// Calls to the service, each kept as what a person would type and what the server said.
import { abbreviate } from "/page/token.js";

const SHOWN_HEADERS = ["content-type", "cache-control", "retry-after", "www-authenticate", "allow"];

const quoted = (text) => `'${text.replace(/'/g, "'\\''")}'`;

function curl(method, path, body) {
  const lines = [`curl -si ${location.origin}${path}`];
  if (method !== "GET" && !(method === "POST" && body)) lines[0] += ` -X ${method}`;
  if (body) lines.push("-H 'Content-Type: application/json'", `-d ${quoted(JSON.stringify(body))}`);
  return lines.join(" \\\n  ");
}

// `secret` is a value in the body that is shown to nobody.
export async function call(method, path, body = null, secret = null) {
  const command = curl(method, path, secret === null ? body : { ...body, [secret]: "YOUR PASSWORD" });
  const exchange = { method, path, curl: command, shownCurl: abbreviate(command), headers: [] };
  let response;
  try {
    response = await fetch(path, {
      method,
      cache: "no-store",
      headers: body ? { "content-type": "application/json" } : {},
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
  return exchange;
}
