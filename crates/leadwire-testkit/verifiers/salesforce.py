"""Drives a simulated Salesforce org with simple-salesforce (PyPI), which nobody here wrote.

Reads one JSON object from stdin and prints one to stdout:

    {"base": "http://127.0.0.1:8080", "client_id": "...", "client_secret": "...", "external_id": "LeadwireLeadId__c",
     "jwt": {"username": "...", "private_key": "PEM"}}

`jwt` may be left out. The library only speaks to https://<domain>.salesforce.com, so its transport is pointed at the
simulated org, with the host it asked for in the Host header.
"""

import csv
import io
import json
import sys
from urllib.parse import urlsplit, urlunsplit

import requests
from requests.adapters import HTTPAdapter
from simple_salesforce import Salesforce
from simple_salesforce.exceptions import SalesforceAuthenticationFailed, SalesforceError

DOMAIN = "acme.my"


class Redirected(HTTPAdapter):
    """Sends every request to the simulated org, whatever host it names."""

    def __init__(self, base):
        super().__init__()
        self.base = urlsplit(base)

    def send(self, request, **kwargs):
        asked = urlsplit(request.url)
        request.headers["Host"] = asked.netloc
        request.url = urlunsplit((self.base.scheme, self.base.netloc, asked.path, asked.query, ""))
        return super().send(request, **kwargs)


def session(base):
    made = requests.Session()
    made.trust_env = False
    for scheme in ("http://", "https://"):
        made.mount(scheme, Redirected(base))
    return made


def refused(action):
    """The error an action ends in: the class the library chose, and the codes in the answer."""
    try:
        action()
    except SalesforceAuthenticationFailed as error:
        return ["SalesforceAuthenticationFailed", str(error.code)]
    except SalesforceError as error:
        content = error.content if isinstance(error.content, list) else [error.content]
        codes = [it.get("errorCode", "") if isinstance(it, dict) else str(it) for it in content]
        return [type(error).__name__, *codes]
    return ["no error"]


def sign_in(config, domain=DOMAIN, secret=None):
    return Salesforce(
        consumer_key=config["client_id"],
        consumer_secret=secret or config["client_secret"],
        domain=domain,
        version="62.0",
        session=session(config["base"]),
    )


def by_jwt(config, domain):
    return Salesforce(
        username=config["jwt"]["username"],
        consumer_key=config["client_id"],
        privatekey=config["jwt"]["private_key"],
        domain=domain,
        version="62.0",
        session=session(config["base"]),
    )


def run(config):
    key = config["external_id"]
    out = {"sign_in": {}}
    out["sign_in"]["wrong_secret"] = refused(lambda: sign_in(config, secret="wrong"))
    if "jwt" in config:
        out["sign_in"]["jwt"] = by_jwt(config, "login").Lead.describe()["name"]
        out["sign_in"]["jwt_wrong_audience"] = refused(lambda: by_jwt(config, "test"))

    org = sign_in(config)
    described = {it["name"]: it for it in org.Lead.describe()["fields"]}
    out["describe"] = {
        "last_name": [described["LastName"]["length"], described["LastName"]["nillable"]],
        "key": [described[key]["externalId"], described[key]["unique"]],
    }

    ada = {"FirstName": "Ada", "LastName": "Lovelace", "Company": "Analytical", "Email": "ada@example.com"}
    created = org.Lead.create({**ada, key: "py-1"})
    out["create"] = [created["success"], len(created["id"]), created["id"][:3]]
    out["get"] = org.Lead.get(created["id"])["LastName"]
    out["get_by_key"] = org.Lead.get_by_custom_id(key, "py-1")["Id"] == created["id"]
    out["upsert_existing"] = org.Lead.upsert(f"{key}/py-1", {"Title": "Count's daughter"})
    out["upsert_new"] = org.Lead.upsert(f"{key}/py-2", {"LastName": "O'Brien \\ Árvíz", "Company": "Ünlü"})
    out["update"] = org.Lead.update(created["id"], {"Title": "CTO"})

    query = f"SELECT Id,{key},LastName,IsConverted FROM Lead WHERE {key} IN ('py-1','py-2','py-3') ORDER BY {key}"
    found = org.query(query)
    out["query"] = [found["totalSize"], found["done"], [it["LastName"] for it in found["records"]]]
    quoted = org.query("SELECT Id FROM Lead WHERE LastName = 'O\\'Brien \\\\ Árvíz'")
    out["query_quoted"] = quoted["totalSize"]

    rows = [{"attributes": {"type": "Lead"}, key: f"many-{at:04}", "LastName": "L", "Company": "C"} for at in range(450)]
    statuses = []
    for start in range(0, len(rows), 200):
        answer = org.restful(
            f"composite/sobjects/Lead/{key}",
            method="PATCH",
            data=json.dumps({"allOrNone": False, "records": rows[start : start + 200]}),
        )
        statuses += [it["success"] and it["created"] for it in answer]
    out["collections"] = [len(statuses), all(statuses)]
    pages = org.query_all(f"SELECT Id FROM Lead WHERE {key} != null", headers={"Sforce-Query-Options": "batchSize=200"})
    out["query_all"] = [pages["totalSize"], len({it["Id"] for it in pages["records"]})]

    limits = org.limits()["DailyApiRequests"]
    out["limits"] = [limits["Max"] - limits["Remaining"] > 0, org.api_usage["api-usage"].total == limits["Max"]]

    # An ingest job of Bulk API 2.0: made, filled, closed, asked after, and its three files read.
    people = [{key: f"bulk-{at}", "LastName": f"Lovelace, \"{at}\"", "Company": "Analytical"} for at in range(2500)]
    people += [{key: "bulk-0", "LastName": "Again", "Company": "C"}, {key: "bulk-x", "LastName": "", "Company": "C"}]
    job = org.bulk2.Lead.insert(records=people, wait=0.01)[0]
    table = lambda text: list(csv.DictReader(io.StringIO(text)))
    written = table(org.bulk2.Lead.get_successful_records(job["job_id"]))
    failed = table(org.bulk2.Lead.get_failed_records(job["job_id"]))
    out["bulk"] = [
        job["numberRecordsProcessed"],
        job["numberRecordsFailed"],
        len(written),
        sorted(it["sf__Error"].split(":")[0] for it in failed),
        len(table(org.bulk2.Lead.get_unprocessed_records(job["job_id"]))),
        written[7]["LastName"],
        len({it["sf__Id"] for it in written}),
    ]
    out["bulk_wrong"] = refused(lambda: org.bulk2.Lead.upsert(records=people[:1], external_id_field=key))

    bad = {
        "missing": lambda: org.Lead.create({"FirstName": "Ada"}),
        "too_long": lambda: org.Lead.create({**ada, "LastName": "x" * 81}),
        "bad_email": lambda: org.Lead.create({**ada, "Email": "ada@"}),
        "unknown_field": lambda: org.Lead.create({**ada, "Nonsense__c": "x"}),
        "wrong_type": lambda: org.Lead.create({**ada, "DoNotCall": "maybe"}),
        "read_only": lambda: org.Lead.create({**ada, "IsConverted": True}),
        "not_unique": lambda: org.Lead.create({**ada, key: "PY-1"}),
        "key_in_body": lambda: org.Lead.upsert(f"{key}/py-9", {**ada, key: "py-9"}),
        "unknown_key_field": lambda: org.Lead.upsert("Nonsense__c/py-9", ada),
        "no_such_lead": lambda: org.Lead.get("00Q5e00000ZZZZZEAA"),
        "bad_query": lambda: org.query("SELECT FROM Lead"),
        "unknown_column": lambda: org.query("SELECT Nonsense__c FROM Lead"),
        "unknown_object": lambda: org.query("SELECT Id FROM Nonsense"),
        "too_many": lambda: org.restful(
            f"composite/sobjects/Lead/{key}",
            method="PATCH",
            data=json.dumps({"allOrNone": False, "records": rows[:201]}),
        ),
    }
    out["refused"] = {name: refused(action) for name, action in bad.items()}
    org.Lead.delete(created["id"])
    out["deleted"] = refused(lambda: org.Lead.get(created["id"]))
    raw = org.session.get(f"{org.base_url}limits", headers={"Authorization": "Bearer stale"})
    out["stale_token"] = [raw.status_code, raw.json()[0]["errorCode"]]
    # The library knows that answer as the end of its session: it signs in again and repeats the call.
    org.headers["Authorization"] = "Bearer stale"
    out["signed_in_again"] = org.query(f"SELECT Id FROM Lead WHERE {key} = 'py-2'")["totalSize"]
    return out


def main():
    result = run(json.load(sys.stdin))
    json.dump(result, sys.stdout, ensure_ascii=False, sort_keys=True)
    sys.stdout.write("\n")


if __name__ == "__main__":
    main()
