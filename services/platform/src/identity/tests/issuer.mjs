// A real OIDC issuer (npm oidc-provider) with a key of each kind, for the test beside it: `node issuer.mjs` in a directory
// where the package is installed. Prints its address once it listens, and ends with its standard input.
import { createRequire } from "node:module";
import { generateKeyPairSync } from "node:crypto";
import { createServer } from "node:http";
import { pathToFileURL } from "node:url";

const found = createRequire(process.cwd() + "/").resolve("oidc-provider");
const { Provider } = await import(pathToFileURL(found));

const jwk = (kind, options, more) => ({
  ...generateKeyPairSync(kind, options).privateKey.export({ format: "jwk" }),
  use: "sig",
  ...more,
});
const client = (id) => ({
  client_id: id,
  client_secret: "a-secret-of-this-test-alone-that-opens-nothing",
  grant_types: ["client_credentials"],
  response_types: [],
  redirect_uris: [],
});

const server = createServer();
await new Promise((listening) => server.listen(0, "127.0.0.1", listening));
const address = `http://127.0.0.1:${server.address().port}`;
const provider = new Provider(address, {
  jwks: {
    keys: [
      jwk("ed25519", {}, { kid: "ed", alg: "EdDSA" }),
      jwk("ec", { namedCurve: "P-256" }, { kid: "ec", alg: "ES256" }),
      jwk("rsa", { modulusLength: 2048 }, { kid: "rsa", alg: "RS256" }),
    ],
  },
  // Each client is named after the algorithm that its tokens are signed with.
  clients: ["EdDSA", "ES256", "RS256"].map(client),
  features: {
    devInteractions: { enabled: false },
    clientCredentials: { enabled: true },
    resourceIndicators: {
      enabled: true,
      defaultResource: () => "urn:motcua",
      useGrantedResource: () => true,
      getResourceServerInfo: (context, resource, client) => ({
        audience: "motcua",
        scope: "",
        accessTokenTTL: 900,
        accessTokenFormat: "jwt",
        jwt: { sign: { alg: client.clientId } },
      }),
    },
  },
  extraTokenClaims: () => ({
    realm_access: { roles: ["system", "offline_access"] },
    motcua_agencies: ["11593"],
    motcua_kinds: "*",
  }),
});
server.on("request", provider.callback());
process.stdin.on("end", () => process.exit()).resume();
console.log(address);
