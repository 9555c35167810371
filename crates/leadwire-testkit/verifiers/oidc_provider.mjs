// A provider of the npm package oidc-provider, with its pages for trying it out: whoever types a name there is that person.
//
// Reads the client's secret as the first line of its input, and how it signs from its arguments; says where it listens. Ends with
// its input.

import { generateKeyPairSync } from "node:crypto";
import { createServer } from "node:http";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";

const entry = join(process.env.LEADWIRE_VERIFIERS, "node_modules/oidc-provider/lib/index.js");
const { Provider } = await import(pathToFileURL(entry));

const algorithm = process.argv[2];
const kinds = {
  RS256: () => generateKeyPairSync("rsa", { modulusLength: 2048 }),
  PS256: () => generateKeyPairSync("rsa", { modulusLength: 2048 }),
  ES256: () => generateKeyPairSync("ec", { namedCurve: "P-256" }),
  EdDSA: () => generateKeyPairSync("ed25519"),
};
const key = { ...kinds[algorithm]().privateKey.export({ format: "jwk" }), kid: "one", use: "sig", alg: algorithm };

const lines = createInterface({ input: process.stdin });
const secret = (await lines[Symbol.asyncIterator]().next()).value;
lines.on("close", () => process.exit());

const server = createServer();
server.listen(0, "127.0.0.1", () => {
  const { port } = server.address();
  const provider = new Provider(`http://127.0.0.1:${port}`, {
    clients: [
      {
        client_id: "leadwire",
        client_secret: secret,
        grant_types: ["authorization_code"],
        redirect_uris: ["http://127.0.0.1/sign-in/back/real"],
        response_types: ["code"],
        id_token_signed_response_alg: algorithm,
      },
    ],
    claims: { openid: ["sub"], email: ["email", "email_verified"], profile: ["name"] },
    cookies: { keys: ["only for tests"] },
    enabledJWA: { idTokenSigningAlgValues: [algorithm] },
    findAccount: (_, id) => ({
      accountId: id,
      claims: () => ({ sub: id, email: `${id}@contoso.com`, email_verified: !id.startsWith("new"), name: id }),
    }),
    jwks: { keys: [key] },
    pkce: { required: () => true },
  });
  // The program under test listens on another port each time.
  provider.Client.prototype.redirectUriAllowed = (uri) => /^http:\/\/127\.0\.0\.1:\d+\/sign-in\/back\/real$/.test(uri);
  server.on("request", provider.callback());
  console.log(`listening on 127.0.0.1:${port}`);
});
