"""Drives a HubSpot account with the hubspot-api-client package: reads {"url", "token"}, writes what came of each step."""

import json
import sys

from hubspot import HubSpot
from hubspot.crm.contacts import (
    BatchInputSimplePublicObjectBatchInputUpsert,
    BatchReadInputSimplePublicObjectId,
    SimplePublicObjectBatchInputUpsert,
    SimplePublicObjectId,
    SimplePublicObjectInputForCreate,
)
from hubspot.crm.contacts.exceptions import ApiException

wish = json.load(sys.stdin)


def client(token):
    return HubSpot(access_token=token, host=wish["url"]).crm.contacts


def refused(call):
    try:
        call()
    except ApiException as error:
        return {"status": error.status, "body": json.loads(error.body)}
    return None


contacts = client(wish["token"])
made = contacts.basic_api.create(
    simple_public_object_input_for_create=SimplePublicObjectInputForCreate(
        properties={"email": "ada@example.com", "firstname": "Ada"}, associations=[]
    )
)
inputs = [
    SimplePublicObjectBatchInputUpsert(
        id=email, id_property="email", object_write_trace_id=email, properties={"email": email, "lastname": "L"}
    )
    for email in ["ada@example.com", "grace@example.com"]
]
upserted = contacts.batch_api.upsert(
    batch_input_simple_public_object_batch_input_upsert=BatchInputSimplePublicObjectBatchInputUpsert(inputs=inputs)
)
read = contacts.batch_api.read(
    batch_read_input_simple_public_object_id=BatchReadInputSimplePublicObjectId(
        id_property="email",
        properties=["email", "firstname"],
        properties_with_history=[],
        inputs=[SimplePublicObjectId(id="ada@example.com")],
    )
)
again = refused(
    lambda: contacts.basic_api.create(
        simple_public_object_input_for_create=SimplePublicObjectInputForCreate(
            properties={"email": "ada@example.com"}, associations=[]
        )
    )
)
unknown = refused(
    lambda: contacts.basic_api.create(
        simple_public_object_input_for_create=SimplePublicObjectInputForCreate(
            properties={"email": "x@example.com", "foo": "1"}, associations=[]
        )
    )
)
stranger = refused(lambda: client("wrong").basic_api.get_page(limit=1))
contacts.basic_api.archive(contact_id=made.id)
gone = refused(lambda: contacts.basic_api.get_by_id(contact_id=made.id))

json.dump(
    {
        "made": made.id,
        "upserted": sorted([it.id, it.new] for it in upserted.results),
        "read": [it.properties.get("firstname") for it in read.results],
        "again": again,
        "unknown": unknown,
        "stranger": stranger,
        "gone": gone["status"],
    },
    sys.stdout,
)
