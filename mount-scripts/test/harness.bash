# Sourced by the tests of the launcher. Each test is a function test_NAME that fails by returning non-zero; it runs in a
# home and with a mount point of its own ($PPIOFS_HOME, $mnt). Whatever happens, nothing stays mounted or running.
# shellcheck shell=bash

here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# shellcheck disable=SC2034 # for the tests
ppiofs=$here/ppiofs
scratch=$(mktemp -d /tmp/ppiofs-shell-test.XXXXXX)

# The node of the home, if one runs.
node_pid() {
    local pid
    pid=$(cat "$PPIOFS_HOME/lock" 2>/dev/null) || return 1
    [[ -n $pid && -d /proc/$pid ]] && tr '\0' '\n' <"/proc/$pid/cmdline" 2>/dev/null | grep -q '^io.ppiofs' && echo "$pid"
}

mounted() { grep -q " $1 fuse.ppiofs " /proc/mounts; }

unmounted() { ! mounted "$1"; }

# await SECONDS COMMAND...: until the command succeeds
await() {
    local end=$((SECONDS + $1))
    shift
    until "$@" >/dev/null 2>&1; do
        ((SECONDS < end)) || { echo "waited in vain for: $*" >&2; return 1; }
        sleep 0.05
    done
}

no_node() { ! node_pid >/dev/null; }

# expect CODE COMMAND...: exit code, and for an error exactly one line on standard error; keeps it in $said
expect() {
    local code=$1 got
    shift
    said=$("$@" 2>&1 >/dev/null)
    got=$?
    [[ $got == "$code" ]] || { echo "expected exit code $code, got $got: $* ($said)"; return 1; }
    if ((code != 0)); then
        [[ -n $said && $said != *$'\n'* && $said != *Exception* ]] || { echo "expected one sentence: $said"; return 1; }
    fi
}

clean_up() {
    local pid place
    while read -r _ place _; do
        umount -i -l "$place" 2>/dev/null
    done < <(grep -F " $scratch/" /proc/mounts)
    pid=$(node_pid) && kill -9 "$pid" 2>/dev/null
    await 10 no_node
}

run_tests() {
    local name log=$scratch/log
    "$ppiofs" version >/dev/null || return # builds if need be, so that no test meets its messages
    trap 'clean_up; rm -rf "$scratch"' EXIT
    for name in $(declare -F | sed -n 's/^declare -f \(test_.*\)/\1/p' | grep -E "${PPIOFS_SHELL_TESTS:-.}"); do
        export PPIOFS_HOME=$scratch/$name/home
        mnt=$scratch/$name/mnt
        mkdir -p "$mnt"
        if (set -u; "$name") >"$log" 2>&1; then
            echo "ok $name"
        else
            echo "not ok $name"
            tail -n 20 "$log"
            tail -n 5 "$PPIOFS_HOME"/logs/ppiofs.log 2>/dev/null
        fi
        clean_up
    done
}
