# shellcheck shell=bash
# Sourced by the scripts here: scratch directory, the two programs, mounts, and an end that leaves nothing behind.

here=$(cd -P "${BASH_SOURCE[0]%/*}" && pwd)
root=$(cd -P "$here/../.." && pwd)
ppiofs=${PPIOFS:-$root/mount-scripts/ppiofs}

die() { printf '%s: %s\n' "${0##*/}" "$*" >&2; exit 1; }
say() { printf '%s\n' "$*" >&2; }

# Sets scratch: a directory of its own in $BENCH_DIR or /var/tmp (a disk, where /tmp may be memory).
make_scratch() {
    scratch=$(mktemp -d "${BENCH_DIR:-/var/tmp}/ppiofs-bench.XXXXXXXX") || die 'no scratch directory'
    trap end EXIT
    trap 'exit 130' INT TERM
    mounts=()
    gcc -O2 -Wall -Wextra -o "$scratch/small_files" "$here/small_files.c" || die 'gcc is needed'
    gcc -O2 -Wall -Wextra -o "$scratch/big_file" "$here/big_file.c" || die 'gcc is needed'
}

end() {
    local status=$? directory
    cd /
    for directory in "${mounts[@]}"; do
        unmount "$directory"
    done
    rm -rf --one-file-system "$scratch"
    exit "$status"
}

is_mounted() { grep -qF " $1 " /proc/self/mountinfo; }

# Unmounts and waits until it is gone; the last resort is the lazy way.
unmount() {
    is_mounted "$1" || return 0
    if [[ $1 == */ppiofs ]]; then
        PPIOFS_HOME=$scratch/home "$ppiofs" umount "$1" >/dev/null 2>&1
    else
        fusermount -u "$1" 2>/dev/null || fusermount3 -u "$1" 2>/dev/null
    fi
    is_mounted "$1" && { umount -l "$1" || fusermount -uz "$1"; }
    return 0
}

# Mounts a volume of a new home at $scratch/ppiofs with default options.
mount_ppiofs() {
    mkdir -p "$scratch/ppiofs"
    mounts+=("$scratch/ppiofs")
    PPIOFS_HOME=$scratch/home "$ppiofs" mount "$scratch/ppiofs" -d -o "${PPIOFS_MOUNT_OPTIONS:-rw}" >&2 || die 'ppiofs does not mount'
}

# The process id of the daemon that serves our mount: it stands in the home's lock file.
daemon_of_home() {
    local process
    process=$(tr -cd 0-9 <"$scratch/home/lock")
    [[ -n $process && -r /proc/$process/status ]] || die 'the daemon is not found'
    printf '%s\n' "$process"
}

# gocryptfs with its default options.
mount_gocryptfs() {
    command -v gocryptfs >/dev/null || die "gocryptfs is missing ('apt-get install gocryptfs')"
    mkdir -p "$scratch/gocryptfs" "$scratch/cipher"
    mounts+=("$scratch/gocryptfs")
    printf 'bench' >"$scratch/password"
    gocryptfs -q -init -passfile "$scratch/password" "$scratch/cipher" >&2 || die 'gocryptfs does not initialize'
    gocryptfs -q -passfile "$scratch/password" "$scratch/cipher" "$scratch/gocryptfs" >"$scratch/gocryptfs.log" 2>&1 \
        || die "gocryptfs does not mount: $(cat "$scratch/gocryptfs.log")"
}

# Page cache and the kernel's cache of names; only root can.
drop_caches() {
    sync -f "$scratch"
    if [[ -w /proc/sys/vm/drop_caches ]]; then
        echo 3 >/proc/sys/vm/drop_caches 2>/dev/null || true
    fi
}

median() { sort -g | awk '{ v[NR] = $1 } END { print (NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2) }'; }
