#!/usr/bin/env bash
# Makes the user and the database of Leadwire when the server starts for the first time. The user is no superuser: the walls
# between publishers do not hold for one.
set -euo pipefail
psql -v ON_ERROR_STOP=1 -v password="$(cat /run/secrets/database_password)" --username postgres <<'SQL'
CREATE ROLE leadwire LOGIN PASSWORD :'password';
CREATE DATABASE leadwire OWNER leadwire;
SQL
