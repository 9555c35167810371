// Drives a Dataverse environment with the npm package dynamics-web-api, which nobody here wrote.
//
// Reads {"url", "tenant", "client_id", "client_secret", "team"}; answers what came of each step.
// The package is looked up in the folder that LEADWIRE_VERIFIERS names.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

const { DynamicsWebApi } = createRequire(join(process.env.LEADWIRE_VERIFIERS, "package.json"))("dynamics-web-api");
const wish = JSON.parse(readFileSync(0, "utf8"));
const id = "b490cf3b-105f-8c70-a3c7-ab40985dadfa";
const other = "b490cf3b-105f-8c70-a3c7-ab40985dadfb";

async function signIn(client_secret) {
  const answer = await fetch(`${wish.url}/${wish.tenant}/oauth2/v2.0/token`, {
    method: "POST",
    body: new URLSearchParams({
      grant_type: "client_credentials",
      client_id: wish.client_id,
      client_secret,
      scope: `${wish.url}/.default`,
    }),
  });
  return answer.json();
}

function client(token) {
  return new DynamicsWebApi({
    serverUrl: wish.url,
    dataApi: { version: "9.2" },
    onTokenRefresh: async () => token,
  });
}

async function refused(call) {
  try {
    await call();
    return null;
  } catch (error) {
    // Within a batch the library leaves the error as it came.
    return [error.status, error.code ?? error.error?.code ?? null];
  }
}

const wrong = await signIn("wrong");
const { access_token: token } = await signIn(wish.client_secret);
const api = client(token);
const leads = { collection: "leads" };
const seen = { wrong_secret: wrong.error_codes };
seen.user = (await api.callFunction({ name: "WhoAmI" })).UserId;
seen.created = (
  await api.create({
    ...leads,
    data: { subject: "A", lastname: "One", "ownerid@odata.bind": `/teams(${wish.team})` },
    returnRepresentation: true,
    select: ["leadid", "subject"],
  })
).subject;
seen.upserted = await refused(() => api.upsert({ ...leads, key: id, data: { subject: "B" }, ifnonematch: "*" }));
// The library takes a 412 for what was asked for, and tells nothing.
seen.upserted_again = (await api.upsert({ ...leads, key: id, data: { subject: "C" }, ifnonematch: "*" })) ?? "prevented";
seen.updated = await refused(() => api.update({ ...leads, key: id, data: { jobtitle: "CTO" }, ifmatch: "*" }));
seen.update_of_nothing = await refused(() =>
  api.update({ ...leads, key: other, data: { jobtitle: "CTO" }, ifmatch: "*" }),
);
const read = await api.retrieve({ ...leads, key: id, select: ["subject", "jobtitle", "statecode"] });
seen.read = [read.subject, read.jobtitle, read.statecode];
seen.too_long = await refused(() => api.create({ ...leads, data: { subject: "x".repeat(301) } }));
seen.unknown = await refused(() => api.create({ ...leads, data: { foo: 1 } }));
seen.stranger = await refused(() => client("x").callFunction({ name: "WhoAmI" }));

function batch(...subjects) {
  api.startBatch();
  for (const subject of subjects) {
    api.create({ ...leads, data: { subject }, inChangeSet: false });
  }
}
batch("D", "E");
seen.batch = (await api.executeBatch({ inChangeSet: false })).length;
batch("F", "x".repeat(301), "G");
const answers = await api.executeBatch({ inChangeSet: false, continueOnError: true });
seen.batch_with_bad = answers.map((it) => it.error?.code ?? "done");
api.startBatch();
api.create({ ...leads, data: { subject: "H" } });
api.create({ ...leads, data: { subject: "x".repeat(301) } });
seen.change_set = await refused(() => api.executeBatch().catch((errors) => { throw [].concat(errors)[0]; }));

const columns = await api.retrieveAttributes({
  entityKey: "LogicalName='lead'",
  castType: "Microsoft.Dynamics.CRM.StringAttributeMetadata",
  select: ["LogicalName", "MaxLength"],
});
seen.subject_length = columns.value.find((it) => it.LogicalName === "subject").MaxLength;
const all = await api.retrieveMultiple({ ...leads, select: ["subject"], filter: "modifiedon ge 2020-01-01T00:00:00Z" });
seen.subjects = all.value.map((it) => it.subject);
seen.deleted = await api.deleteRecord({ ...leads, key: id });
seen.gone = await refused(() => api.retrieve({ ...leads, key: id, select: ["leadid"] }));
console.log(JSON.stringify(seen));
