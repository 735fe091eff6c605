/** What a browser does with cookies that no script sees, for a page of `origin`. */
export function jar(origin: string | null, kept = "", memory: "faithful" | "forgetful" = "faithful") {
  let cookie = kept;
  const send = async (input: RequestInfo | URL, init?: RequestInit): Promise<Response> => {
    const request = new Request(input, init);
    // Said of every call to another origin, with the cookie or without.
    if (origin !== null) request.headers.set("Origin", origin);
    // The pages are never of the service's own origin, so "same-origin" sends and keeps none.
    if (request.credentials !== "include") return fetch(request);
    if (cookie !== "") request.headers.set("Cookie", `__Host-latchkey=${cookie}`);
    const response = await fetch(request);
    if (memory === "forgetful") return response;
    for (const line of response.headers.getSetCookie()) cookie = /^__Host-latchkey=([^;]*);/.exec(line)?.[1] ?? cookie;
    return response;
  };
  return { fetch: send, cookie: () => cookie };
}
