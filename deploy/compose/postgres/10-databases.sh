#!/bin/bash
# PostgreSQL's image runs this once, when its data directory is empty. `deploy/README.md` says what each role is for.
#   motcua                    owns the four databases and migrates them; no superuser, creates neither databases nor roles
#   motcua_<service>          what a service works as: owns nothing, and nobody logs in as it
#   motcua_<service>_reader   what it reads as for its callers: changes nothing, and sees no keys
#   motcua_<service>_login    logs in, and may be the two above
set -euo pipefail

run() { psql --no-psqlrc --quiet --set=ON_ERROR_STOP=1 --username="${POSTGRES_USER:-postgres}" --dbname=postgres "$@"; }

: "${MOTCUA_OWNER_PASSWORD:?is missing: set it in .env}"

# psql quotes the passwords (:'password'), and they are in no argument list that `ps` would show.
run <<'SQL'
\getenv password MOTCUA_OWNER_PASSWORD
CREATE ROLE motcua LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE PASSWORD :'password';
SQL

for service in intake workflow notification statistics; do
    variable="MOTCUA_${service^^}_PASSWORD"
    : "${!variable:?is missing: set it in .env}"
    SERVICE_PASSWORD="${!variable}" run --set=works="motcua_$service" --set=reads="motcua_${service}_reader" \
        --set=login="motcua_${service}_login" <<'SQL'
\getenv password SERVICE_PASSWORD
CREATE ROLE :"works" NOLOGIN;
CREATE ROLE :"reads" NOLOGIN;
CREATE ROLE :"login" LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE PASSWORD :'password';
-- The owner says what they may do with its tables, and wraps keys anew as them.
GRANT :"works", :"reads" TO motcua, :"login";
CREATE DATABASE :"works" OWNER motcua;
-- Other roles of this server have no business in it.
REVOKE ALL ON DATABASE :"works" FROM PUBLIC;
GRANT CONNECT ON DATABASE :"works" TO :"works", :"reads";
SQL
    # PostgreSQL 14 and older let everybody create tables here, which the services take for owning the database.
    run --dbname="motcua_$service" --command="REVOKE CREATE ON SCHEMA public FROM PUBLIC"
done
