#!/bin/bash
# PostgreSQL's image runs this once, when its data directory is empty: one role, and one database per service.
# The role owns its databases and nothing else: it is no superuser, and creates neither databases nor roles.
set -euo pipefail

: "${MOTCUA_DATABASE_PASSWORD:?is missing: set it in .env}"

# psql quotes the password (:'password'), and it is in no argument list that `ps` would show.
psql --no-psqlrc --set=ON_ERROR_STOP=1 --username="${POSTGRES_USER:-postgres}" --dbname=postgres <<'SQL'
\getenv password MOTCUA_DATABASE_PASSWORD
CREATE ROLE motcua LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE PASSWORD :'password';
CREATE DATABASE motcua_intake OWNER motcua;
CREATE DATABASE motcua_workflow OWNER motcua;
CREATE DATABASE motcua_notification OWNER motcua;
CREATE DATABASE motcua_statistics OWNER motcua;
SQL

# Other roles of this server have no business in them.
for service in intake workflow notification statistics; do
    psql --no-psqlrc --set=ON_ERROR_STOP=1 --username="${POSTGRES_USER:-postgres}" --dbname=postgres \
        --command="REVOKE ALL ON DATABASE motcua_$service FROM PUBLIC"
done
