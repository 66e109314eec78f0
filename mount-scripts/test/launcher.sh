#!/bin/bash
# The launcher, the node it starts, and the helpers of mount(8), as a user meets them.
# shellcheck disable=SC2317 # functions are called by run_tests
# shellcheck source-path=SCRIPTDIR source=harness.bash
. "$(dirname "${BASH_SOURCE[0]}")/harness.bash"

test_mounts_and_unmounts() {
    "$ppiofs" mount "$mnt" -d || return
    mounted "$mnt" || return
    echo hello >"$mnt/file" && [[ $(cat "$mnt/file") == hello ]] || return
    "$ppiofs" umount "$mnt" || return
    ! mounted "$mnt" || return
    # umount returns when the node has ended
    no_node || return
    "$ppiofs" mount "$mnt" -d && [[ $(cat "$mnt/file") == hello ]]
}

test_plain_umount_ends_the_node() {
    "$ppiofs" mount "$mnt" -d || return
    echo x >"$mnt/f"
    umount -i "$mnt" || return
    await 10 no_node || return
    "$ppiofs" mount "$mnt" -d && [[ $(cat "$mnt/f") == x ]]
}

test_second_mount_shares_the_node() {
    mkdir "$mnt.2"
    "$ppiofs" mount "$mnt" -d && "$ppiofs" volume create other && "$ppiofs" mount other "$mnt.2" -d || return
    local pid
    pid=$(node_pid) || return
    echo 1 >"$mnt/a" && echo 2 >"$mnt.2/a" || return
    [[ $("$ppiofs" status --json | grep -c '"dir"') == 2 ]] || return
    "$ppiofs" umount "$mnt" || return
    [[ $(node_pid) == "$pid" && $(cat "$mnt.2/a") == 2 ]] || return
    "$ppiofs" umount "$mnt.2" && no_node
}

test_foreground_unmounts_at_interrupt() {
    local signal
    for signal in INT TERM; do
        # a background job of a script ignores SIGINT, so the shell in between resets it
        perl -e '$SIG{INT} = "DEFAULT"; exec @ARGV' "$ppiofs" mount "$mnt" &
        local pid=$!
        await 30 mounted "$mnt" || return
        echo "$signal" >"$mnt/f"
        kill -"$signal" "$pid"
        wait "$pid"
        ! mounted "$mnt" && no_node || return
    done
    "$ppiofs" mount "$mnt" -d && [[ $(cat "$mnt/f") == TERM ]]
}

test_foreground_stays_attached_to_a_running_node() {
    mkdir "$mnt.2"
    "$ppiofs" mount "$mnt" -d || return
    "$ppiofs" mount "$mnt.2" &
    local pid=$!
    await 30 mounted "$mnt.2" || return
    kill -TERM "$pid"
    wait "$pid"
    await 10 unmounted "$mnt.2" && mounted "$mnt"
}

test_recovers_from_kill_9() {
    "$ppiofs" mount "$mnt" -d || return
    echo safe >"$mnt/f" && sync "$mnt/f" || return
    kill -9 "$(node_pid)"
    await 10 no_node || return
    # the socket is stale and the mount point is dead: both are replaced
    "$ppiofs" status | grep -q 'no node' || return
    "$ppiofs" mount "$mnt" -d && [[ $(cat "$mnt/f") == safe ]]
}

test_unmounts_a_dead_mount() {
    "$ppiofs" mount "$mnt" -d || return
    kill -9 "$(node_pid)"
    await 10 no_node || return
    "$ppiofs" umount "$mnt" && ! mounted "$mnt"
}

test_unmount_finds_the_home_by_itself() {
    "$ppiofs" mount "$mnt" -d || return
    PPIOFS_HOME=$mnt.elsewhere "$ppiofs" umount "$mnt" && ! mounted "$mnt" && no_node
}

test_refusals_are_one_sentence() {
    expect 64 "$ppiofs" mount -o colour=blue "$mnt" || return
    expect 64 "$ppiofs" mount --colour "$mnt" || return
    expect 64 "$ppiofs" frobnicate || return
    expect 4 "$ppiofs" mount "$mnt/none" -d || return
    expect 4 "$ppiofs" mount nosuchvolume "$mnt" -d || return
    touch "$mnt.file"
    expect 6 "$ppiofs" mount "$mnt.file" -d || return
    touch "$mnt/occupied"
    expect 6 "$ppiofs" mount "$mnt" -d || return
    rm "$mnt/occupied"
    expect 4 "$ppiofs" umount "$mnt" || return
    "$ppiofs" mount "$mnt" -d || return
    expect 75 "$ppiofs" mount "$mnt" -d || return
    exec 7>"$mnt/open"
    expect 75 "$ppiofs" umount "$mnt" || return
    "$ppiofs" umount -f "$mnt"
}

test_bad_home_and_config_are_one_sentence() {
    touch "$mnt.file"
    PPIOFS_HOME=$mnt.file expect 6 "$ppiofs" mount "$mnt" -d || return
    mkdir -p "$PPIOFS_HOME"
    echo 'colour = 1' >"$PPIOFS_HOME/config.toml"
    expect 78 "$ppiofs" mount "$mnt" -d || return
    [[ $said == *config.toml* && $said == *colour* ]] || return
    ! mounted "$mnt"
}

test_a_locked_volume_needs_its_passphrase() {
    echo 'correct horse' >"$mnt.pass"
    echo 'wrong' >"$mnt.wrong"
    "$ppiofs" volume create vault --passphrase-file "$mnt.pass" || return
    expect 77 "$ppiofs" mount vault "$mnt" -d || return
    expect 77 "$ppiofs" mount vault "$mnt" -d --passphrase-file "$mnt.wrong" || return
    PPIOFS_PASSPHRASE_FILE=$mnt.pass "$ppiofs" mount vault "$mnt" -d || return
    ! grep -rqF 'correct horse' "$PPIOFS_HOME"
}

test_works_through_a_link_and_from_anywhere() {
    ln -s "$ppiofs" "$mnt.link" && ln -s "$mnt.link" "$mnt.link2" || return
    cd / && "$mnt.link2" version | grep -q '^ppiofs ' || return
    cd "${mnt%/*}" && "$mnt.link2" mount "${mnt##*/}" -d && mounted "$mnt" && "$ppiofs" umount ./"${mnt##*/}"
}

test_helper_of_mount() {
    "$here/mount.ppiofs" default "$mnt" -n -o rw,noexec,_netdev,x-systemd.automount,home="$PPIOFS_HOME" || return
    grep " $mnt fuse.ppiofs " /proc/mounts | grep -q noexec || return
    "$here/umount.ppiofs" "$mnt" && ! mounted "$mnt" || return
    "$here/mount.ppiofs" default "$mnt" -f && ! mounted "$mnt" || return
    expect 1 "$here/mount.ppiofs" default "$mnt" -o colour=blue || return
    "$here/mount.ppiofs" default "$mnt" -s -o colour=blue && mounted "$mnt" || return
    expect 32 "$here/mount.ppiofs" default "$mnt" || return
    "$here/umount.ppiofs" "$mnt" || return
    # as mount.fuse(8) calls the type's program
    "$ppiofs" default "$mnt" -o rw,ro && grep " $mnt fuse.ppiofs " /proc/mounts | grep -q '[ ,]ro,'
}

test_fstab_line() {
    [[ $(id -u) == 0 ]] || { echo 'needs root'; return 0; }
    local ours=''
    if [[ ! -e /sbin/mount.fuse.ppiofs ]]; then
        "$here/install" --prefix "$scratch/prefix" || return
        ours=yes
    fi
    echo "default $mnt fuse.ppiofs home=$PPIOFS_HOME,allow_other,noauto,_netdev,nofail,x-systemd.requires=x 0 0" >"$mnt.fstab"
    local result=0
    if mount -T "$mnt.fstab" "$mnt" && mounted "$mnt" && echo 1 >"$mnt/f" && umount "$mnt" && no_node; then
        mount -t fuse.ppiofs -o "home=$PPIOFS_HOME" default "$mnt" && [[ $(cat "$mnt/f") == 1 ]] && umount "$mnt" || result=1
    else
        result=1
    fi
    [[ -z $ours ]] || "$here/install" --prefix "$scratch/prefix" --uninstall
    return $result
}

test_install_into_a_root() {
    local root=$mnt.root
    "$here/install" --root "$root" --prefix /usr || return
    [[ $(readlink "$root/usr/bin/ppiofs") == "$ppiofs" && -x $root/sbin/mount.fuse.ppiofs ]] || return
    grep -q 'ExecStart=/usr/bin/ppiofs mount' "$root/usr/lib/systemd/system/ppiofs@.service" || return
    bash -n "$root/usr/share/bash-completion/completions/ppiofs" || return
    "$here/install" --root "$root" --prefix /usr --uninstall
    [[ -z $(find "$root" -type f -o -type l) ]]
}

test_systemd_finds_nothing_wrong_with_the_units() {
    command -v systemd-analyze >/dev/null || { echo 'needs systemd-analyze'; return 0; }
    local root=$mnt.root unit complaints
    "$here/install" --root "$root" --prefix /usr || return
    local units=$root/usr/lib/systemd/system
    # the program must be where the unit says
    sed -i "s|/usr/bin/ppiofs|$root/usr/bin/ppiofs|" "$units"/*.service
    cp "$units/ppiofs@.service" "$units/ppiofs@mnt-p.service"
    for unit in ppiofs-node.service ppiofs@.service ppiofs@mnt-p.service; do
        # man pages are not installed everywhere; what other units of this machine lack is not ours
        complaints=$(SYSTEMD_UNIT_PATH=$units: systemd-analyze verify --man=no --recursive-errors=no "$units/$unit" 2>&1) || return
        ! grep -F ppiofs <<<"$complaints" || return
    done
    # the check itself must be able to fail
    echo 'Tpye=notify' >>"$units/ppiofs-node.service"
    SYSTEMD_UNIT_PATH=$units: systemd-analyze verify --man=no "$units/ppiofs-node.service" 2>&1 | grep -q Tpye
}

# Type=notify: node and mount say READY=1 to the socket that systemd gives, and only once they can be used
test_services_tell_systemd_that_they_are_ready() {
    command -v systemd-notify >/dev/null || { echo 'needs systemd-notify'; return 0; }
    local pid result=0
    # shellcheck disable=SC2016 # Perl's variables
    listen() {
        perl -MSocket -e 'socket(my $s, AF_UNIX, SOCK_DGRAM, 0) or die; bind($s, sockaddr_un($ARGV[0])) or die;
            $SIG{ALRM} = sub { exit 1 }; alarm 60;
            while (defined recv($s, my $said, 4096, 0)) { exit 0 if $said =~ /^READY=1$/m }' "$1"
    }
    listen "$mnt.node" &
    local listener=$!
    await 10 test -S "$mnt.node"
    NOTIFY_SOCKET=$mnt.node "$ppiofs" node 2>/dev/null &
    pid=$!
    wait "$listener" && [[ $(node_pid) == "$pid" ]] || result=1 # the launcher has become the node: systemd's main process
    listen "$mnt.mount" &
    listener=$!
    await 10 test -S "$mnt.mount"
    NOTIFY_SOCKET=$mnt.mount "$ppiofs" mount "$mnt" 2>/dev/null &
    local mounting=$!
    wait "$listener" && mounted "$mnt" || result=1
    # as ExecStop and systemd's SIGTERM do it
    "$ppiofs" umount "$mnt" && wait "$mounting" || result=1
    kill "$pid"
    wait "$pid"
    (($? == 143)) && no_node || result=1 # SuccessExitStatus
    return $result
}

test_starts_without_HOME_in_the_environment() {
    # as a system service does
    env -u HOME "$ppiofs" mount "$mnt" -d && env -u HOME "$ppiofs" umount "$mnt" || return
    env -u HOME "$ppiofs" version
}

test_completion_offers_commands() {
    "$ppiofs" completion >"$mnt.bash" || return
    bash -c '. "$1"; COMP_WORDS=(ppiofs um); COMP_CWORD=1; COMP_LINE="ppiofs um"; _complete_ppiofs; [[ " ${COMPREPLY[*]} " == *" umount "* ]]' \
        - "$mnt.bash"
}

test_doctor_finds_this_machine_fit() {
    "$ppiofs" doctor && "$ppiofs" doctor --json | grep -q '"healthy" : true'
}

test_bench_prints_its_table_and_cleans_up() {
    "$ppiofs" mount "$mnt" -d || return
    "$ppiofs" bench "$mnt" --big-file-size 8MiB --small-files 10 -p 2 >"$mnt.table" || return
    grep -q '^ITEM  *VALUE  *COST' "$mnt.table" && [[ $(wc -l <"$mnt.table") == 7 ]] && [[ -z $(ls -A "$mnt") ]]
}

test_long_work_shows_a_bar_on_a_terminal_and_only_there() {
    command -v script >/dev/null || { echo 'needs script'; return 0; }
    "$ppiofs" mount "$mnt" -d || return
    head -c 3000000 /dev/urandom >"$mnt/f" && sync "$mnt/f" || return
    script -qec "'$ppiofs' scrub --rate 1MiB" /dev/null >"$mnt.terminal" || return # takes three seconds
    "$ppiofs" scrub --rate 1MiB >"$mnt.pipe" 2>&1 || return
    grep -q 'hashing MiB' "$mnt.terminal" && grep -q 'sound' "$mnt.terminal" || return
    ! grep -q 'hashing' "$mnt.pipe" && grep -q '^[0-9]* blocks, .* sound$' "$mnt.pipe"
}

test_nodes_use_the_profiles_of_the_training() {
    local jdk
    jdk=$("$ppiofs" --print-jdk) || return
    [[ $(sed -n 's/^JAVA_VERSION="\([0-9]*\).*/\1/p' "$jdk/release") -ge 25 ]] || { echo 'needs JDK 25'; return 0; }
    "$ppiofs" mount "$mnt" -d || return
    # the JVM maps the file only if it fits class path and options
    grep -q '\.aot$' "/proc/$(node_pid)/maps"
}

test_nodes_leave_messages_to_the_quick_compiler() {
    local jdk tries
    jdk=$("$ppiofs" --print-jdk) || return
    "$ppiofs" mount "$mnt" -d || return
    for ((tries = 0; tries < 50; tries++)); do
        "$jdk/bin/jcmd" "$(node_pid)" Compiler.directives_print | grep -q 'matching:.* io/netty/\*\.\*' && return 0
        sleep 0.2
    done
    return 1
}

test_quick_start_and_end() {
    # generous limits: other work may be going on here; the real ones are in docs/operations.md
    "$ppiofs" mount "$mnt" -d && "$ppiofs" umount "$mnt" || return
    local start=${EPOCHREALTIME/./}
    "$ppiofs" mount "$mnt" -d || return
    local up=${EPOCHREALTIME/./}
    "$ppiofs" umount "$mnt" || return
    local down=${EPOCHREALTIME/./}
    echo "mount $(((up - start) / 1000)) ms, umount $(((down - up) / 1000)) ms"
    (((up - start) / 1000 < 8000 && (down - up) / 1000 < 5000))
}

run_tests
