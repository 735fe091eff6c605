// Why the server said what it said, with the numbers of this session.
import { accessReason } from "/page/access-reasons.js";
import * as clock from "/page/clock.js";
import { duration, near } from "/page/words.js";

// `about` is the token that was sent, if any; `now` is the second in which the server answered.
export function reason(kind, exchange, about, now) {
  if (exchange.status === 0) return "The server does not answer. Is `cargo run -p local` still running?";
  const ofAccess = accessReason(kind, exchange, about, now);
  if (ofAccess) return ofAccess;
  const code = exchange.json.code;
  if (code) return rejection(kind, code, exchange, about, now);
  return success(kind, exchange, about, now);
}

function success(kind, exchange, about, now) {
  const at = (seconds) => near(seconds, now);
  const life = duration(clock.expiration());
  switch (kind) {
    case "login":
      return `A new session. \`iat\` is now and will not change; \`exp\` is now + ${life}, ${at(now + clock.expiration())}.`;
    case "refresh":
    case "refresh-older": {
      const limit = about.claims.iat + clock.refreshExpiration();
      const exp = now + clock.expiration();
      const said = `The token was live (now < exp), and now is not past the refresh limit, ${at(limit)}. ` +
        `The new token has the same \`iat\`, and \`exp\` = now + ${life} = ${at(exp)}.`;
      if (kind === "refresh-older") {
        return `${said} An older token is as good as the newest while it lives, so a lost answer or a second tab logs nobody out.`;
      }
      return exp > limit ? `${said} That is past the refresh limit: the limit bounds refreshing, not the life of a token.` : said;
    }
    case "verify":
      return `The signature is ours, \`exp\` is ${duration(exchange.json.expires_in)} away, and the session is still in the user’s row.`;
    case "logout":
      return "The session is out of the user’s row: no token of it is refreshed any more. A service that checks signatures alone takes the token until its `exp`.";
    case "logout-everywhere":
      return "Every session of this user is out of the row, on every device. Tokens that are out live until their own `exp`, and none of them is refreshed.";
    case "show-code":
      if (exchange.status === 404) return "This server has no such links: it was started with an empty `--account-link`.";
      return `The code is good for another ${duration(exchange.json.expires_in)}, unless it is used or replaced before. Asking changes nothing.`;
    case "ask-for-letter":
      return "The answer is the same for every name: the function that answers can only write to the outbox, and can read nothing. If this user has an address, the email appears below in a moment.";
    case "register":
      return "One transaction wrote the user, with the claims of the invitation, and used the code up. No session opens: the page logs in.";
    case "recover":
      return "One transaction set the password, ended every session of the user and used the code up. No session opens: the page logs in.";
    case "clock":
      return "The server’s clock was moved. Tokens do not move with it: what they say is signed.";
    default:
      return exchange.json.message ?? "";
  }
}

function rejection(kind, code, exchange, about, now) {
  const claims = about?.claims;
  const at = (seconds) => near(seconds, now);
  switch (code) {
    case "token_expired":
      return `Now, ${at(now)}, is not before \`exp\`, ${at(claims.exp)}. An expired token cannot be refreshed, however new the session is: log in again.`;
    case "refresh_expired": {
      const limit = claims.iat + clock.refreshExpiration();
      return `Now is ${duration(now - limit)} past the refresh limit, \`iat\` + ${duration(clock.refreshExpiration())} = ${at(limit)}. ` +
        `There is no further token; this one stays good until its own \`exp\`, ${at(claims.exp)}.`;
    }
    case "session_ended":
      return "The signature is fine and the token is live, but this call reads the user’s row, and this session is no longer in it.";
    case "invalid_token":
      if (kind === "tamper") {
        return "The signature covers header and claims. Claims that were changed no longer fit it, so the server does not believe a word of them.";
      }
      if (claims && now < claims.iat) {
        return `\`iat\`, ${at(claims.iat)}, is in the future: the clock was set back to before the login. No clock of ours issued this token.`;
      }
      return "The server cannot have issued this token: signature, issuer, audience or form is not ours.";
    case "invalid_credentials":
      return "An unknown user, a disabled user and a wrong password get the same answer, after the same work: it tells nobody which names exist.";
    case "too_many_attempts": {
      const wait = exchange.headers.find((line) => line.startsWith("retry-after:"))?.split(" ")[1];
      return `Too many failures in a row. The next try counts in ${duration(Number(wait))} of the server’s clock; nobody is locked out for good.`;
    }
    case "invalid_code":
      return "The code is mistyped, used, replaced or expired, and the answer does not say which; the log does. If it was used to set a password, log in. If not, make a new link.";
    case "audience_unknown":
      return "There are access tokens only for the audiences that the server was started with: `--access-audiences` here, the parameter `AccessTokenAudiences` in AWS. They must match exactly.";
    case "scope_unknown":
      return "This audience has no such scope: discovery lists those of all audiences. That is a mistake, so the server says so. A scope that only the user lacks is left out of the token instead.";
    case "user_disabled":
      return "An administrator has disabled this user.";
    default:
      return exchange.json.message;
  }
}
