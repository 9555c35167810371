"""Drives a Marketo instance with marketorestpython: reads {"url", "client_id", "client_secret"}, writes what came of each step."""

import json
import sys
import tempfile

from marketorestpython.client import MarketoClient
from marketorestpython.helper.exceptions import MarketoException

wish = json.load(sys.stdin)


def client(secret):
    it = MarketoClient("123-PQR-789", wish["client_id"], secret, max_retry_time=1)
    # The library only knows the hosts of real instances.
    it.host = wish["url"]
    return it


def refused(call):
    try:
        call()
    except MarketoException as error:
        return {"code": error.code, "message": error.message}
    except Exception as error:
        return {"text": str(error)}
    return None


marketo = client(wish["client_secret"])
stranger = refused(lambda: client("wrong").describe2())
described = marketo.describe2()[0]
made = marketo.create_update_leads(
    [{"email": "ada@example.com", "firstName": "Ada"}, {"email": "grace@example.com", "colour": "red"}],
    action="createOnly",
    lookupField="email",
)
again = marketo.create_update_leads([{"email": "ADA@example.com"}], action="createOnly")
updated = marketo.create_update_leads([{"email": "ada@example.com", "title": "Countess"}], action="updateOnly")
pushed = marketo.push_lead(
    [{"email": "ada@example.com"}], programName="Marketplace Leads", lookupField="email", programStatus="Member"
)
nowhere = refused(lambda: marketo.push_lead([{"email": "ada@example.com"}], programName="Nowhere"))
submitted = marketo.submit_form(1179, {"leadFormFields": {"email": "grace@example.com", "lastName": "Hopper"}})
form_fields = marketo.get_form_fields(1179)
found = marketo.get_multiple_leads_by_filter_type(
    "email", ["ada@example.com", "grace@example.com"], fields="email,title,lastName", batchSize=1
)
by_id = marketo.get_lead_by_id(made[0]["id"], fields="email,title")
many = refused(lambda: marketo.create_update_leads([{"title": "x"}], lookupField="title"))
partitions = marketo.get_lead_partitions()
with tempfile.NamedTemporaryFile("w", suffix=".csv") as file:
    file.write('email,firstName,numberOfEmployees\nalan@example.com,"Alan ""M"" Turing",7\nnobody@example.com,No,many\n')
    file.flush()
    imported = marketo.import_lead(format="csv", file=file.name, lookupField="email")
import_state = marketo.get_import_lead_status(imported[0]["batchId"])
import_failures = marketo.get_import_failure_file(imported[0]["batchId"])
import_warnings = marketo.get_import_warning_file(imported[0]["batchId"])
alan = marketo.get_multiple_leads_by_filter_type("email", ["alan@example.com"], fields="email,firstName")
unknown_import = refused(lambda: marketo.get_import_lead_status(7))
usage = marketo.get_daily_usage()
deleted = marketo.delete_lead([made[0]["id"], 7])
after = marketo.get_multiple_leads_by_filter_type("email", ["ada@example.com"])

json.dump(
    {
        "stranger": stranger,
        "searchable": described["searchableFields"],
        "email": [it for it in described["fields"] if it["name"] == "email"],
        "expires_in": marketo.expires_in,
        "made": made,
        "again": again,
        "updated": updated,
        "pushed": pushed,
        "nowhere": nowhere,
        "submitted": submitted,
        "form_fields": [it["id"] for it in form_fields],
        "found": found,
        "by_id": by_id,
        "many": many,
        "partitions": [it["name"] for it in partitions],
        "imported": imported,
        "import_state": import_state,
        "import_failures": import_failures,
        "import_warnings": import_warnings,
        "alan": alan,
        "unknown_import": unknown_import,
        "usage": usage[0]["total"],
        "deleted": deleted,
        "after": after,
    },
    sys.stdout,
)
