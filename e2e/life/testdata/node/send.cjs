// Sends webhooks as a sender does that has only the npm clients and Node's fetch.
//
// Standard input: [{client, key, url, id, body}], client: standardwebhooks or svix
// Standard output: [{status, body}]
"use strict";
const fs = require("node:fs");

const clients = { standardwebhooks: require("standardwebhooks").Webhook, svix: require("svix").Webhook };
const prefixes = { standardwebhooks: "webhook", svix: "svix" };

async function send({ client, key, url, id, body }) {
  const now = new Date();
  const headers = {
    "content-type": "application/json",
    [`${prefixes[client]}-id`]: id,
    [`${prefixes[client]}-timestamp`]: String(Math.floor(now.getTime() / 1000)),
    [`${prefixes[client]}-signature`]: new clients[client](key).sign(id, now, body),
  };
  const answer = await fetch(url, { method: "POST", headers, body });
  if (answer.status === 503) {
    return send({ client, key, url, id, body }); // as every sender does
  }
  return { status: answer.status, body: await answer.text() };
}

async function main() {
  const answers = [];
  for (const message of JSON.parse(fs.readFileSync(0, "utf8"))) {
    answers.push(await send(message));
  }
  process.stdout.write(JSON.stringify(answers));
}

main();
