// What a team without Latchkey might write: Node.js and jose, RS256, one user in memory, the same refresh rule.
// node node-jose.mjs PORT, beside a node_modules with jose.
import { createServer } from "node:http";
import { SignJWT, generateKeyPair, jwtVerify } from "jose";

const { publicKey, privateKey } = await generateKeyPair("RS256");
const port = Number(process.argv[2]);
const issuer = `http://127.0.0.1:${port}`;
const sessions = new Map([["0190", { sub: "1", username: "demo" }]]);
const refreshable = 172_800;

const issue = (claims, iat, now) =>
  new SignJWT({ username: claims.username, sid: claims.sid, jti: crypto.randomUUID() })
    .setProtectedHeader({ alg: "RS256", typ: "JWT", kid: "1" })
    .setIssuer(issuer).setAudience("latchkey").setSubject(claims.sub)
    .setIssuedAt(iat).setExpirationTime(now + 3600)
    .sign(privateKey);

const answer = async (path, body) => {
  const now = Math.floor(Date.now() / 1000);
  if (path === "/auth/login") return { token: await issue({ ...sessions.get("0190"), sid: "0190" }, now, now) };
  const { payload } = await jwtVerify(JSON.parse(body).token, publicKey, { issuer, audience: "latchkey", algorithms: ["RS256"] });
  if (now > payload.iat + refreshable || !sessions.has(payload.sid)) throw new Error("ended");
  return { token: await issue(payload, payload.iat, now), token_type: "Bearer", expires_in: 3600 };
};

createServer((request, response) => {
  const chunks = [];
  request.on("data", (chunk) => chunks.push(chunk));
  request.on("end", () => {
    answer(request.url, Buffer.concat(chunks).toString())
      .then((reply) => [200, reply], () => [400, { code: "invalid_token" }])
      .then(([status, reply]) => {
        const text = JSON.stringify(reply);
        const length = Buffer.byteLength(text);
        response.writeHead(status, { "Content-Type": "application/json", "Content-Length": length, "Cache-Control": "no-store" });
        response.end(text);
      });
  });
}).listen(port, "127.0.0.1");
