// Signs and verifies with the npm clients and with Node's own ed25519.
//
// Standard input: {"sign": [{client, key, id, timestamp, body}], "verify": [{client, key, headers, body}]}
// Standard output: {"signed": [signature], "verified": [null or what is wrong]}
// client: standardwebhooks, svix (the key is a whsec_ secret) or node (the ed25519 seed or public key, in base64)
"use strict";
const crypto = require("node:crypto");
const fs = require("node:fs");

const clients = { standardwebhooks: require("standardwebhooks").Webhook, svix: require("svix").Webhook };

// The DER wrappings of a bare ed25519 key (RFC 8410).
const privateKeyHeader = Buffer.from("302e020100300506032b657004220420", "hex");
const publicKeyHeader = Buffer.from("302a300506032b6570032100", "hex");

function sign({ client, key, id, timestamp, body }) {
  if (client !== "node") {
    return new clients[client](key).sign(id, new Date(timestamp * 1000), body);
  }
  const der = Buffer.concat([privateKeyHeader, Buffer.from(key, "base64")]);
  const privateKey = crypto.createPrivateKey({ key: der, format: "der", type: "pkcs8" });
  return "v1a," + crypto.sign(null, Buffer.from(`${id}.${timestamp}.${body}`), privateKey).toString("base64");
}

function verify({ client, key, headers, body }) {
  if (client !== "node") {
    new clients[client](key).verify(body, headers);
    return;
  }
  const der = Buffer.concat([publicKeyHeader, Buffer.from(key, "base64")]);
  const publicKey = crypto.createPublicKey({ key: der, format: "der", type: "spki" });
  const content = Buffer.from(`${headers["webhook-id"]}.${headers["webhook-timestamp"]}.${body}`);
  const signature = Buffer.from(headers["webhook-signature"].replace("v1a,", ""), "base64");
  if (!crypto.verify(null, content, publicKey, signature)) {
    throw new Error("ed25519 signature does not verify");
  }
}

function problem(action) {
  try {
    action();
    return null;
  } catch (error) {
    return String(error);
  }
}

const work = JSON.parse(fs.readFileSync(0, "utf8"));
process.stdout.write(
  JSON.stringify({
    signed: work.sign.map(sign),
    verified: work.verify.map((message) => problem(() => verify(message))),
  }),
);
