#!/bin/sh
# Makes what the services need to be kept secret, as far as it is missing, and renews their certificates. Run before they
# start, and again whenever certificates shall be renewed: running services take new files within seconds.
#
#   prepare.sh OPERATOR SECRETS CERTIFICATES [HOST…]
#
#   OPERATOR               token-key.pem signs tokens, authority/ca.key makes certificates: no service sees it
#   SECRETS                jwks.json and master.key: every service reads it
#   CERTIFICATES/SERVICE   what that service proves itself with, and no other one sees
#   HOST                   names and addresses that other clients look for in certificates, beside localhost
#
# The directories are there, and belong to whoever shall read them: what is put there gets the same owner.
set -eu

operator=$1
secrets=$2
certificates=$3
shift 3
for host; do
    # The list is rewritten in place: each name once more, with its flag, and the old one off its head.
    set -- "$@" --host "$host"
    shift
done
umask 077

# put FILE DIRECTORY: whole or not at all, and only where it changes something.
put() {
    to=$2/${1##*/}
    if ! cmp -s "$1" "$to"; then
        cp "$1" "$to.new"
        chown --reference="$2" "$to.new"
        mv "$to.new" "$to"
    fi
}

[ -e "$operator/token-key.pem" ] || motcua jwks init "$operator"
put "$operator/jwks.json" "$secrets"
if [ ! -e "$secrets/master.key" ]; then
    MOTCUA_MASTER_KEY=$secrets/master.key motcua keys init
    chown --reference="$secrets" "$secrets/master.key"
fi

motcua certs init "$operator/authority" "$@"
for service in intake workflow notification statistics; do
    # The key before its certificate, as `motcua certs init` does: whoever looks between the two keeps what it had.
    put "$operator/authority/ca.pem" "$certificates/$service"
    put "$operator/authority/$service.key" "$certificates/$service"
    put "$operator/authority/$service.pem" "$certificates/$service"
done
