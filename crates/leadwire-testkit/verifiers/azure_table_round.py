"""Creates a table and an entity with Microsoft's azure-data-tables, and reads the entity back.

Reads {"connection": connection string, "table": name, "entity": {...}}; answers {"tables": [names], "entity": {...}}.
"""

import json
import sys

from azure.data.tables import TableServiceClient

request = json.load(sys.stdin)
with TableServiceClient.from_connection_string(request["connection"]) as service:
    table = service.create_table(request["table"])
    table.create_entity(request["entity"])
    entity = table.get_entity(request["entity"]["PartitionKey"], request["entity"]["RowKey"])
    tables = [it.name for it in service.list_tables()]
json.dump({"tables": tables, "entity": dict(entity)}, sys.stdout)
