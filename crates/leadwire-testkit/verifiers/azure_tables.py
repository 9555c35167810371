"""Drives tables with Microsoft's azure-data-tables: reads {"connection", "steps", …}, writes what came of each step.

steps "all": everything the simulated account offers, with {"sas": connection string of a table's signature}.
steps "rows": reads {"table": name} back, rows in the order of their keys.
"""

import base64
import json
import sys
from datetime import datetime, timedelta, timezone
from uuid import UUID

from azure.core import MatchConditions
from azure.core.exceptions import HttpResponseError
from azure.data.tables import (
    AccountSasPermissions,
    EdmType,
    EntityProperty,
    ResourceTypes,
    TableClient,
    TableServiceClient,
    UpdateMode,
    generate_account_sas,
    generate_table_sas,
)
from azure.core.credentials import AzureNamedKeyCredential, AzureSasCredential

wish = json.load(sys.stdin)
service = TableServiceClient.from_connection_string(wish["connection"])


def refused(call):
    try:
        call()
    except HttpResponseError as error:
        # Where the client does not give the code, its answer does.
        code = getattr(error, "error_code", None) or error.response.headers.get("x-ms-error-code")
        return [error.status_code, getattr(code, "value", code), getattr(error, "index", None)]
    except ValueError:
        # The client tells some refusals in words of its own.
        return ["ValueError"]
    return None


def rows(table):
    return [dict(it) for it in service.get_table_client(table).list_entities()]


def all_steps():
    out = {}
    leads = service.create_table("Leads")
    out["again"] = refused(lambda: service.create_table("LEADS"))
    out["bad_name"] = refused(lambda: service.create_table("no-hyphens"))
    out["tables"] = [it.name for it in service.list_tables()]
    entity = {
        "PartitionKey": "p",
        "RowKey": "o'brien é %2F+1",
        "Text": "Őrs 愛",
        "Seats": 12,
        "Big": EntityProperty(1099511627776, EdmType.INT64),
        "Consent": True,
        "Ratio": 0.5,
        "At": datetime(2026, 1, 2, 3, 4, 5, tzinfo=timezone.utc),
        "Id": UUID("c9da6455-213d-42c9-9a79-3e9149a57833"),
        "Raw": b"\x01\x02",
    }
    leads.create_entity(entity)
    out["exists"] = refused(lambda: leads.create_entity(entity))
    read = leads.get_entity("p", entity["RowKey"])
    out["read"] = {
        "same": all(read[it] == entity[it] for it in ["Text", "Seats", "Consent", "Ratio", "At", "Id", "Raw"]),
        "big": read["Big"].value,
    }
    mark = read.metadata["etag"]
    leads.upsert_entity({"PartitionKey": "p", "RowKey": entity["RowKey"], "Seats": 13}, mode=UpdateMode.MERGE)
    out["merged"] = [leads.get_entity("p", entity["RowKey"]).get(it) for it in ["Seats", "Text"]]
    stale = {"PartitionKey": "p", "RowKey": entity["RowKey"]}
    out["stale"] = refused(
        lambda: leads.update_entity(stale, etag=mark, match_condition=MatchConditions.IfNotModified)
    )
    leads.upsert_entity({"PartitionKey": "p", "RowKey": entity["RowKey"], "Seats": 14}, mode=UpdateMode.REPLACE)
    out["replaced"] = sorted(leads.get_entity("p", entity["RowKey"]))
    out["missing_update"] = refused(lambda: leads.update_entity({"PartitionKey": "p", "RowKey": "none"}))

    def add(row, partition="p"):
        return ("create", {"PartitionKey": partition, "RowKey": row, "N": 1})

    out["transaction"] = len(leads.submit_transaction([add(f"b{it:03}") for it in range(100)]))
    out["conflict"] = refused(lambda: leads.submit_transaction([add("c1"), add("b001"), add("c2")]))
    out["nothing_stored"] = refused(lambda: leads.get_entity("p", "c1"))
    mixed = [
        ("upsert", {"PartitionKey": "p", "RowKey": "b000", "N": 2}, {"mode": UpdateMode.MERGE}),
        ("update", {"PartitionKey": "p", "RowKey": "b001", "N": 3}, {"mode": UpdateMode.REPLACE}),
        ("delete", {"PartitionKey": "p", "RowKey": "b002"}),
    ]
    leads.submit_transaction(mixed)
    out["after_mixed"] = [leads.get_entity("p", it)["N"] for it in ["b000", "b001"]]
    out["too_long"] = refused(lambda: leads.create_entity({"PartitionKey": "p", "RowKey": "l", "A": "x" * 32769}))
    out["bad_key"] = refused(lambda: leads.create_entity({"PartitionKey": "p", "RowKey": "a\\b"}))
    out["bad_column"] = refused(lambda: leads.create_entity({"PartitionKey": "p", "RowKey": "c", "a-b": 1}))
    found = leads.query_entities("PartitionKey eq 'p' and RowKey ge 'b010' and RowKey le 'b019'")
    out["query"] = len(list(found))
    pages = leads.list_entities(results_per_page=40).by_page()
    out["pages"] = [len(list(it)) for it in pages]
    out["no_table"] = refused(lambda: service.get_table_client("Missing").create_entity(entity))

    account, key = wish["account"], wish["key"]
    wrong = AzureNamedKeyCredential(account, base64.b64encode(b"0" * 64).decode())
    stranger = TableServiceClient(wish["endpoint"], credential=wrong)
    out["wrong_key"] = refused(lambda: list(stranger.list_tables()))[:2]
    credential = AzureNamedKeyCredential(account, key)
    until = datetime.now(timezone.utc) + timedelta(hours=1)
    sas = generate_table_sas(credential, "Leads", permission="ra", expiry=until)
    limited = TableClient(wish["endpoint"], "Leads", credential=AzureSasCredential(sas))
    limited.create_entity({"PartitionKey": "p", "RowKey": "by-sas"})
    out["sas_update"] = refused(lambda: limited.upsert_entity({"PartitionKey": "p", "RowKey": "by-sas", "N": 1}))[:2]
    ended = datetime.now(timezone.utc) - timedelta(hours=1)
    sas = generate_table_sas(credential, "Leads", permission="ra", expiry=ended)
    late = TableClient(wish["endpoint"], "Leads", credential=AzureSasCredential(sas))
    out["sas_ended"] = refused(lambda: list(late.list_entities()))[:2]
    whole = generate_account_sas(
        credential,
        resource_types=ResourceTypes(service=True, container=True, object=True),
        permission=AccountSasPermissions(read=True, add=True, create=True, write=True, list=True),
        expiry=until,
    )
    owner = TableServiceClient(wish["endpoint"], credential=AzureSasCredential(whole))
    made = owner.create_table("BySas")
    out["sas_transaction"] = len(made.submit_transaction([add("1"), add("2")]))

    leads.delete_entity("p", "b003")
    out["deleted"] = refused(lambda: leads.get_entity("p", "b003"))
    service.delete_table("Leads")
    out["being_deleted"] = refused(lambda: service.create_table("Leads"))
    return out


json.dump(all_steps() if wish["steps"] == "all" else rows(wish["table"]), sys.stdout, default=str)
