import { Latchkey } from "latchkey-client";

const session = new Latchkey({ baseUrl: "http://127.0.0.1:3000" });
await session.login("demo", "latchkey demo password");
const response = await session.fetch("http://127.0.0.1:3000/protected");
console.log(await response.json());
