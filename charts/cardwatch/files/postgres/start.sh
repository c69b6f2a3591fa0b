#!/bin/sh
# Starts PostgreSQL. The first start makes its files, whole or not at all. Each start makes a role
# that an older release's volume has not, and gives all the passwords of the Secret: another Secret,
# also that of a release that was installed anew over a volume that had stayed, needs a new pod and
# nothing else.
set -eu

secrets=/etc/cardwatch/passwords

# Statements on standard input, one a line, while no server runs. The first that fails ends it; what
# it was is not logged, as it may hold a password.
single() {
    postgres --single -D "$1" -c exit_on_error=on -c log_min_error_statement=panic postgres >/dev/null
}

password() {
    sed "s/'/''/g" "$secrets/$1"
}

if [ ! -s "$PGDATA/PG_VERSION" ]; then
    rm -rf "$PGDATA.new"
    initdb --pgdata="$PGDATA.new" --username=postgres --encoding=UTF8 --locale=C \
        --auth=reject --no-instructions
    single "$PGDATA.new" <<EOF
CREATE ROLE cardwatch
CREATE ROLE cardwatch_gateway IN ROLE pg_read_all_data
CREATE ROLE cardwatch_reader
CREATE DATABASE cardwatch OWNER cardwatch
REVOKE ALL ON DATABASE cardwatch FROM PUBLIC
GRANT CONNECT ON DATABASE cardwatch TO cardwatch_gateway, cardwatch_reader
EOF
    mv "$PGDATA.new" "$PGDATA"
fi

# A volume that was mounted anew may be open to its group, which PostgreSQL refuses.
chmod 0700 "$PGDATA"

single "$PGDATA" <<EOF
DO 'BEGIN IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = ''cardwatch_visualizer'') THEN CREATE ROLE cardwatch_visualizer; END IF; END'
GRANT cardwatch_reader TO cardwatch_visualizer
ALTER ROLE cardwatch LOGIN PASSWORD '$(password password)'
ALTER ROLE cardwatch_gateway LOGIN PASSWORD '$(password gateway-password)'
ALTER ROLE cardwatch_visualizer LOGIN PASSWORD '$(password visualizer-password)'
EOF

exec postgres -D "$PGDATA" -c config_file=/etc/cardwatch/postgres/postgresql.conf
